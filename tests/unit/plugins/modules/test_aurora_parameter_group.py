"""aurora_parameter_group against the laboratory's AWS; every change is seen by boto3."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.modules.aurora_parameter_group import main


@pytest.fixture
def rds(aws: t.Any) -> t.Any:
    return aws.client("rds")


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
    run(main, **asked)
    group.set("shared_preload_libraries", "pg_cron", "pending-reboot")
    run.matrix(
        main,
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
    run(main, **asked)
    before = group.chosen
    group.set(parameter, value)
    results = run.matrix(main, **asked)
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
    run(main, **asked)
    before = group.chosen
    assert words in run.failure(main, **{**asked, **change})
    assert group.chosen == before
