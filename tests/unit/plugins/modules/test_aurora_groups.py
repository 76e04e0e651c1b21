"""aurora_subnet_group and aurora_parameter_group against the laboratory's AWS; boto3 sees every change."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.modules import (
    aurora_parameter_group,
    aurora_subnet_group,
)
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
    main, group = aurora_subnet_group.main, SubnetGroup(rds, name)
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
    main, group = aurora_subnet_group.main, SubnetGroup(rds, name)
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


class Parameters:
    """An administrator's view of one parameter group."""

    def __init__(self, rds: t.Any, name: str) -> None:
        self.rds, self.name = rds, name

    @property
    def exists(self) -> bool:
        groups = self.rds.describe_db_cluster_parameter_groups()["DBClusterParameterGroups"]
        return self.name in [group["DBClusterParameterGroupName"] for group in groups]

    @property
    def chosen(self) -> dict[str, str]:
        pages = self.rds.get_paginator("describe_db_cluster_parameters").paginate(
            DBClusterParameterGroupName=self.name, Source="user"
        )
        return {one["ParameterName"]: one["ParameterValue"] for page in pages for one in page["Parameters"]}

    def set(self, name: str, value: str, method: str = "immediate") -> None:
        parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}
        self.rds.modify_db_cluster_parameter_group(
            DBClusterParameterGroupName=self.name, Parameters=[parameter]
        )


@pytest.fixture
def group(rds: t.Any, name: str) -> Parameters:
    return Parameters(rds, name)


@pytest.fixture
def asked(rds: t.Any, name: str) -> dict[str, t.Any]:
    family = rds.describe_db_engine_versions()["DBEngineVersions"][0]["DBParameterGroupFamily"]
    return {
        "name": name,
        "family": family,
        "description": "demo",
        "parameters": {"log_lock_waits": True, "log_min_duration_statement": 1000},
        "tags": {"project": "demo"},
    }


def test_the_life_of_a_parameter_group(run: t.Any, group: Parameters, asked: dict[str, t.Any]) -> None:
    main = aurora_parameter_group.main
    assert run(main, check=True, **asked)["changed"]
    assert not group.exists
    results = run.matrix(main, **asked)
    assert results[0]["diff"] == results[1]["diff"]
    assert group.chosen == {"log_lock_waits": "1", "log_min_duration_statement": "1000"}
    results = run.matrix(
        main, name=group.name, parameters={"log_lock_waits": False, "track_activity_query_size": 8192}
    )
    assert results[1]["changes"] == ["log_lock_waits", "track_activity_query_size"]
    assert results[1]["static"] == ["track_activity_query_size"]
    assert group.chosen == {
        "log_lock_waits": "0",
        "log_min_duration_statement": "1000",
        "track_activity_query_size": "8192",
    }
    run.matrix(main, name=group.name, parameters={"log_min_duration_statement": None})
    assert "log_min_duration_statement" not in group.chosen
    run.matrix(main, name=group.name, state="absent")
    assert not group.exists


def test_items_are_added_to_a_list_and_those_of_others_stay(
    run: t.Any, group: Parameters, asked: dict[str, t.Any]
) -> None:
    run(aurora_parameter_group.main, **asked)
    group.set("shared_preload_libraries", "pg_cron", "pending-reboot")
    run.matrix(
        aurora_parameter_group.main,
        name=group.name,
        parameters={"shared_preload_libraries": ["auto_explain"]},
    )
    assert group.chosen["shared_preload_libraries"] == "pg_cron,auto_explain"


@pytest.mark.parametrize(
    ("parameter", "value"), [("log_lock_waits", "0"), ("log_min_duration_statement", "5")]
)
def test_drift_of_a_parameter_is_named_and_repaired(
    run: t.Any, group: Parameters, asked: dict[str, t.Any], parameter: str, value: str
) -> None:
    run(aurora_parameter_group.main, **asked)
    before = group.chosen
    group.set(parameter, value)
    results = run.matrix(aurora_parameter_group.main, **asked)
    assert list(results[0]["diff"]["before"]) == [parameter]
    assert group.chosen == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"family": "aurora-postgresql9"}, "AWS fixes this at creation", id="another family"),
        pytest.param(
            {"parameters": {"log_lock_wait": 1}}, "Did you mean log_lock_waits", id="no such parameter"
        ),
        pytest.param(
            {"parameters": {"log_min_duration_statement": "soon"}},
            "Invalid parameter value: soon",
            id="refused by AWS",
        ),
    ],
)
def test_mistakes(run: t.Any, group: Parameters, asked: dict[str, t.Any], change: t.Any, words: str) -> None:
    run(aurora_parameter_group.main, **asked)
    before = group.chosen
    assert words in run.failure(aurora_parameter_group.main, **{**asked, **change})
    assert group.chosen == before
