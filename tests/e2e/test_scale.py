"""scale.yml: the range of the moment, a reboot where it is allowed, and what keeps a sleeper awake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.journey import Journey
from tests.e2e.laboratory import Laboratory, Run, eventually

CLUSTER = "demo-aurora-postgres"
SCALE = "playbooks/scale.yml"


@pytest.fixture(autouse=True)
def built(journey: Journey) -> None:
    """There is something to scale."""


def scale(lab: Laboratory, *arguments: str, **inputs: Any) -> Run:
    return lab.play(SCALE, *arguments, "-e", json.dumps(inputs))


def seen(lab: Laboratory) -> tuple[dict[str, Any], str]:
    """The range, and whether the writer waits for a reboot."""
    cluster = lab.aws("rds").describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]
    status = cluster["DBClusterMembers"][0]["DBClusterParameterGroupStatus"]
    return cluster["ServerlessV2ScalingConfiguration"], status


def max_connections(lab: Laboratory) -> int:
    with lab.master(CLUSTER) as connection:
        row = connection.execute("SHOW max_connections").fetchone()
        assert row
        return int(row[0])


def test_office_hours_and_back(lab: Laboratory) -> None:
    office = {"aurora_capacity_schedule": [{"name": "office hours", "min_capacity": 1, "max_capacity": 8}]}
    before, connections = seen(lab), max_connections(lab)
    check = scale(lab, "--check", **office)
    assert "1 to 8 ACU (office hours), before 0.5 to 2; max_connections 1669" in " ".join(
        check.output.split()
    )
    assert check.mutations == []
    assert seen(lab) == before
    up = scale(lab, **office)
    assert up.code == 0, up.output
    assert seen(lab) == ({"MinCapacity": 1.0, "MaxCapacity": 8.0}, "pending-reboot")
    assert max_connections(lab) == connections
    booted = scale(lab, **office, aurora_reboot="if_pending", aurora_reboot_window="00:00-00:00")
    assert f"rebooted: {CLUSTER}-1" in " ".join(booted.output.split())
    assert (seen(lab)[1], max_connections(lab)) == ("in-sync", 1669)
    assert scale(lab, **office, aurora_reboot="if_pending").changed == {"aurora": 0}
    down = scale(lab, aurora_reboot="always")
    assert down.code == 0, down.output
    assert (seen(lab), max_connections(lab)) == (before, connections)


def test_a_sleeper_that_is_kept_awake_is_a_warning(lab: Laboratory) -> None:
    def exporter_is_back() -> bool:
        """After the reboot of the test before, with the connection that it keeps: a scrape opens others."""
        with lab.master(CLUSTER) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_stat_activity WHERE usename = 'postgres_exporter'"
                " AND state = 'idle' AND state_change < now() - interval '1 second'"
            )
            return found.fetchone() is not None

    eventually(exporter_is_back, "the exporter's connection")
    run = scale(lab, "--check", aurora_min_capacity=0)
    assert run.code == 0, run.output
    assert "may pause, but postgres_exporter in its default mode" in " ".join(run.output.split())
    assert run.mutations == []
