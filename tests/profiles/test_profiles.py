"""The shipped profile against every version of the exporter that the registries give, on several majors.

`pytest tests/profiles --record` keeps what was seen: pages that the unit tests judge without any program.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import pytest

from lab.aws.secrets import Login
from lab.programs.every import EXPORTERS, POSTGRES
from lab.programs.model import Program
from tests.profiles import record
from tests.profiles.exporters import BLIND, EXPORTER, Pair, Run, failed

MAJORS = [version.split(".")[0] for version in POSTGRES]
PAIRS = [Pair(exporter, postgres) for postgres in MAJORS for exporter in EXPORTERS]
FITTING = [pair for pair in PAIRS if not pair.is_too_old]
#: Each exporter with a PostgreSQL of about its age.
CONTEMPORARIES = [Pair(*pair) for pair in zip(EXPORTERS, MAJORS, strict=True)]
#: Seconds for two scrapes that will not get better.
SHORT = 2.0

Runs = Callable[[Pair], Run]


@pytest.mark.parametrize("version", EXPORTERS)
def test_flags_are_those_that_were_recorded(
    version: str, exporters: Mapping[str, Program], recording: bool
) -> None:
    if recording:
        record.write_flags({each: record.flags(program) for each, program in exporters.items()})
    assert record.flags(exporters[version]) == record.known_flags()[version]


@pytest.mark.parametrize("pair", FITTING, ids=str)
def test_a_healthy_exporter_passes(pair: Pair, run: Runs, recording: bool) -> None:
    with run(pair).started() as exporter:
        verdict = exporter.judge()
        if recording and pair.postgres in record.RECORDED:
            record.write_page(str(pair), exporter.page())
    assert {check.id: str(check) for check in verdict.checks if check.status != "pass"} == {}


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.is_too_old], ids=str)
def test_an_exporter_that_is_too_old_for_postgres_is_named(pair: Pair, run: Runs, recording: bool) -> None:
    with run(pair).started() as exporter:
        said = failed(exporter.judge(SHORT))
        if recording and pair.postgres in record.RECORDED:
            record.write_page(str(pair), exporter.page())
    assert list(said) == ["collectors"]
    assert "before 0.17 does not know PostgreSQL 17" in said["collectors"]


@pytest.mark.parametrize("pair", CONTEMPORARIES, ids=str)
def test_a_role_without_pg_monitor_is_named(pair: Pair, run: Runs) -> None:
    blind = dataclasses.replace(run(pair), login=BLIND)
    with blind.started() as exporter, blind.database.sessions(15):
        said = failed(exporter.judge(SHORT, role=BLIND.username))
    assert [text for text in said.values() if "GRANT pg_monitor TO blind_exporter" in text] != []


@pytest.mark.parametrize("pair", CONTEMPORARIES, ids=str)
def test_a_refused_login_is_named(pair: Pair, run: Runs) -> None:
    refused = dataclasses.replace(run(pair), login=Login(EXPORTER.username, "an-older-password"))
    with refused.started() as exporter:
        said = failed(exporter.judge(SHORT))
    assert list(said) == ["pg_up"]
    assert "password wrong or rotated" in said["pg_up"]


@pytest.mark.parametrize("pair", CONTEMPORARIES, ids=str)
def test_a_wrong_database_is_named(pair: Pair, run: Runs) -> None:
    with run(pair).started() as exporter:
        said = failed(exporter.judge(SHORT, database="warehouse"))
    assert list(said) == ["database"]
    assert "app, postgres" in said["database"]


@pytest.mark.parametrize("pair", CONTEMPORARIES, ids=str)
def test_a_collector_that_is_off_is_named(pair: Pair, run: Runs) -> None:
    with dataclasses.replace(run(pair), more=["--no-collector.database"]).started() as exporter:
        said = failed(exporter.judge(SHORT))
    assert list(said) == ["collectors"]
    assert "silent: database" in said["collectors"]
