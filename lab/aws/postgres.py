"""One real PostgreSQL server behind one Aurora cluster."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from lab.aws.postgres_installation import ADMINISTRATOR, Installation, PostgresError, give_away
from lab.aws.secrets import Login
from lab.certificates import Issued
from lab.processes import Process
from lab.waiting import wait_until

_START_SECONDS = 60.0
#: Longest path of a Unix socket, without its closing zero.
_SOCKET_PATH_BYTES = 107
_FIXED = {
    "cluster_name": "aurora",
    "fsync": "off",
    "full_page_writes": "off",
    "huge_pages": "off",
    "log_line_prefix": "%t:%r:%u@%d:[%p]:",
    "password_encryption": "scram-sha-256",
    "ssl": "on",
    "ssl_cert_file": "server.crt",
    "ssl_key_file": "server.key",
    "unix_socket_permissions": "0700",
}
log = logging.getLogger(__name__)


class PostgresServer:
    """A database server on an address of its own; it is started again when it dies.

    All members of an Aurora cluster share it: the laboratory has no replicas.
    """

    def __init__(
        self, installation: Installation, directory: Path, name: str, address: tuple[str, int], log_file: Path
    ) -> None:
        self.address, self.port = address
        self._installation = installation
        self._directory = directory
        self._name = name
        self._log = log_file
        self._lock = threading.RLock()
        self._process: Process | None = None
        self._wanted = False
        #: The cluster parameters with which it runs.
        self.in_force: dict[str, str] = {}

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    @property
    def pid(self) -> int | None:
        """Process id of the server, None while there is none."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def create(
        self, certificate: Issued, parameters: Mapping[str, str], master: Login, database: str
    ) -> None:
        """Make the database cluster with its roles, start it, and create `database` ('' for none)."""
        socket = self._directory / f".s.PGSQL.{self.port}"
        if len(os.fsencode(socket)) > _SOCKET_PATH_BYTES:
            raise PostgresError(f"{socket} is too long for a Unix socket: set LAB_STATE to a shorter path")
        self._directory.mkdir(mode=0o700)
        give_away(self._directory)
        self._installation.initialise(self._data)
        for source, name in ((certificate.certificate, "server.crt"), (certificate.key, "server.key")):
            (self._data / name).write_bytes(source.read_bytes())
            (self._data / name).chmod(0o600)
            give_away(self._data / name)
        self.start(parameters)
        with self.connect() as connection:
            # CREATE DATABASE runs in no transaction.
            connection.autocommit = True
            _create_master(connection, master, database)

    def start(self, parameters: Mapping[str, str]) -> None:
        """Start with `parameters`, and wait until it answers. Raises PostgresError with its last words."""
        with self._lock:
            self._configure(parameters)
            self._launch()
            wait_until(
                self._answers,
                what=f"the PostgreSQL of {self._name}",
                timeout=_START_SECONDS,
                pause=0.02,
                tolerate=(psycopg.OperationalError,),
            )
            # Only what once answered is worth being started again.
            self._wanted = True

    def _launch(self) -> None:
        self._process = Process.start(
            f"postgres-{self._name}",
            [str(self._installation.postgres), "-D", str(self._data)],
            log=self._log,
            env=self._installation.environment,
            cwd=self._directory,
            drop_privileges=True,
            # PostgreSQL ends at once and frees its shared memory, which SIGKILL would leave.
            death_signal=signal.SIGQUIT,
        )

    def _answers(self) -> bool:
        code = self._process.poll() if self._process else None
        if code is not None:
            last = self._log.read_text(errors="replace")[-1000:]
            raise PostgresError(f"the PostgreSQL of {self._name} ended with {code}: {last}")
        self.connect().close()
        return True

    def reload(self, parameters: Mapping[str, str]) -> None:
        """Run with `parameters` from now on, without a restart."""
        with self._lock:
            self._configure(parameters)
            if self._process and self._process.poll() is None:
                os.kill(self._process.pid, signal.SIGHUP)

    def restart(self, parameters: Mapping[str, str]) -> None:
        """Stop, and start with `parameters`."""
        with self._lock:
            self.stop()
            self.start(parameters)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it, sessions and all; SIGQUIT is quicker, where the data is not needed any more."""
        with self._lock:
            self._wanted = False
            if self._process:
                self._process.stop(how)

    def remove(self) -> None:
        """Stop it and delete its data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._directory, ignore_errors=True)

    def keep_alive(self) -> None:
        """Start it again when it has died."""
        # Not while someone starts or stops it.
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._wanted and self._process and self._process.poll() is not None:
                log.warning(
                    "the PostgreSQL of %s ended with %s; it is started again",
                    self._name,
                    self._process.poll(),
                )
                self._launch()
        finally:
            self._lock.release()

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Connect as the superuser, whom only the Unix socket lets in."""
        return psycopg.connect(
            host=str(self._directory), port=self.port, user=ADMINISTRATOR, dbname=database, connect_timeout=5
        )

    def set_password(self, login: Login) -> None:
        """Give a role the password of `login`."""
        with self.connect() as connection:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(login.username), _verifier(connection, login)
                )
            )

    def _configure(self, parameters: Mapping[str, str]) -> None:
        self.in_force = dict(parameters)
        values = {
            **parameters,
            **_FIXED,
            "listen_addresses": self.address,
            "port": str(self.port),
            "unix_socket_directories": str(self._directory),
        }
        libraries = [name.strip() for name in parameters.get("shared_preload_libraries", "").split(",")]
        values["shared_preload_libraries"] = ",".join(filter(self._installation.has_library, libraries))
        lines = [f"{name} = {_quote(value)}\n" for name, value in values.items()]
        self._write("postgresql.conf", "".join(lines))
        self._write("pg_hba.conf", _host_rules(parameters.get("rds.force_ssl") == "1"))

    def _write(self, name: str, text: str) -> None:
        fresh = self._data / f".{name}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(0o600)
        give_away(fresh)
        fresh.replace(self._data / name)


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _host_rules(force_ssl: bool) -> str:
    rules = [
        f"local all {ADMINISTRATOR} trust",
        f"host all {ADMINISTRATOR} all reject",
        f"host {ADMINISTRATOR} all all reject",
        f"{'hostssl' if force_ssl else 'host'} all all all scram-sha-256",
    ]
    return "\n".join([*rules, ""])


def _verifier(connection: psycopg.Connection[Any], login: Login) -> sql.Literal:
    # The server logs statements, so it gets the hash and never the password.
    hashed = connection.pgconn.encrypt_password(
        login.password.encode(), login.username.encode(), b"scram-sha-256"
    )
    return sql.Literal(hashed.decode())


def _create_master(connection: psycopg.Connection[Any], master: Login, database: str) -> None:
    role = sql.Identifier(master.username)
    connection.execute(
        sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB VALID UNTIL 'infinity' PASSWORD {}").format(
            role, _verifier(connection, master)
        )
    )
    connection.execute(sql.SQL("GRANT rds_superuser TO {}").format(role))
    connection.execute(sql.SQL("ALTER DATABASE postgres OWNER TO {}").format(role))
    if database and database != "postgres":
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), role))
