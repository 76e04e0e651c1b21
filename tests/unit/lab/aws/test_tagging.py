"""Clusters and members are found by their tags."""

from __future__ import annotations

from typing import Any

import pytest

TAGS = [{"Key": "Name", "Value": "tagged"}]


@pytest.fixture(scope="module")
def tagged(aws: Any) -> dict[str, str]:
    """A cluster and a member of that name, beside others without tags."""
    cluster = aws.create("tagged", members=1, Tags=TAGS)["DBClusterArn"]
    member = aws.member("tagged-1")["DBInstanceArn"]
    aws.rds.add_tags_to_resource(ResourceName=member, Tags=TAGS)
    return {"rds:cluster": cluster, "rds:db": member}


def found(aws: Any, value: str, *kinds: str) -> set[str]:
    answer = aws.resourcegroupstaggingapi.get_resources(
        TagFilters=[{"Key": "Name", "Values": [value]}], ResourceTypeFilters=list(kinds)
    )
    return {each["ResourceARN"] for each in answer["ResourceTagMappingList"]}


def test_by_tag(aws: Any, tagged: dict[str, str]) -> None:
    assert found(aws, "tagged") == set(tagged.values())
    assert found(aws, "another") == set()


@pytest.mark.parametrize("kind", ["rds:cluster", "rds:db"])
def test_by_kind(aws: Any, tagged: dict[str, str], kind: str) -> None:
    assert found(aws, "tagged", kind) == {tagged[kind]}
