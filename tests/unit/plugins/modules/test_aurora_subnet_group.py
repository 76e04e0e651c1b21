"""aurora_subnet_group against the laboratory's AWS; every change is seen by boto3."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.modules.aurora_subnet_group import main
from botocore.exceptions import ClientError


@pytest.fixture
def rds(aws: t.Any) -> t.Any:
    return aws.client("rds")


@pytest.fixture
def subnets(aws: t.Any) -> list[str]:
    found: list[str] = aws.client("eks").describe_cluster(name="lab")["cluster"]["resourcesVpcConfig"][
        "subnetIds"
    ]
    return sorted(found)


def tags_of(rds: t.Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in rds.list_tags_for_resource(ResourceName=arn)["TagList"]}


class SubnetGroup:
    """An administrator's view of one subnet group."""

    def __init__(self, rds: t.Any, name: str) -> None:
        self.rds, self.name = rds, name

    def seen(self) -> tuple[str, list[str], dict[str, str]] | None:
        """(description, subnets, tags)."""
        try:
            group = self.rds.describe_db_subnet_groups(DBSubnetGroupName=self.name)["DBSubnetGroups"][0]
        except ClientError:
            return None
        ids = sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"])
        return group["DBSubnetGroupDescription"], ids, tags_of(self.rds, group["DBSubnetGroupArn"])


def test_the_life_of_a_subnet_group(run: t.Any, rds: t.Any, name: str, subnets: list[str]) -> None:
    group = SubnetGroup(rds, name)
    wish = {"name": name, "description": "demo", "subnet_ids": subnets, "tags": {"project": "demo"}}
    assert run(main, check=True, **wish)["changed"]
    assert group.seen() is None
    results = run.matrix(main, **wish)
    assert results[0]["diff"] == results[1]["diff"]
    assert group.seen() == ("demo", subnets, {"project": "demo"})
    for change, after in (
        ({"description": "new"}, ("new", subnets, {"project": "demo"})),
        ({"subnet_ids": subnets[:2]}, ("new", subnets[:2], {"project": "demo"})),
        ({"tags": {"team": "db"}}, ("new", subnets[:2], {"team": "db"})),
    ):
        results = run.matrix(main, name=name, **change)
        assert results[0]["changes"] == results[1]["changes"] == list(change)
        assert group.seen() == after
    run.matrix(main, name=name, state="absent")
    assert group.seen() is None


@pytest.mark.parametrize(
    "field",
    [pytest.param("description"), pytest.param("subnet_ids"), pytest.param("tags")],
)
def test_drift_of_a_subnet_group_is_named_and_repaired(
    run: t.Any, rds: t.Any, name: str, subnets: list[str], field: str
) -> None:
    group = SubnetGroup(rds, name)
    wish = {"name": name, "description": "demo", "subnet_ids": subnets, "tags": {"project": "demo"}}
    run(main, **wish)
    before = group.seen()
    if field == "tags":
        arn = rds.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]["DBSubnetGroupArn"]
        rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "project", "Value": "other"}])
    else:
        drift = {"description": ("other", subnets), "subnet_ids": ("demo", subnets[1:])}[field]
        rds.modify_db_subnet_group(
            DBSubnetGroupName=name, DBSubnetGroupDescription=drift[0], SubnetIds=drift[1]
        )
    results = run.matrix(main, **wish)
    assert list(results[0]["diff"]["before"]) == list(results[0]["diff"]["after"]) == [field]
    assert group.seen() == before
