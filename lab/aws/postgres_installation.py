"""PostgreSQL's programs, with the extensions that Aurora lets its administrators create."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.processes import unprivileged

#: Extensions that rds_superuser, who is no superuser, may create on Aurora.
TRUSTED = ("pg_stat_statements", "pg_buffercache")
#: The superuser, whom Aurora keeps for itself.
ADMINISTRATOR = "rdsadmin"
#: What every Aurora database has, one statement a line: the roles of administrators, and RDS' own database.
_INITIAL_SQL = """
CREATE ROLE rds_superuser;
CREATE ROLE rds_iam;
CREATE ROLE rds_password;
CREATE ROLE rds_replication;
GRANT pg_monitor, pg_signal_backend, pg_read_all_data, pg_write_all_data TO rds_superuser WITH ADMIN OPTION;
GRANT rds_password, rds_replication TO rds_superuser WITH ADMIN OPTION;
CREATE DATABASE rdsadmin;
REVOKE CONNECT ON DATABASE rdsadmin FROM PUBLIC;
"""
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


class PostgresError(Exception):
    """PostgreSQL did not do what it should; the text has its own last words."""


class Installation:
    """A copy of a PostgreSQL installation that differs in the control files of a few extensions.

    PostgreSQL finds its files relative to its own path, so the copy is one of the server only:
    all other files are links.
    """

    def __init__(self, postgres: Path, directory: Path) -> None:
        self._initdb = postgres.resolve().parent / "initdb"
        source, share = self._initdb.parent, _share(self._initdb)
        root = Path(os.path.commonpath([source, share]))
        self._bin = directory / source.relative_to(root)
        self._template = directory / "home" / "template"
        self._lock = threading.Lock()
        self._library = self._bin.parent / "lib"
        target = directory / share.relative_to(root)
        for path in (self._bin, target / "extension"):
            _make_readable(path, directory)
        shutil.copy2(source / "postgres", self.postgres)
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

    def prepare(self) -> None:
        """Make the empty database cluster of which all are copies. Raises PostgresError."""
        with self._lock:
            if self._template.exists():
                return
            home = self._template.parent
            home.mkdir(mode=0o700, exist_ok=True)
            give_away(home)
            unfinished = home / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            _run(
                [
                    *(self._initdb, "--pgdata", unfinished, "--username", ADMINISTRATOR),
                    *("--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"),
                    # Small segments: each copy is half as large.
                    *("--wal-segsize", "1", "--no-sync", "--no-instructions"),
                ],
                home,
            )
            # Without a server, and so without a port or a wait.
            single = ("--single", "-c", "fsync=off", "-D", unfinished, "postgres")
            output = _run([self.postgres, *single], home, _INITIAL_SQL.lstrip())
            if "ERROR:" in output:
                raise PostgresError(f"The first SQL in {unfinished} failed: {output.strip()[-1000:]}")
            unfinished.rename(self._template)

    def initialise(self, data: Path) -> None:
        """Make an empty database cluster whose superuser is rdsadmin. Raises PostgresError."""
        self.prepare()
        _run(["cp", "--archive", "--reflink=auto", self._template, data], data.parent)


def give_away(path: Path) -> None:
    """Make the server's user the owner of `path`."""
    identity = unprivileged()
    if identity:
        os.chown(path, *identity)


def _run(args: Sequence[str | Path], directory: Path, text: str = "") -> str:
    """Run a command as the server's user; returns what it wrote. Raises PostgresError."""
    identity = unprivileged()
    done = subprocess.run(
        args,
        input=text,
        env=_ENVIRONMENT,
        cwd=directory,
        user=identity[0] if identity else None,
        group=identity[1] if identity else None,
        extra_groups=[] if identity else None,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    if done.returncode:
        raise PostgresError(f"{args[0]} failed with {done.returncode}: {output.strip()[-1000:]}")
    return output


def _share(initdb: Path) -> Path:
    # initdb tells where its files are; pg_config is not part of every package.
    output = _run([initdb, "--show", "--pgdata", "/nonexistent"], Path("/"))
    found = re.search(r"^share_path=(.+)$", output, re.MULTILINE)
    if found is None:
        raise PostgresError(f"{initdb} --show does not tell its share path: {output.strip()[-1000:]}")
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
