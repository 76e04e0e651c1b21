"""How the exporter gets its password: the way that the role takes, and why not by DATA_SOURCE_PASS_FILE."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.profiles.exporters import HOSTILE, Pair, Run, failed
from tests.profiles.test_profiles import CONTEMPORARIES, SHORT

PAIRS = [pair for pair in CONTEMPORARIES if pair.is_run_by_the_role]
#: What cannot be in a log by chance: a piece of the password, as it is and as it is in a URL.
TRACES = ("{{ x }}", quote("{{ x }}"))

Runs = Callable[[Pair], Run]


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_any_password_logs_in_and_is_in_no_log(pair: Pair, run: Runs) -> None:
    with dataclasses.replace(run(pair), login=HOSTILE).started() as exporter:
        assert failed(exporter.judge(role=HOSTILE.username)) == {}
    assert [trace for trace in TRACES if trace in exporter.log.read_text()] == []


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_password_in_a_file_is_taken_apart_and_logged(pair: Pair, run: Runs) -> None:
    """Should this fail for a newer exporter, the role may take the file."""
    wanted = run(pair)
    file = wanted.directory / "password"
    file.write_text(HOSTILE.password)
    environment = {
        "DATA_SOURCE_URI": wanted.database.uri(),
        "DATA_SOURCE_USER": HOSTILE.username,
        "DATA_SOURCE_PASS_FILE": str(file),
    }
    with dataclasses.replace(wanted, environment=environment).started() as exporter:
        assert list(failed(exporter.judge(SHORT, role=HOSTILE.username))) == ["pg_up"]
    log = exporter.log.read_text()
    assert "malformed dsn" in log
    assert TRACES[0] in log
