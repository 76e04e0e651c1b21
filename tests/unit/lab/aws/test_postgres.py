"""The real server behind a cluster."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lab.waiting import wait_until

PASSWORD = "right-Password-1"


@pytest.fixture(scope="module")
def cluster(aws: Any) -> dict[str, Any]:
    return dict(aws.create("server", members=1))


def one(session: Any, statement: str) -> Any:
    return session.execute(statement).fetchone()[0]


def test_master_is_an_administrator_but_no_superuser(aws: Any, cluster: dict[str, Any]) -> None:
    with aws.login(cluster, "dbadmin", PASSWORD) as session:
        row = session.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, True, True)
        assert one(session, "SELECT pg_has_role('rds_superuser', 'member')")
        assert (
            one(session, "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'app'") == "dbadmin"
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("COPY (SELECT 1) TO PROGRAM 'true'")


def test_master_grants_what_aurora_lets_it(aws: Any, cluster: dict[str, Any]) -> None:
    with aws.login(cluster, "dbadmin", PASSWORD) as session:
        session.execute("CREATE ROLE watcher LOGIN PASSWORD 'watch-Password-1' CONNECTION LIMIT 5")
        session.execute("GRANT pg_monitor TO watcher")
        session.execute("CREATE EXTENSION pg_stat_statements")
    with aws.login(cluster, "watcher", "watch-Password-1") as session:
        assert one(session, "SELECT count(*) > 0 FROM pg_stat_statements")
        assert one(session, "SELECT pg_has_role('pg_monitor', 'usage')")
        assert not one(session, "SELECT pg_has_role('rds_superuser', 'member')")


def test_settings(aws: Any, cluster: dict[str, Any]) -> None:
    with aws.login(cluster, "dbadmin", PASSWORD) as session:
        assert one(session, "SHOW shared_preload_libraries") == "pg_stat_statements"
        assert one(session, "SHOW track_io_timing") == "on"
        assert one(session, "SHOW max_connections") == "400"
        assert one(session, "SHOW password_encryption") == "scram-sha-256"


@pytest.mark.parametrize(
    ("user", "options", "text"),
    [
        pytest.param("dbadmin", {"password": "wrong"}, "password authentication failed", id="wrong password"),
        pytest.param("rdsadmin", {}, "pg_hba.conf rejects", id="RDS' own superuser"),
        pytest.param("dbadmin", {"dbname": "rdsadmin"}, "pg_hba.conf rejects", id="RDS' own database"),
        pytest.param(
            "dbadmin", {"sslrootcert": "system"}, "certificate verify failed", id="unknown authority"
        ),
    ],
)
def test_refused_logins(
    aws: Any, cluster: dict[str, Any], user: str, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=text):
        aws.login(cluster, user, **{"password": PASSWORD, **options})


def test_any_legal_password(aws: Any) -> None:
    password = r"""quote's\back%s{}$1;--:a?#&=+,""" + "x" * 40
    cluster = aws.create("hostile", MasterUsername="Odd_Name", MasterUserPassword=password)
    with aws.login(cluster, "Odd_Name", password) as session:
        assert one(session, "SELECT current_user") == "Odd_Name"


def server_pid(aws: Any, cluster: dict[str, Any]) -> int:
    data = aws.settings.state / "postgres" / cluster["DbClusterResourceId"] / "data"
    return int((data / "postmaster.pid").read_text().split()[0])


def test_it_runs_without_privileges(aws: Any, cluster: dict[str, Any]) -> None:
    status = Path(f"/proc/{server_pid(aws, cluster)}/status").read_text()
    uid = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
    assert int(uid) != 0
    directory = aws.settings.state / "postgres" / cluster["DbClusterResourceId"]
    assert directory.stat().st_mode & 0o777 == 0o700


def test_it_is_started_again_when_it_dies(aws: Any, cluster: dict[str, Any]) -> None:
    before = server_pid(aws, cluster)
    os.kill(before, signal.SIGQUIT)

    def answers() -> bool:
        aws.login(cluster, "dbadmin", PASSWORD).close()
        return server_pid(aws, cluster) != before

    assert wait_until(answers, what="the server again", timeout=10, tolerate=(psycopg.Error, OSError))
