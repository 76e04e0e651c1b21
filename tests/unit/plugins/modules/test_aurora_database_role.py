"""aurora_database_role against a real PostgreSQL behind the Data API; every change is seen by psycopg."""

from __future__ import annotations

import json
import typing as t

import psycopg
import pytest
from ansible_collections.eks_observability.stack.plugins.modules.aurora_database_role import main

PASSWORD = "a-long-Password-of-the-role"
HOSTILE = 'it\'s \\ "$$" :name %s; -- \u00e9\u2168\u00ad/@&?#+= \U0001f511'


class Database:
    """The database as its administrator sees it without the Data API."""

    def __init__(self, cluster: t.Any, aws: t.Any) -> None:
        self.cluster, self.authority = cluster, aws.authority
        self.secrets = aws.client("secretsmanager")
        arn = cluster.admin_secret_arn
        self.admin = json.loads(self.secrets.get_secret_value(SecretId=arn)["SecretString"])

    def connect(self, user: str, password: str) -> t.Any:
        return psycopg.connect(
            host=self.cluster.endpoint,
            user=user,
            password=password,
            dbname="app",
            sslmode="verify-full",
            sslrootcert=self.authority,
            autocommit=True,
        )

    def query(self, sql: t.Any, *values: t.Any) -> list[t.Any]:
        with self.connect(self.admin["username"], self.admin["password"]) as connection:
            cursor = connection.execute(sql, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def role(self, name: str) -> tuple[t.Any, ...] | None:
        """(may log in, connection limit, settings, memberships)."""
        rows = self.query(
            """SELECT rolcanlogin, rolconnlimit, rolconfig, ARRAY(
                 SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                 WHERE m.member = r.oid
               ) FROM pg_roles r WHERE rolname = %s""",
            name,
        )
        return rows[0] if rows else None

    def secret(self, username: str, password: str) -> str:
        text = json.dumps({"username": username, "password": password})
        arn: str = self.secrets.create_secret(Name=f"secret-{username}", SecretString=text)["ARN"]
        return arn


@pytest.fixture
def database(aws: t.Any, shared_cluster: t.Any) -> Database:
    return Database(shared_cluster, aws)


def asked(database: Database, *roles: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    cluster = database.cluster
    return {
        "cluster_arn": cluster.arn,
        "admin_secret_arn": cluster.admin_secret_arn,
        "database": "app",
        "roles": list(roles),
        **more,
    }


def test_the_life_of_a_role(run: t.Any, database: Database, name: str) -> None:
    role = {
        "name": name,
        "secret_arn": database.secret(name, PASSWORD),
        "member_of": ["pg_monitor"],
        "connection_limit": 5,
        "settings": {"statement_timeout": "10s", "search_path": ["public", "pg_catalog"]},
        "privileges": [{"database": "app", "privileges": ["CONNECT"]}],
    }
    wish = asked(database, role, extensions=["pg_stat_statements"])
    assert run(main, check=True, **wish)["changed"]
    assert database.role(name) is None
    results = run.matrix(main, **wish)
    settings = ["statement_timeout=10s", "search_path=public, pg_catalog"]
    assert database.role(name) == (True, 5, settings, ["pg_monitor"])
    assert database.query("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'")
    with database.connect(name, PASSWORD) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("10s",)
    assert [result["roles"][0]["login"] for result in results] == [None, "works", "works", "works"]
    assert results[0]["statements"] == results[1]["statements"]
    shown = "".join(f"{statement};\n" for statement in results[0]["statements"])
    assert results[0]["diff"] == results[1]["diff"] == {"before": "", "after": shown}
    assert f"CREATE ROLE \"{name}\" WITH LOGIN CONNECTION LIMIT 5 PASSWORD '********';" in shown
    assert "SCRAM" not in json.dumps(results)
    assert PASSWORD not in json.dumps(results)

    changed = {**role, "connection_limit": 6, "settings": {"statement_timeout": None, "jit": False}}
    results = run.matrix(main, **asked(database, changed))
    assert database.role(name) == (True, 6, ["search_path=public, pg_catalog", "jit=off"], ["pg_monitor"])
    assert results[1]["statements"] == [
        f'ALTER ROLE "{name}" WITH CONNECTION LIMIT 6',
        f'ALTER ROLE "{name}" RESET "statement_timeout"',
        f'ALTER ROLE "{name}" SET "jit" = \'off\'',
    ]

    run.matrix(main, **asked(database, role), state="absent")
    assert database.role(name) is None


@pytest.mark.parametrize(
    "password", [pytest.param(PASSWORD, id="plain"), pytest.param(HOSTILE, id="hostile")]
)
def test_any_password_logs_in(run: t.Any, database: Database, name: str, password: str) -> None:
    run.matrix(main, **asked(database, {"name": name, "secret_arn": database.secret(name, password)}))
    with database.connect(name, password) as connection:
        connection.execute("SELECT 1")


def test_any_name_is_only_a_name(run: t.Any, database: Database, name: str) -> None:
    hostile = f"{name}\"; DROP ROLE dbadmin; -- '{{0}} :x"
    role = {
        "name": hostile,
        "login": False,
        "settings": {"application_name": "a'; -- \\"},
        "privileges": [{"database": "app", "privileges": ["CONNECT", "TEMPORARY"]}],
    }
    run.matrix(main, **asked(database, role))
    assert database.role(hostile) == (False, -1, ["application_name=a'; -- \\"], [])
    run.matrix(main, **asked(database, role), state="absent")
    assert database.role(hostile) is None


def test_a_password_that_was_changed_behind_our_back_is_set_again(
    run: t.Any, database: Database, name: str
) -> None:
    role = {"name": name, "secret_arn": database.secret(name, PASSWORD)}
    run(main, **asked(database, role))
    database.query(psycopg.sql.SQL("ALTER ROLE {} PASSWORD 'another'").format(psycopg.sql.Identifier(name)))
    results = run.matrix(main, **asked(database, role))
    assert results[0]["roles"][0]["login"] == "wrong password"
    assert results[1]["statements"] == [f"ALTER ROLE \"{name}\" WITH PASSWORD '********'"]
    with database.connect(name, PASSWORD) as connection:
        connection.execute("SELECT 1")


def test_a_role_that_must_not_log_in_gets_in_again(run: t.Any, database: Database, name: str) -> None:
    role = {"name": name, "secret_arn": database.secret(name, PASSWORD)}
    run(main, **asked(database, role))
    database.query(psycopg.sql.SQL("ALTER ROLE {} NOLOGIN").format(psycopg.sql.Identifier(name)))
    run.matrix(main, **asked(database, role))
    database.connect(name, PASSWORD).close()


def test_no_connection_left_is_no_wrong_password(run: t.Any, database: Database, name: str) -> None:
    role = {"name": name, "secret_arn": database.secret(name, PASSWORD), "connection_limit": 1}
    run(main, **asked(database, role))
    with database.connect(name, PASSWORD):
        result = run(main, **asked(database, role))
    assert not result["changed"]
    assert result["roles"][0]["login"].startswith("not tried")
    assert f"login of role {name} could not be tried" in json.dumps(result["warnings"])


def test_drift_is_repaired_and_nothing_else_is_touched(run: t.Any, database: Database, name: str) -> None:
    role = {
        "name": name,
        "secret_arn": database.secret(name, PASSWORD),
        "privileges": [{"schema": "public", "privileges": ["CREATE"]}],
    }
    run(main, **asked(database, role))
    identifier = psycopg.sql.Identifier(name)
    database.query(psycopg.sql.SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(identifier))
    database.query(psycopg.sql.SQL("GRANT pg_monitor TO {}").format(identifier))
    results = run.matrix(main, **asked(database, role))
    assert results[1]["statements"] == [f'GRANT CREATE ON SCHEMA "public" TO "{name}"']
    assert database.role(name) == (True, -1, None, ["pg_monitor"])
    results = run.matrix(main, **asked(database, {**role, "purge_member_of": True}))
    assert results[1]["statements"] == [f'REVOKE "pg_monitor" FROM "{name}"']


def test_a_role_that_owns_something_is_not_dropped(run: t.Any, database: Database, name: str) -> None:
    role = {
        "name": name,
        "secret_arn": database.secret(name, PASSWORD),
        "privileges": [{"schema": "public", "privileges": ["CREATE"]}],
    }
    run(main, **asked(database, role))
    with database.connect(name, PASSWORD) as connection:
        connection.execute(f"CREATE TABLE public.{name} ()")
    said = run.failure(main, **asked(database, role), state="absent")
    assert said.startswith(f"Could not drop {name}. ")
    assert "REASSIGN OWNED" in said
    assert database.role(name), "and its privileges stand as they stood"
    assert not run(main, **asked(database, role))["changed"]


def test_one_wrong_statement_undoes_all(run: t.Any, database: Database, name: str) -> None:
    role = {"name": name, "login": False, "privileges": [{"schema": "nowhere", "privileges": ["USAGE"]}]}
    said = run.failure(main, **asked(database, role))
    assert 'GRANT USAGE ON SCHEMA "nowhere"' in said
    assert 'schema "nowhere" does not exist' in said
    assert database.role(name) is None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(
            {"username": "other", "password": PASSWORD}, "has the username other", id="another user"
        ),
        pytest.param({"username": "app"}, "has no password: write it first", id="no password"),
    ],
)
def test_a_secret_that_does_not_fit_changes_nothing(
    run: t.Any, database: Database, name: str, document: dict[str, str], words: str
) -> None:
    arn = database.secrets.create_secret(Name=name, SecretString=json.dumps(document))["ARN"]
    said = run.failure(main, **asked(database, {"name": name, "secret_arn": arn}))
    assert words in said
    assert PASSWORD not in said
    assert run.calls.mutating == []


def test_a_cluster_without_the_data_api_is_a_sentence(run: t.Any, database: Database, name: str) -> None:
    wish = asked(database, {"name": name, "login": False})
    rds = database.cluster.rds
    rds.disable_http_endpoint(ResourceArn=database.cluster.arn)
    try:
        assert "HttpEndpointNotEnabledException" in run.failure(main, **wish)
    finally:
        rds.enable_http_endpoint(ResourceArn=database.cluster.arn)


def test_a_database_that_wakes_up_is_waited_for(
    run: t.Any, database: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.eks_observability.stack.plugins.module_utils._database import api
    from botocore.exceptions import ClientError

    query, refusals = api.query, ["once", "twice"]

    def waking(connection: t.Any, sql: str) -> t.Any:
        if refusals:
            refusals.pop()
            answer = {"Error": {"Code": "DatabaseResumingException", "Message": "waking up"}}
            problem = ClientError(t.cast(t.Any, answer), "ExecuteStatement")
            raise api.DatabaseError(message="Failed", exception=problem)
        return query(connection, sql)

    monkeypatch.setattr(api, "query", waking)
    assert run(main, **asked(database, {"name": name, "login": False}))["changed"]


def test_check_mode_may_come_before_the_data_api(run: t.Any, database: Database, name: str) -> None:
    """As where a run would switch it on first."""
    rds, arn = database.cluster.rds, database.cluster.arn
    role = {"name": name, "secret_arn": database.secret(name, PASSWORD)}
    rds.disable_http_endpoint(ResourceArn=arn)
    try:
        result = run(main, check=True, **asked(database, role))
        assert "Data API is off" in str(result["warnings"])
        assert "HttpEndpointNotEnabledException" in run.failure(main, **asked(database, role))
    finally:
        rds.enable_http_endpoint(ResourceArn=arn)
