"""Cluster parameter groups: the engine's list, changes, and what they do to the running server."""

from __future__ import annotations

from typing import Any

import pytest

from lab.aws import rds_parameters
from lab.aws.faults import Fault
from lab.waiting import wait_until

ENGINE = rds_parameters.catalogue("15")


def change(name: str, value: str, method: str = "immediate") -> dict[str, str]:
    return {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param(change("track_io_timing", "1"), id="boolean"),
        pytest.param(change("log_min_duration_statement", "-1"), id="lowest integer"),
        pytest.param(change("pg_stat_statements.track", "all"), id="choice in another case"),
        pytest.param(
            change("shared_preload_libraries", "pg_stat_statements,auto_explain", "pending-reboot"), id="list"
        ),
        pytest.param(change("timezone", "Europe/Berlin"), id="any text"),
        pytest.param(
            change("max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)", "pending-reboot"),
            id="formula",
        ),
    ],
)
def test_legal_changes(wish: dict[str, str]) -> None:
    rds_parameters.check_change(ENGINE, wish)


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        pytest.param(change("no_such_parameter", "1"), "Could not find parameter", id="unknown name"),
        pytest.param(change("track_io_timing", "on"), "allowed values are: 0,1", id="boolean by word"),
        pytest.param(change("log_statement", "some"), "none,ddl,mod,all", id="unknown choice"),
        pytest.param(change("work_mem", "4MB"), "Invalid parameter value", id="number with unit"),
        pytest.param(change("work_mem", "1"), "Invalid parameter value", id="number too small"),
        pytest.param(
            change("max_connections", "100"), "immediate apply method for static", id="static at once"
        ),
        pytest.param(
            change("shared_preload_libraries", "timescaledb", "pending-reboot"),
            "allowed values",
            id="unknown library",
        ),
    ],
)
def test_refused_changes(wish: dict[str, str], text: str) -> None:
    with pytest.raises(Fault, match=text):
        rds_parameters.check_change(ENGINE, wish)


def test_tls_is_forced_by_default_from_17_on() -> None:
    assert [
        rds_parameters.catalogue(major)["rds.force_ssl"].default for major in ("15", "16", "17", "18")
    ] == [*("0", "0", "1", "1")]


def test_static_and_postponed_changes_wait_for_a_reboot() -> None:
    own = {
        "max_connections": change("max_connections", "50", "pending-reboot"),
        "work_mem": change("work_mem", "8192", "pending-reboot"),
        "log_statement": change("log_statement", "ddl"),
    }
    wanted = rds_parameters.settings(ENGINE, own, connections=189)
    before = rds_parameters.settings(ENGINE, {"lock_timeout": change("lock_timeout", "5")}, connections=189)
    after = rds_parameters.applied_now(ENGINE, own, wanted, before)
    assert after["max_connections"] == "189"
    assert "work_mem" not in after
    assert after["log_statement"] == "ddl"
    assert "lock_timeout" not in after, "a removed dynamic parameter is gone at once"


@pytest.fixture(scope="module")
def group(aws: Any) -> str:
    """A group of our own."""
    family = aws.rds.describe_db_engine_versions()["DBEngineVersions"][0]["DBParameterGroupFamily"]
    aws.rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="own", DBParameterGroupFamily=family, Description="own"
    )
    return "own"


class TestGroups:
    @staticmethod
    def read(aws: Any, group: str, **options: Any) -> dict[str, dict[str, Any]]:
        pages = aws.rds.get_paginator("describe_db_cluster_parameters").paginate(
            DBClusterParameterGroupName=group, **options
        )
        return {one["ParameterName"]: one for page in pages for one in page["Parameters"]}

    def test_the_list_is_the_engines(self, aws: Any, group: str) -> None:
        parameters = self.read(aws, group, PaginationConfig={"PageSize": 20})
        assert parameters["shared_preload_libraries"]["ApplyType"] == "static"
        assert parameters["track_io_timing"]["ApplyType"] == "dynamic"
        assert parameters["max_connections"]["ParameterValue"] == rds_parameters.MAX_CONNECTIONS_FORMULA
        assert {one["Source"] for one in parameters.values()} == {"engine-default"}

    def test_changes_are_the_users(self, aws: Any, group: str) -> None:
        aws.rds.modify_db_cluster_parameter_group(
            DBClusterParameterGroupName=group, Parameters=[change("log_lock_waits", "1")]
        )
        own = self.read(aws, group, Source="user")
        assert {name: one["ParameterValue"] for name, one in own.items()} == {"log_lock_waits": "1"}
        aws.rds.reset_db_cluster_parameter_group(DBClusterParameterGroupName=group, ResetAllParameters=True)
        assert self.read(aws, group, Source="user") == {}

    def test_unknown_parameter(self, aws: Any, refusal: Any, group: str) -> None:
        code, message = refusal(
            aws.rds.modify_db_cluster_parameter_group,
            DBClusterParameterGroupName=group,
            Parameters=[change("nope", "1")],
        )
        assert (code, "nope" in message) == ("InvalidParameterValue", True)

    def test_default_group_is_fixed(self, aws: Any, refusal: Any, shared: dict[str, Any]) -> None:
        code, _message = refusal(
            aws.rds.modify_db_cluster_parameter_group,
            DBClusterParameterGroupName=shared["DBClusterParameterGroup"],
            Parameters=[change("log_lock_waits", "1")],
        )
        assert code == "InvalidDBParameterGroupState"

    def test_changes_reach_the_server(self, aws: Any, refusal: Any, group: str) -> None:
        cluster = aws.create("with-group", members=1, DBClusterParameterGroupName=group)

        def setting(name: str) -> str:
            with aws.login(cluster, "dbadmin", "right-Password-1") as session:
                return str(session.execute(f"SHOW {name}").fetchone()[0])

        def status() -> str:
            return str(aws.cluster("with-group")["DBClusterMembers"][0]["DBClusterParameterGroupStatus"])

        assert (setting("log_lock_waits"), setting("max_locks_per_transaction")) == ("off", "64")
        aws.rds.modify_db_cluster_parameter_group(
            DBClusterParameterGroupName=group,
            Parameters=[
                change("log_lock_waits", "1"),
                change("max_locks_per_transaction", "80", "pending-reboot"),
            ],
        )
        wait_until(lambda: setting("log_lock_waits") == "on", what="the dynamic parameter", timeout=5)
        assert (setting("max_locks_per_transaction"), status()) == ("64", "pending-reboot")
        aws.rds.reboot_db_instance(DBInstanceIdentifier="with-group-1")
        assert aws.member("with-group-1")["DBInstanceStatus"] == "rebooting"
        aws.wait_member("with-group-1")
        assert (setting("max_locks_per_transaction"), status()) == ("80", "in-sync")
        code, _message = refusal(aws.rds.delete_db_cluster_parameter_group, DBClusterParameterGroupName=group)
        assert code == "InvalidDBParameterGroupState"

    def test_force_ssl(self, aws: Any) -> None:
        family = aws.rds.describe_db_engine_versions()["DBEngineVersions"][0]["DBParameterGroupFamily"]
        aws.rds.create_db_cluster_parameter_group(
            DBClusterParameterGroupName="tls", DBParameterGroupFamily=family, Description="tls"
        )
        aws.rds.modify_db_cluster_parameter_group(
            DBClusterParameterGroupName="tls", Parameters=[change("rds.force_ssl", "1")]
        )
        cluster = aws.create("tls", DBClusterParameterGroupName="tls")
        aws.login(cluster, "dbadmin", "right-Password-1").close()
        with pytest.raises(Exception, match="no encryption"):
            aws.login(cluster, "dbadmin", "right-Password-1", sslmode="disable")
        aws.rds.modify_db_cluster_parameter_group(
            DBClusterParameterGroupName="tls", Parameters=[change("rds.force_ssl", "0")]
        )

        def plain() -> bool:
            aws.login(cluster, "dbadmin", "right-Password-1", sslmode="disable").close()
            return True

        wait_until(plain, what="a login without TLS", timeout=5, tolerate=(Exception,))
