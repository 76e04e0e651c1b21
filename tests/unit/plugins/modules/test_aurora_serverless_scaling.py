"""aurora_serverless_scaling against the laboratory's AWS; every change is seen by boto3."""

from __future__ import annotations

import datetime
import json
import typing as t

import psycopg
import pytest
from ansible_collections.eks_observability.stack.plugins.modules.aurora_serverless_scaling import main

Range = dict[str, t.Any]


@pytest.fixture
def shown(aws: t.Any, shared_cluster: t.Any, run: t.Any) -> t.Callable[[], Range]:
    """The range as AWS shows it; it is the same before every test."""
    run(main, cluster_id="shared", min_capacity=0.5, max_capacity=4, reboot="if_pending", wait_timeout=60)
    return lambda: shared_cluster.describe()["ServerlessV2ScalingConfiguration"]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param({"max_capacity": 8}, {"MinCapacity": 0.5, "MaxCapacity": 8.0}, id="maximum alone"),
        pytest.param({"min_capacity": 2}, {"MinCapacity": 2.0, "MaxCapacity": 4.0}, id="minimum alone"),
        pytest.param(
            {"min_capacity": 0, "seconds_until_auto_pause": 600},
            {"MinCapacity": 0.0, "MaxCapacity": 4.0, "SecondsUntilAutoPause": 600},
            id="sleeps",
        ),
    ],
)
def test_scale(run: t.Any, shown: t.Callable[[], Range], wish: Range, expected: Range) -> None:
    before = shown()
    assert run(main, check=True, cluster_id="shared", **wish)["changed"]
    assert shown() == before
    results = run.matrix(main, cluster_id="shared", wait_timeout=60, **wish)
    assert shown() == expected
    assert results[0]["scaling"] == results[1]["scaling"]
    assert results[1]["scaling_before"] == {
        "min_capacity": 0.5,
        "max_capacity": 4.0,
        "seconds_until_auto_pause": None,
    }


def test_back_from_0_there_is_no_pause_left(run: t.Any, shown: t.Callable[[], Range]) -> None:
    run(main, cluster_id="shared", min_capacity=0, seconds_until_auto_pause=600)
    run.matrix(main, cluster_id="shared", min_capacity=1)
    assert shown() == {"MinCapacity": 1.0, "MaxCapacity": 4.0}


def test_a_reboot_is_only_done_where_it_is_allowed(run: t.Any, shown: t.Callable[[], Range]) -> None:
    told = run(main, cluster_id="shared", max_capacity=8)
    assert (told["max_connections"], told["pending_reboot"], told["rebooted"]) == (1669, True, [])
    assert "RebootDBInstance" not in run.calls.mutating
    results = run.matrix(main, cluster_id="shared", max_capacity=8, reboot="if_pending")
    assert results[0]["rebooted"] == results[1]["rebooted"] == ["shared-1"]
    assert not results[1]["pending_reboot"]


def test_check_mode_foresees_the_reboot(run: t.Any, shown: t.Callable[[], Range]) -> None:
    seen = run(main, check=True, cluster_id="shared", max_capacity=8)
    assert (seen["pending_reboot"], seen["max_connections"]) == (True, 1669)
    seen = run(main, check=True, cluster_id="shared", max_capacity=8, reboot="if_pending")
    assert (seen["pending_reboot"], seen["rebooted"]) == (False, ["shared-1"])


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
@pytest.mark.parametrize(
    ("wish", "words"),
    [
        pytest.param(
            {"cluster_id": "nowhere", "max_capacity": 1},
            "cluster nowhere: it does not exist",
            id="no cluster",
        ),
        pytest.param(
            {"cluster_id": "shared", "min_capacity": 0.3},
            "cluster shared: min_capacity is 0.3",
            id="no half step",
        ),
        pytest.param(
            {"cluster_id": "shared", "reboot_window": "at night"},
            "reboot_window 'at night' is no window of time",
            id="no window",
        ),
        pytest.param(
            {"cluster_id": "shared", "min_capacity": 8},
            "min_capacity (8) is above max_capacity (4)",
            id="upside down",
        ),
    ],
)
def test_mistakes(run: t.Any, shown: t.Callable[[], Range], wish: Range, words: str, check: bool) -> None:
    assert words in run.failure(main, check=check, **wish)
    assert run.calls.mutating == []


def test_outside_of_its_window_a_reboot_waits(run: t.Any, shown: t.Callable[[], Range]) -> None:
    now = datetime.datetime.now(datetime.UTC)
    begin, end = (f"{now + datetime.timedelta(hours=hours):%H:%M}" for hours in (2, 3))
    wish = {"cluster_id": "shared", "max_capacity": 8, "reboot": "if_pending", "wait_timeout": 60}
    told = run(main, reboot_window=f"{begin}-{end}", **wish)
    assert (told["rebooted"], told["postponed"], told["pending_reboot"]) == ([], ["shared-1"], True)
    assert any(
        f"wait for a reboot in the window {begin}-{end}" in str(warning) for warning in told["warnings"]
    )
    told = run(main, reboot_window="00:00-00:00", **wish)
    assert (told["rebooted"], told["postponed"], told["pending_reboot"]) == (["shared-1"], [], False)


def test_what_keeps_a_sleeper_awake_is_a_warning(
    run: t.Any, aws: t.Any, shown: t.Callable[[], Range], shared_cluster: t.Any
) -> None:
    rds = shared_cluster.rds
    subnets = aws.client("eks").describe_cluster(name="lab")["cluster"]["resourcesVpcConfig"]["subnetIds"]
    rds.create_db_proxy(
        DBProxyName="pool", EngineFamily="POSTGRESQL", Auth=[], RoleArn="arn:aws:iam::123456789012:role/pool",
        VpcSubnetIds=subnets,
    )  # fmt: skip
    rds.register_db_proxy_targets(DBProxyName="pool", DBClusterIdentifiers=["shared"])
    try:
        for check in (True, False):
            told = run(main, check=check, cluster_id="shared", min_capacity=0)
            assert "RDS Proxy pool" in told["kept_awake_by"][0]
            assert any("may pause, but RDS Proxy pool" in str(warning) for warning in told["warnings"])
        assert run(main, cluster_id="shared", min_capacity=1)["kept_awake_by"] == []
    finally:
        rds.delete_db_proxy(DBProxyName="pool")


def test_an_open_connection_is_named_while_the_database_is_awake(
    run: t.Any, aws: t.Any, shown: t.Callable[[], Range], shared_cluster: t.Any
) -> None:
    value = aws.client("secretsmanager").get_secret_value(SecretId=shared_cluster.admin_secret_arn)
    admin = json.loads(value["SecretString"])
    with psycopg.connect(
        host=shared_cluster.endpoint, user=admin["username"], password=admin["password"], dbname="app",
        application_name="postgres_exporter", sslmode="verify-full", sslrootcert=aws.authority,
    ):  # fmt: skip
        told = run(main, cluster_id="shared", min_capacity=0)
        assert any("postgres_exporter in its default mode" in each for each in told["kept_awake_by"])
        run(main, cluster_id="shared", min_capacity=0)
        assert "ExecuteStatement" not in [call.operation for call in run.calls], "it may sleep by now"


def test_a_provisioned_cluster_needs_both_ends(run: t.Any, aws: t.Any, name: str) -> None:
    rds = aws.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier=name, Engine="aurora-postgresql", MasterUsername="dbadmin",
        ManageMasterUserPassword=True,
    )  # fmt: skip
    said = run.failure(main, cluster_id=name, max_capacity=4)
    assert "it has no Serverless v2 range yet, so min_capacity and max_capacity are both needed" in said
    results = run.matrix(main, cluster_id=name, min_capacity=0.5, max_capacity=4, wait_timeout=60)
    assert results[1]["scaling_before"] is None
    shown = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    assert shown["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 4.0}


def test_an_old_version_cannot_pause(run: t.Any, aws: t.Any, name: str) -> None:
    rds = aws.client("rds")
    old = rds.describe_db_engine_versions()["DBEngineVersions"][0]["EngineVersion"]
    rds.create_db_cluster(
        DBClusterIdentifier=name, Engine="aurora-postgresql", EngineVersion=old, MasterUsername="dbadmin",
        ManageMasterUserPassword=True,
    )  # fmt: skip
    for check in (True, False):
        said = run.failure(main, check=check, cluster_id=name, min_capacity=0, max_capacity=4)
        assert f"Aurora PostgreSQL {old} cannot pause, its smallest minimum is 0.5 ACU" in said
        assert run.calls.mutating == []


def test_a_range_that_aws_refuses_is_refused_in_its_words(run: t.Any, shown: t.Callable[[], Range]) -> None:
    said = run.failure(main, cluster_id="shared", max_capacity=1000)
    assert said.startswith("Failed to modify cluster shared: An error occurred (InvalidParameter")
