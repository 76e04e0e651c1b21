"""The SQL that makes a role what the task asks for."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._database.errors import DatabaseError
from ansible_collections.eks_observability.stack.plugins.module_utils._database.model import (
    RoleState,
    RoleWish,
    State,
    list_items,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._database.planning import (
    plan,
    plan_removal,
    plan_role,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._database.state import state_query

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:demo-AbCdEf"
VERIFIER = "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"


def wish(**options: t.Any) -> RoleWish:
    """As the module's argument spec would hand it over."""
    defaults = {
        "name": "app",
        "secret_arn": SECRET,
        "login": True,
        "connection_limit": None,
        "member_of": [],
        "purge_member_of": False,
        "settings": None,
        "privileges": [],
    }
    return RoleWish.from_options(defaults | options)


def on(privileges: list[str], *, database: str | None = None, schema: str | None = None) -> dict[str, t.Any]:
    return {"database": database, "schema": schema, "privileges": privileges}


CURRENT = RoleState.from_json(
    {
        "login": True,
        "connection_limit": 5,
        "member_of": ["pg_monitor"],
        "settings": ["statement_timeout=10s", 'search_path="$user", public', "jit=off"],
        "held": [["DATABASE", "app", "CONNECT"]],
        "grants": [
            ["DATABASE", "app", "CONNECT"],
            ["SCHEMA", "public", "USAGE"],
            ["SCHEMA", "public", "CREATE"],
        ],
    }
)


@pytest.mark.parametrize(
    ("asked", "statements"),
    [
        pytest.param({}, [], id="left out is left alone"),
        pytest.param({"connection_limit": 5}, [], id="the same limit"),
        pytest.param(
            {"connection_limit": 0}, ['ALTER ROLE "app" WITH CONNECTION LIMIT 0'], id="0 is a limit"
        ),
        pytest.param({"connection_limit": -1}, ['ALTER ROLE "app" WITH CONNECTION LIMIT -1'], id="no limit"),
        pytest.param({"login": False}, ['ALTER ROLE "app" WITH NOLOGIN'], id="no login"),
        pytest.param({"member_of": ["pg_monitor"]}, [], id="a member already"),
        pytest.param({"member_of": ["rds_iam"]}, ['GRANT "rds_iam" TO "app"'], id="other memberships stay"),
        pytest.param(
            {"member_of": ["rds_iam"], "purge_member_of": True},
            ['GRANT "rds_iam" TO "app"', 'REVOKE "pg_monitor" FROM "app"'],
            id="other memberships go when asked",
        ),
        pytest.param({"settings": {"statement_timeout": "10s"}}, [], id="the same setting"),
        pytest.param({"settings": {"Statement_Timeout": "10s"}}, [], id="case does not count in its name"),
        pytest.param({"settings": {"jit": False}}, [], id="a truth is on or off"),
        pytest.param({"settings": {"jit": None}}, ['ALTER ROLE "app" RESET "jit"'], id="null resets"),
        pytest.param({"settings": {"work_mem": None}}, [], id="nothing to reset"),
        pytest.param(
            {"settings": {"statement_timeout": 5000}},
            ['ALTER ROLE "app" SET "statement_timeout" = \'5000\''],
            id="a number",
        ),
        pytest.param({"settings": {"search_path": ["$user", "public"]}}, [], id="the same list"),
        pytest.param({"settings": {"search_path": '"$user",public'}}, [], id="the same list as text"),
        pytest.param(
            {"settings": {"search_path": ["public", "pg_catalog"]}},
            ["ALTER ROLE \"app\" SET \"search_path\" = 'public', 'pg_catalog'"],
            id="each name of a list by itself",
        ),
        pytest.param(
            {"settings": {"pgaudit.log": "ddl"}},
            ['ALTER ROLE "app" SET "pgaudit"."log" = \'ddl\''],
            id="setting of an extension",
        ),
        pytest.param({"privileges": [on(["CONNECT"], database="app")]}, [], id="held already"),
        pytest.param(
            {"privileges": [on(["USAGE", "CREATE"], schema="public")]},
            ['GRANT USAGE ON SCHEMA "public" TO "app"', 'GRANT CREATE ON SCHEMA "public" TO "app"'],
            id="on a schema",
        ),
    ],
)
def test_an_existing_role(asked: dict[str, t.Any], statements: list[str]) -> None:
    assert [each.sql for each in plan_role(wish(**asked), CURRENT, None)] == statements


def test_a_new_role_gets_everything() -> None:
    asked = wish(
        name="postgres_exporter",
        member_of=["pg_monitor"],
        connection_limit=5,
        settings={"statement_timeout": "10s"},
        privileges=[on(["CONNECT"], database="app")],
    )
    assert [each.sql for each in plan_role(asked, None, VERIFIER)] == [
        f"CREATE ROLE \"postgres_exporter\" WITH LOGIN CONNECTION LIMIT 5 PASSWORD '{VERIFIER}'",
        'ALTER ROLE "postgres_exporter" SET "statement_timeout" = \'10s\'',
        'GRANT "pg_monitor" TO "postgres_exporter"',
        'GRANT CONNECT ON DATABASE "app" TO "postgres_exporter"',
    ]


def test_a_verifier_is_never_shown() -> None:
    (statement,) = plan_role(wish(), CURRENT, VERIFIER)
    assert statement.sql == f"ALTER ROLE \"app\" WITH PASSWORD '{VERIFIER}'"
    assert statement.shown == "ALTER ROLE \"app\" WITH PASSWORD '********'"


def test_braces_in_a_name_are_only_braces() -> None:
    (statement,) = plan_role(wish(name="{password}"), None, VERIFIER)
    assert statement.sql == f"CREATE ROLE \"{{password}}\" WITH LOGIN PASSWORD '{VERIFIER}'"


def test_an_empty_list_is_a_setting() -> None:
    (statement,) = plan_role(wish(settings={"search_path": []}), CURRENT, None)
    assert statement.sql == 'ALTER ROLE "app" SET "search_path" = \'\''


def test_only_missing_extensions_are_created() -> None:
    state = State(roles={}, extensions=frozenset({"plpgsql", "pg_stat_statements"}))
    statements = plan([], ["pg_stat_statements", "pg_trgm"], state, {})
    assert [each.sql for each in statements] == ['CREATE EXTENSION IF NOT EXISTS "pg_trgm"']


def test_a_role_is_dropped_after_its_privileges() -> None:
    state = State(roles={"app": CURRENT}, extensions=frozenset())
    assert [each.sql for each in plan_removal([RoleWish("app"), RoleWish("gone")], state)] == [
        'REVOKE ALL PRIVILEGES ON DATABASE "app" FROM "app"',
        'REVOKE ALL PRIVILEGES ON SCHEMA "public" FROM "app"',
        'DROP ROLE "app"',
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(
            {"secret_arn": None}, "app logs in, so it needs a secret_arn", id="login without secret"
        ),
        pytest.param(
            {"privileges": [on(["USAGE"], database="app")]},
            "USAGE is no privilege on a database",
            id="database",
        ),
        pytest.param(
            {"privileges": [on(["CONNECT"], schema="public")]},
            "CONNECT is no privilege on a schema",
            id="schema",
        ),
    ],
)
def test_mistakes_in_a_task(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(DatabaseError, match=words):
        wish(**options)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        pytest.param("public", ("public",), id="one"),
        pytest.param('"$user", public', ("$user", "public"), id="quoted"),
        pytest.param('"a, ""b"" c",d', ('a, "b" c', "d"), id="comma and quotes inside of quotes"),
        pytest.param('""', ("",), id="an empty name"),
        pytest.param("", (), id="none"),
    ],
)
def test_lists_as_postgresql_keeps_them(text: str, items: tuple[str, ...]) -> None:
    assert list_items(text) == items


def test_names_of_a_task_are_only_text_in_the_query() -> None:
    hostile = wish(name="it's {asked}", privileges=[on(["CONNECT"], database="a'b\\c")])
    sql = state_query([hostile])
    assert "r.rolname IN ('it''s {asked}')" in sql
    assert "('it''s {asked}', 'DATABASE', E'a''b\\\\c', 'CONNECT')" in sql
