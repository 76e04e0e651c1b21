"""The profile of postgres_exporter on pages of a real one (0.19.1, PostgreSQL 15)."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.loading import load
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.profile import Profile
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse
from ansible_collections.eks_observability.stack.plugins.plugin_utils import _profiles

FIXTURES = Path(__file__).parent / "fixtures"
VARIABLES = {
    "database": "app",
    "postgres_major": 15,
    "collectors_enabled": [
        "stat_statements",
        "database_wraparound",
        "postmaster",
        "long_running_transactions",
    ],
    "collectors_disabled": ["replication", "wal"],
}


def profile(**variables: t.Any) -> Profile:
    given = _profiles.load("postgres_exporter", find=str)
    return load(given, {**VARIABLES, **variables})


PROFILE = profile()


def page(name: str) -> str:
    return (FIXTURES / f"{name}.prom").read_text(encoding="utf-8")


def judged(text: str, profile: Profile = PROFILE) -> list[Check]:
    return list(profile.judge(profile.pages(parse(text.encode()), None)))


def of(status: str, checks: list[Check]) -> list[str]:
    return [check.id for check in checks if check.status == status]


def failed(checks: list[Check]) -> list[str]:
    return of("fail", checks)


def test_a_healthy_exporter_passes() -> None:
    checks = judged(page("healthy"))
    assert {check.status for check in checks} == {"pass"}
    assert {"database", "required_families", "sees_statements_of_others"} <= {check.id for check in checks}


def test_what_was_not_given_is_not_checked() -> None:
    ids = {check.id for check in judged(page("healthy"))}
    assert not ids & {"exporter_version", "pg_settings_max_connections"}


def test_a_page_of_a_probe_says_nothing_of_the_exporter() -> None:
    told = profile(probe=True, exporter_version="0.19.1")
    text = re.sub(r"(?m)^postgres_exporter_build_info.*\n", "", page("healthy"))
    again = parse(re.sub(r"(?m)^(pg_exporter_last_scrape_duration_seconds) .*", r"\1 9", text).encode())
    checks = list(told.judge(told.pages(again, parse(text.encode()))))
    assert {check.status for check in checks} == {"pass"}


def test_a_page_from_a_cache_is_found_out() -> None:
    cached = parse(page("healthy").encode())
    assert failed(list(PROFILE.judge(PROFILE.pages(cached, cached)))) == [
        "pg_exporter_scrapes_total_grows",
        "pg_exporter_last_scrape_duration_seconds_changes",
    ]


def test_the_version_of_postgres_is_the_reported_one() -> None:
    checks = judged(page("healthy"), profile(postgres_major=None))
    assert failed(checks) == []
    assert "postgres_version" not in {check.id for check in checks}


def test_a_role_without_pg_monitor_is_found_out() -> None:
    """pg_up is 1, each collector succeeds and each family is there."""
    (check,) = [check for check in judged(page("without_pg_monitor")) if check.status == "fail"]
    assert check.id == "sees_statements_of_others"
    assert "GRANT pg_monitor TO postgres_exporter" in str(check)
    assert "dbadmin" in check.observed


def test_a_refused_login_is_the_only_message() -> None:
    checks = judged(page("login_refused"))
    assert failed(checks) == ["pg_up"]
    assert {"collectors", "database", "required_families"} <= set(of("skip", checks))
    assert "password wrong or rotated" in next(check.hint for check in checks if check.id == "pg_up")


def test_silence_behind_pg_up_1_is_found_out() -> None:
    """The exporter lives on the connection that it had before its password was rotated."""
    text = page("stuck_on_old_connection")
    assert "\npg_up 1\n" in text
    checks = judged(text)
    assert failed(checks) == ["collectors_report"]
    assert any("restart the pod" in str(check) for check in checks if check.status == "fail")


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
            "failed: stat_statements (the error is in the log",
            id="a collector failed",
        ),
        pytest.param(
            edited(r'^pg_scrape_collector_success\{collector="postmaster"\} 1\n', ""),
            ["collectors"],
            "silent: postmaster",
            id="a collector is off",
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
            edited(r"^(pg_database_size_bytes\{.*\}) .*$", r"\1 NaN"),
            ["required_families"],
            "NaN: pg_database_size_bytes",
            id="a family without a number",
        ),
        pytest.param(
            edited(r'datname="app"', 'datname="shop"'),
            ["database"],
            "datname is postgres, shop, template0, template1",
            id="another database",
        ),
        pytest.param(
            edited(r'short_version="15.18.0"', 'short_version="16.2.0"'),
            ["postgres_version"],
            "short_version is 16.2.0",
            id="another server",
        ),
        pytest.param(
            edited(r"^(pg_settings_track_io_timing\{.*\}) 1$", r"\1 0"),
            ["pg_settings_track_io_timing"],
            "cluster parameter group",
            id="no I/O timing",
        ),
        pytest.param(
            edited(r'^(pg_stat_database_numbackends\{.*datname="app"\}) \d+$', r"\1 99"),
            ["sees_sessions_of_others"],
            "GRANT pg_monitor",
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
    ("variables", "ids"),
    [
        pytest.param({"max_connections": 823}, ["pg_settings_max_connections"], id="a reboot is pending"),
        pytest.param(
            {"exporter_version": "0.20"}, ["exporter_version", "collectors"], id="another version runs"
        ),
        pytest.param({"exporter_version": "0.1"}, ["exporter_version", "collectors"], id="0.1 is not 0.19"),
        pytest.param({"exporter_version": "0.19"}, [], id="a beginning of the version"),
        pytest.param({"exporter_version": "v0.19.1"}, [], id="the version as its tag"),
        pytest.param({"collectors": ["locks"]}, [], id="more collectors than named"),
        pytest.param({"collectors": ["locks", "wal"]}, ["collectors"], id="fewer is a failure"),
    ],
)
def test_the_deployment_is_compared(variables: dict[str, t.Any], ids: list[str]) -> None:
    assert failed(judged(page("healthy"), profile(**variables))) == ids


def test_more_collectors_than_named_are_a_warning() -> None:
    checks = judged(page("healthy"), profile(collectors=["locks"]))
    assert of("warn", checks) == ["collectors_not_asked_for"]


@pytest.mark.parametrize(
    ("aurora", "said"),
    [
        pytest.param(True, "wal: Aurora does not support it", id="Aurora"),
        pytest.param(False, "the error is in the log", id="any other PostgreSQL"),
    ],
)
def test_a_collector_that_aurora_cannot_serve(aurora: bool, said: str) -> None:
    text = edited(
        r'^(pg_scrape_collector_success\{collector="stat_statements"\} 1)$',
        r'\1\npg_scrape_collector_success{collector="wal"} 0',
    )
    checks = judged(text, profile(aurora=aurora, collectors_disabled=["replication"]))
    assert failed(checks) == ["collectors"]
    assert any(check.hint.startswith(said) for check in checks)


def test_an_exporter_that_is_too_old_for_the_database() -> None:
    text = edited(r'^(pg_scrape_collector_success\{collector="stat_bgwriter"\}) 1$', r"\1 0")
    checks = judged(text, profile(postgres_major=17, exporter_version="0.16"))
    (check,) = [check for check in checks if check.id == "collectors"]
    assert "stat_bgwriter: postgres_exporter before 0.17 does not know PostgreSQL 17" in check.hint


def test_a_page_of_something_else_is_named() -> None:
    (check,) = [check for check in judged("node_load1 0.5\n") if check.status == "fail"]
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
        pytest.param("0.11.1", {"bgwriter", "database"}, {"stat_bgwriter", "locks"}, id="0.11"),
        pytest.param("0.15.0", {"locks", "stat_bgwriter"}, {"roles", "bgwriter"}, id="0.15"),
        pytest.param("0.17.1", {"roles", "replication_slot"}, {"stat_progress_vacuum"}, id="0.17"),
        pytest.param("0.19.1+ds", {"stat_progress_vacuum", "replication_slot"}, {"settings"}, id="0.19"),
        pytest.param(
            "v0.20.1", {"settings", "replication_slots"}, {"replication_slot"}, id="0.20 renamed one"
        ),
        pytest.param(None, {"settings"}, {"replication_slot"}, id="unknown is the newest"),
    ],
)
def test_collectors_that_are_on_by_themselves(version: str | None, some: set[str], none: set[str]) -> None:
    collectors = profile(exporter_version=version, collectors_enabled=None).families.collectors
    names = collectors.wanted(parse(b"up 1\n"))
    assert some <= names
    assert not none & names


CHECKPOINTS = "pg_stat_bgwriter_checkpoints_timed_total"
RESERVED = "pg_settings_reserved_connections"


@pytest.mark.parametrize(
    ("major", "some", "none"),
    [
        pytest.param(15, {CHECKPOINTS}, {RESERVED}, id="15"),
        pytest.param(16, {CHECKPOINTS, RESERVED}, set(), id="16"),
        pytest.param(17, {"pg_stat_checkpointer_num_timed_total"}, {CHECKPOINTS}, id="17 moved them"),
    ],
)
def test_families_by_postgres_version(major: int, some: set[str], none: set[str]) -> None:
    told = profile(
        postgres_major=major, exporter_version="0.19", collectors=["stat_bgwriter", "stat_checkpointer"]
    )
    names = set(told.families.required(parse(b"up 1\n")))
    assert some <= names
    assert not none & names
