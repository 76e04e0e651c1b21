"""A PostgreSQL as Aurora has it: with an administrator, an application, and roles for exporters."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from ansible_collections.eks_observability.stack.plugins.module_utils._database.model import (
    Grant,
    RoleWish,
    State,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._database.planning import plan
from ansible_collections.eks_observability.stack.plugins.module_utils._database.scram import verifier

from lab.aws.postgres import PostgresServer
from lab.aws.postgres_installation import Installation
from lab.aws.secrets import Login
from lab.certificates import Authority
from lab.network.host import free_address
from lab.programs.model import Program

PORT = 5432
DATABASE = "app"
MASTER = Login("dbadmin", "Administer-1")
USER = Login("shop", "Buy-and-sell-1")
#: Those of the role aurora that count here.
PARAMETERS = {
    "max_connections": "100",
    "rds.force_ssl": "1",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "1",
}
#: What an application does: statements that are worth a look, and a table that is written.
STATEMENTS = (
    "CREATE TABLE IF NOT EXISTS orders (id int PRIMARY KEY, customer text)",
    "INSERT INTO orders SELECT n, 'customer ' || n FROM generate_series(1, 1000) n ON CONFLICT DO NOTHING",
    "UPDATE orders SET customer = customer WHERE id % 10 = 0",
    "SELECT count(*) FROM orders a JOIN orders b USING (id)",
)


@dataclass(frozen=True)
class Database:
    """A running server with the database of an application."""

    major: str
    address: str
    #: The certificate of who signed the server's.
    ca: Path

    def uri(self, database: str = DATABASE) -> str:
        """The value of DATA_SOURCE_URI that the role external_secrets writes."""
        tls = f"sslmode=verify-full&sslrootcert={self.ca}"
        return f"{self.address}:{PORT}/{database}?{tls}&application_name=postgres_exporter&connect_timeout=10"

    def connect(self, login: Login) -> psycopg.Connection[Any]:
        """A session of its own transactions, each statement one."""
        return psycopg.connect(
            host=self.address,
            port=PORT,
            dbname=DATABASE,
            user=login.username,
            password=login.password,
            sslmode="require",
            autocommit=True,
        )

    def use(self) -> None:
        """Do what an application does."""
        with self.connect(USER) as session:
            for statement in STATEMENTS:
                session.execute(statement)

    @contextlib.contextmanager
    def sessions(self, number: int) -> Iterator[None]:
        """So many sessions of the application that do nothing."""
        with contextlib.ExitStack() as stack:
            for _session in range(number):
                stack.enter_context(self.connect(USER))
            yield

    def have_role(self, wish: RoleWish, login: Login) -> None:
        """Make a role by the statements of the module aurora_database_role."""
        statements = plan(
            [dataclasses.replace(wish, name=login.username)],
            ["pg_stat_statements"],
            State({}, frozenset()),
            {login.username: verifier(login.password)},
        )
        with self.connect(MASTER) as session:
            for statement in statements:
                session.execute(statement.sql)


@contextlib.contextmanager
def running(program: Program, directory: Path) -> Iterator[Database]:
    """Start a server, and have an application use it."""
    authority = Authority.create(directory / "ca")
    address = free_address("127.62.0.0/16", PORT)
    server = PostgresServer(
        Installation(program.path, directory / "program"),
        directory / "server",
        f"version {program.version}",
        (address, PORT),
        directory / "postgres.log",
    )
    try:
        server.create(authority.issue("server", [address]), PARAMETERS, MASTER, DATABASE)
        database = Database(program.major, address, authority.certificate)
        database.have_role(RoleWish(USER.username, grants=(Grant("SCHEMA", "public", "CREATE"),)), USER)
        database.use()
        yield database
    finally:
        server.remove()
