"""PostgreSQL's programs, with the extensions that Aurora lets its administrators create."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.processes import unprivileged

#: Extensions that rds_superuser, who is no superuser, may create on Aurora.
TRUSTED = ("pg_stat_statements", "pg_buffercache")
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


class PostgresError(Exception):
    """PostgreSQL did not do what it should; the text has its own last words."""


class Installation:
    """A copy of a PostgreSQL installation that differs in the control files of a few extensions.

    PostgreSQL finds its files relative to its own path, so the copy is one of the programs only:
    all other files are links.
    """

    def __init__(self, postgres: Path, directory: Path) -> None:
        source, share = postgres.resolve().parent, _share(postgres)
        root = Path(os.path.commonpath([source, share]))
        self._bin = directory / source.relative_to(root)
        self._library = self._bin.parent / "lib"
        target = directory / share.relative_to(root)
        for path in (self._bin, target / "extension"):
            _make_readable(path, directory)
        for program in ("postgres", "initdb"):
            shutil.copy2(source / program, self._bin / program)
        _link((path for path in source.parent.iterdir() if path != source), self._bin.parent)
        _link((path for path in share.iterdir() if path.name != "extension"), target)
        _link((share / "extension").iterdir(), target / "extension")
        for name in TRUSTED:
            self._trust(share / "extension" / f"{name}.control", target / "extension")

    @staticmethod
    def _trust(control: Path, directory: Path) -> None:
        if control.exists():
            changed = directory / control.name
            changed.unlink()
            changed.write_text(f"{control.read_text()}\ntrusted = true\n")
            changed.chmod(0o644)

    @property
    def postgres(self) -> Path:
        """The server."""
        return self._bin / "postgres"

    @property
    def environment(self) -> dict[str, str]:
        """The complete environment of the server."""
        return dict(_ENVIRONMENT)

    def has_library(self, name: str) -> bool:
        """Whether the server can load the shared library `name`."""
        return any(path.name == f"{name}.so" for path in self._library.rglob("*.so"))

    def initialise(self, data: Path) -> None:
        """Make an empty database cluster whose superuser is rdsadmin. Raises PostgresError."""
        done = _run(
            [
                *(self._bin / "initdb", "--pgdata", data, "--username", "rdsadmin", "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
            ],
            data.parent,
        )
        if done.returncode:
            raise PostgresError(f"initdb {data} failed: {done.stderr.strip()[-1000:]}")


def _run(args: Sequence[str | Path], directory: Path) -> subprocess.CompletedProcess[str]:
    identity = unprivileged()
    return subprocess.run(
        args,
        env=_ENVIRONMENT,
        cwd=directory,
        user=identity[0] if identity else None,
        group=identity[1] if identity else None,
        extra_groups=[] if identity else None,
        capture_output=True,
        text=True,
        check=False,
    )


def _share(postgres: Path) -> Path:
    # initdb tells where its files are; pg_config is not part of every package.
    initdb = postgres.resolve().parent / "initdb"
    done = _run([initdb, "--show", "--pgdata", "/nonexistent"], Path("/"))
    found = re.search(r"^share_path=(.+)$", done.stdout + done.stderr, re.MULTILINE)
    if found is None:
        raise PostgresError(f"{initdb} --show does not tell its share path: {done.stderr.strip()[-1000:]}")
    return Path(found[1]).resolve()


def _make_readable(path: Path, top: Path) -> None:
    path.mkdir(parents=True)
    # The server may run as another user, whatever this process' umask is.
    for directory in (path, *path.parents):
        directory.chmod(0o755)
        if directory == top:
            return


def _link(paths: Iterable[Path], directory: Path) -> None:
    for path in paths:
        target = directory / path.name
        if not target.exists():
            target.symlink_to(path)
