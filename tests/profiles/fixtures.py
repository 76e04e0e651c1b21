"""The programs, and one server for each major, started when it is first wanted."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from lab.programs import every
from lab.programs.model import Program
from tests.profiles.databases import Database, running
from tests.profiles.exporters import BLIND, EXPORTER, HOSTILE, Pair, Run, monitoring_role


@pytest.fixture(scope="session")
def recording(request: pytest.FixtureRequest) -> bool:
    """Whether what is seen is to be recorded."""
    return bool(request.config.getoption("--record"))


@pytest.fixture(scope="session")
def progress(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Shows a line at once: what is not in the cache takes minutes."""
    terminal = request.config.pluginmanager.getplugin("terminalreporter")
    write: Callable[[str], None] = terminal.write_line
    return write


@pytest.fixture(scope="session")
def exporters(progress: Callable[[str], None]) -> Mapping[str, Program]:
    return every.exporters(os.environ, progress)


@pytest.fixture(scope="session")
def directory() -> Iterator[Path]:
    """A directory that a server that runs as nobody can reach."""
    with tempfile.TemporaryDirectory(prefix="profiles-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def database(directory: Path, progress: Callable[[str], None]) -> Iterator[Callable[[str], Database]]:
    """The server of a major, with the roles that exporters log in as."""
    programs = every.postgres_servers(os.environ, progress)
    with contextlib.ExitStack() as stack:

        @functools.cache
        def started(major: str) -> Database:
            one = stack.enter_context(running(programs[major], directory / major))
            wish = monitoring_role(Pair(every.EXPORTERS[0], major))
            one.have_role(wish, EXPORTER)
            one.have_role(wish, HOSTILE)
            one.have_role(dataclasses.replace(wish, member_of=()), BLIND)
            return one

        yield started


@pytest.fixture
def run(
    exporters: Mapping[str, Program], database: Callable[[str], Database], tmp_path: Path
) -> Callable[[Pair], Run]:
    """How to run an exporter of this version on a PostgreSQL of that major."""
    return lambda pair: Run(pair, exporters[pair.exporter], database(pair.postgres), tmp_path)
