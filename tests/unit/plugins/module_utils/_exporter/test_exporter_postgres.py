"""The profile of postgres_exporter on pages of a real one (0.19.1, PostgreSQL 15)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.expectation import Check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.postgres import (
    PostgresProfile,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.postgres_families import (
    default_collectors,
    parse_version,
    required_families,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse

FIXTURES = Path(__file__).parent / "fixtures"
ENABLED = ("stat_statements", "database_wraparound", "postmaster", "long_running_transactions")
PROFILE = PostgresProfile("app", 15, collectors_enabled=ENABLED, collectors_disabled=("replication", "wal"))


def page(name: str) -> str:
    return (FIXTURES / f"{name}.prom").read_text(encoding="utf-8")


def judged(text: str, profile: PostgresProfile = PROFILE) -> list[Check]:
    return list(profile.judge(parse(text.encode())))


def failed(checks: list[Check]) -> list[str]:
    return [check.id for check in checks if check.status == "fail"]


def test_a_healthy_exporter_passes() -> None:
    checks = judged(page("healthy"))
    assert failed(checks) == []
    by_id = {check.id: check.observed for check in checks}
    assert by_id["sees_other_users"] == "statements of dbadmin"
    assert by_id["required_families"] == "all"


def test_a_role_without_pg_monitor_is_found_out() -> None:
    """pg_up is 1, each collector succeeds and each family is there."""
    checks = judged(page("without_pg_monitor"))
    assert failed(checks) == ["sees_other_users"]
    assert "GRANT pg_monitor" in str(checks[-1])
    assert "dbadmin" in checks[-1].observed


def test_a_refused_login_is_the_only_message() -> None:
    checks = judged(page("login_refused"))
    assert [(check.id, check.status) for check in checks] == [("pg_up", "fail"), ("statistics", "skip")]
    assert "password wrong or rotated" in checks[0].hint


def test_silence_behind_pg_up_1_is_found_out() -> None:
    """The exporter lives on the connection that it had before its password was rotated."""
    text = page("stuck_on_old_connection")
    assert "\npg_up 1\n" in text
    checks = judged(text)
    assert failed(checks) == ["collectors"]
    assert "restart the pod" in checks[-2].hint


def edited(pattern: str, replacement: str) -> str:
    text, count = re.subn(pattern, replacement, page("healthy"), flags=re.M)
    assert count
    return text


@pytest.mark.parametrize(
    ("text", "ids", "said"),
    [
        pytest.param(
            edited(r'^(pg_scrape_collector_success\{collector="stat_statements"\}) 1$', r"\1 0"),
            ["collectors"],
            "failed: stat_statements",
            id="a collector failed",
        ),
        pytest.param(
            edited(r'^pg_scrape_collector_success\{collector="postmaster"\} 1\n', ""),
            ["collectors"],
            "silent: postmaster",
            id="a collector is off",
        ),
        pytest.param(
            edited(r'^pg_scrape_collector_success\{collector="locks"\} 1\n', "")[:-1]
            + "\npg_scrape_collector_success_other 1\n",
            ["collectors"],
            "silent: locks",
            id="one silent collector among many",
        ),
        pytest.param(
            edited(r"^(pg_exporter_last_scrape_error) 0$", r"\1 1"),
            ["pg_exporter_last_scrape_error"],
            "seen 1",
            id="a query failed",
        ),
        pytest.param(
            edited(r"^# TYPE pg_locks_count gauge\n(pg_locks_count.*\n)+", ""),
            ["required_families"],
            "missing: pg_locks_count",
            id="a family is missing",
        ),
        pytest.param(
            edited(r'datname="app"', 'datname="shop"'),
            ["database"],
            "seen postgres, shop, template0, template1",
            id="another database",
        ),
        pytest.param(
            edited(r"^(pg_settings_track_io_timing\{.*\}) 1$", r"\1 0"),
            ["pg_settings_track_io_timing"],
            "cluster parameter group",
            id="no I/O timing",
        ),
        pytest.param(
            edited(r'^(pg_stat_database_numbackends\{.*datname="app"\}) \d+$', r"\1 99"),
            ["sees_other_users"],
            "sessions are hidden",
            id="sessions without a state",
        ),
        pytest.param(edited(r"^pg_up 1$", "pg_up 0"), ["pg_up"], "cannot log in", id="down"),
    ],
)
def test_a_fault_is_named(text: str, ids: list[str], said: str) -> None:
    checks = judged(text)
    assert failed(checks) == ids
    assert any(said in str(check) for check in checks if check.status == "fail")


@pytest.mark.parametrize(
    ("profile", "ids"),
    [
        pytest.param(
            PostgresProfile(
                "app",
                15,
                collectors_enabled=ENABLED,
                collectors_disabled=("replication", "wal"),
                max_connections=823,
            ),
            ["pg_settings_max_connections"],
            id="a reboot is pending",
        ),
        pytest.param(
            PostgresProfile(
                "app",
                15,
                collectors_enabled=ENABLED,
                collectors_disabled=("replication", "wal"),
                exporter_version="0.20",
            ),
            ["exporter_version", "collectors"],
            id="another version runs",
        ),
        pytest.param(
            PostgresProfile("app", 15, collectors=("locks",)),
            [],
            id="more collectors than named is a warning",
        ),
        pytest.param(
            PostgresProfile("app", 15, collectors=("locks", "wal")), ["collectors"], id="fewer is a failure"
        ),
    ],
)
def test_the_deployment_is_compared(profile: PostgresProfile, ids: list[str]) -> None:
    assert failed(judged(page("healthy"), profile)) == ids


def test_a_probe_does_not_tell_its_version() -> None:
    lines = page("healthy").splitlines(keepends=True)
    text = "".join(line for line in lines if "postgres_exporter_build_info" not in line)
    flags = {"collectors_enabled": ENABLED, "collectors_disabled": ("replication", "wal")}
    profile = PostgresProfile("app", 15, exporter_version="0.19.1", probe=True, **flags)
    assert failed(judged(text, profile)) == []
    assert failed(judged(text, replace(profile, probe=False))) == ["exporter_version"]


def test_a_page_of_something_else_is_named() -> None:
    (check, _skipped) = judged("node_load1 0.5\n")
    assert "not the page of a postgres_exporter" in check.hint


def test_before_0_19_1_hidden_statements_leave_no_page() -> None:
    fault = (
        'answered 500: collected metric "pg_stat_statements_calls_total" { label:{name:"queryid" '
        'value:"unknown"} } was collected before with the same name and label values'
    )
    assert "GRANT pg_monitor" in PROFILE.hint(fault)
    assert PROFILE.hint("refused") == ""


@pytest.mark.parametrize(
    ("version", "some", "none"),
    [
        pytest.param("0.17.1", {"roles", "replication_slot"}, {"stat_progress_vacuum"}, id="0.17"),
        pytest.param("0.19.1+ds", {"stat_progress_vacuum", "replication_slot"}, {"settings"}, id="0.19"),
        pytest.param(
            "v0.20.1", {"settings", "replication_slots"}, {"replication_slot"}, id="0.20 renamed one"
        ),
        pytest.param("", {"settings"}, {"replication_slot"}, id="unknown is the newest"),
    ],
)
def test_collectors_that_are_on_by_themselves(version: str, some: set[str], none: set[str]) -> None:
    names = default_collectors(parse_version(version))
    assert some <= names
    assert not none & names


@pytest.mark.parametrize(
    ("major", "some", "none"),
    [
        pytest.param(
            16,
            {"pg_stat_bgwriter_checkpoints_timed_total", "pg_settings_reserved_connections"},
            set(),
            id="16",
        ),
        pytest.param(
            17,
            {"pg_stat_checkpointer_num_timed_total"},
            {"pg_stat_bgwriter_checkpoints_timed_total"},
            id="17 moved the checkpoints",
        ),
        pytest.param(15, set(), {"pg_settings_reserved_connections"}, id="15"),
    ],
)
def test_families_by_postgres_version(major: int, some: set[str], none: set[str]) -> None:
    names = set(required_families({"stat_bgwriter", "stat_checkpointer"}, major, (0, 19)))
    assert some <= names
    assert not none & names
