"""Programs that this machine has already."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from lab.programs.model import Program
from lab.programs.wanted import UnsuitableError, Wanted

ROOT = Path("/")
USUAL = ("usr/local/bin", "usr/bin", "usr/local/sbin", "usr/sbin")


class NamedProgramError(Exception):
    """A program that the user named cannot be used; the text says why."""


def named(wanted: Wanted, environ: Mapping[str, str]) -> Program | None:
    """The program that the environment names, if it does; raises NamedProgramError."""
    path = environ.get(wanted.variable)
    if not path:
        return None
    try:
        return wanted.try_out(Path(path))
    except UnsuitableError as error:
        raise NamedProgramError(
            f"{wanted.variable} names {path}, but {error}. Correct or unset it."
        ) from error


def installed(wanted: Wanted, environ: Mapping[str, str], progress: Callable[[str], None]) -> Program | None:
    """The first program on the PATH or in a usual place that can be used; says why earlier ones cannot."""
    for path in candidates(wanted, directories(environ, ROOT)):
        try:
            return wanted.try_out(path)
        except UnsuitableError as error:
            progress(f"{wanted.name}: found, not used, because {error}")
    return None


def directories(environ: Mapping[str, str], root: Path) -> list[Path]:
    """Where programs are looked for: PATH, usual places, all majors of PostgreSQL (newest first)."""
    on_path = [Path(entry) for entry in environ.get("PATH", "").split(os.pathsep) if entry]
    majors = sorted((root / "usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    return [*on_path, *(root / usual for usual in USUAL), *majors]


def candidates(wanted: Wanted, places: Iterable[Path]) -> list[Path]:
    """Executables of one of the wanted names, in order, each file once."""
    paths = (place / name for place in places for name in wanted.binaries)
    found = (path for path in paths if path.is_file() and os.access(path, os.X_OK))
    # A link and its target are the same program.
    return list(dict.fromkeys(path.resolve() for path in found))


def _major(directory: Path) -> int:
    digits = re.match(r"\d+", directory.parent.name)
    return int(digits[0]) if digits else 0
