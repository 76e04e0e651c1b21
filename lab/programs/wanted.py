"""Which programs the laboratory needs, and whether a given file is one of them."""

from __future__ import annotations

import mmap
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.processes import unprivileged
from lab.programs.model import Program

# Go keeps the names of all packages in a binary; this one is absent where Kubernetes was left out.
KUBERNETES_DISCOVERY = b"github.com/prometheus/prometheus/discovery/kubernetes."
#: PostgreSQL tells its settings without a database's files, when their places are given.
NO_FILES = (
    *("-c", "data_directory=/", "-c", "config_file=/dev/null"),
    *("-c", "hba_file=/dev/null", "-c", "ident_file=/dev/null"),
)


class UnsuitableError(Exception):
    """A file is no program that the laboratory can use; the text says why."""


@dataclass(frozen=True)
class Wanted:
    """One program that the laboratory needs."""

    #: Its field in `Programs`.
    name: str
    #: Names of the file, the usual one first.
    binaries: tuple[str, ...]
    minimum: tuple[int, ...]
    #: Package of Debian that the laboratory may unpack.
    package: str | None
    #: Raises UnsuitableError for what the version does not tell.
    inspect: Callable[[Program], None] = lambda program: None
    #: It runs as nobody where the laboratory runs as root.
    drops_privileges: bool = False

    @property
    def variable(self) -> str:
        """Environment variable that names the file to use."""
        return f"LAB_{self.name.upper()}"

    def try_out(self, path: Path) -> Program:
        """Run `path` once; raises UnsuitableError."""
        # Servers look for their files beside the real file, not beside a link to it.
        path = path.resolve()
        program = Program(path, parse_version(self._version_text(path)))
        if version_key(program.version) < self.minimum:
            needed = ".".join(map(str, self.minimum))
            raise UnsuitableError(
                f"{path} is version {program.version}; the laboratory needs {needed} or newer"
            )
        self.inspect(program)
        return program

    def _version_text(self, path: Path) -> str:
        return _run([path, "--version"], self.drops_privileges)


def _run(command: Sequence[str | Path], drops_privileges: bool) -> str:
    """What `command` writes; raises UnsuitableError."""
    identity = unprivileged() if drops_privileges else None
    user, group = identity or (None, None)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=30,
            user=user,
            group=group,
            extra_groups=[] if identity else None,
            text=True,
            errors="replace",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnsuitableError(
            f"{command[0]} does not run{' as nobody' if identity else ''}: {error}"
        ) from error
    if done.returncode != 0:
        raise UnsuitableError(
            f"{command[0]} {command[1]} ended with {done.returncode}: {done.stdout.strip()[:300]}"
        )
    return done.stdout


def parse_version(text: str) -> str:
    """The version in what `--version` prints; raises UnsuitableError."""
    match = re.search(r"(?:version|\(PostgreSQL\)|^bubblewrap)\s+v?(\d+(?:\.\d+)*)", text)
    if not match:
        raise UnsuitableError(f"no version in {text.strip()[:80]!r}")
    return match[1]


def version_key(version: str) -> tuple[int, ...]:
    """Sorts versions by their numbers."""
    return tuple(int(number) for number in version.split("."))


def _inspect_postgres(program: Program) -> None:
    directory = program.path.parent
    missing = [name for name in ("initdb", "psql") if not os.access(directory / name, os.X_OK)]
    if missing:
        raise UnsuitableError(f"{program.path} has no {' and no '.join(missing)} beside it")
    for name in ("initdb", "psql"):
        _run([directory / name, "--version"], drops_privileges=True)
    if "OpenSSL" not in _run([program.path, "-C", "ssl_library", *NO_FILES], drops_privileges=True).split():
        raise UnsuitableError(f"{program.path} was built without TLS")
    shares = (
        directory / "../share",
        directory / "../share/postgresql",
        directory / "../share/pgsql",
        # Debian: lib/postgresql/15/bin and share/postgresql/15.
        directory / "../../../../share/postgresql" / program.major,
    )
    if not any((share / "extension" / "pg_stat_statements.control").exists() for share in shares):
        raise UnsuitableError(
            f"{program.path} has no extension pg_stat_statements (package postgresql-contrib)"
        )


def _inspect_prometheus(program: Program) -> None:
    with program.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(KUBERNETES_DISCOVERY) < 0:
            raise UnsuitableError(f"{program.path} was built without kubernetes_sd_configs")


POSTGRES = Wanted("postgres", ("postgres",), (14,), None, _inspect_postgres, drops_privileges=True)
EXPORTER = Wanted(
    "exporter",
    ("prometheus-postgres-exporter", "postgres_exporter"),
    (0, 16),
    "prometheus-postgres-exporter",
)
PROMETHEUS = Wanted("prometheus", ("prometheus",), (2, 45), "prometheus", _inspect_prometheus)
PROMTOOL = Wanted("promtool", ("promtool",), (2, 45), "promtool")
ALL = (POSTGRES, EXPORTER, PROMETHEUS, PROMTOOL)
#: For the kind `control-plane` only.
BWRAP = Wanted("bwrap", ("bwrap",), (0, 4), "bubblewrap")
