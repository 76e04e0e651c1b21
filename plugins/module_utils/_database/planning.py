# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL that makes roles what the task asks for: plain data in, statements out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from .model import RoleState, RoleWish, State, Value
from .sql import identifier, literal

HIDDEN = "********"


@dataclasses.dataclass(frozen=True)
class Statement:
    """SQL to run, and the same for people, without what may log in."""

    sql: str
    shown: str

    @classmethod
    def plain(cls, sql: str) -> Statement:
        return cls(sql, sql)


def plan(
    wishes: Sequence[RoleWish], extensions: Iterable[str], state: State, verifiers: Mapping[str, str]
) -> list[Statement]:
    """What is to be run. `verifiers` holds, by role, the passwords that have to be set."""
    statements = [
        Statement.plain(f"CREATE EXTENSION IF NOT EXISTS {identifier(name)}")
        for name in extensions
        if name not in state.extensions
    ]
    for wish in wishes:
        statements += plan_role(wish, state.roles.get(wish.name), verifiers.get(wish.name))
    return statements


def plan_role(wish: RoleWish, current: RoleState | None, verifier: str | None) -> list[Statement]:
    """Statements for one role; a membership that the task does not name stays unless it says purge."""
    role = identifier(wish.name)
    statements = _attributes(wish, current, verifier)
    statements += _settings(role, wish.settings, current.settings if current else {})
    member_of = current.member_of if current else frozenset()
    held = current.held if current else frozenset()
    sql = [f"GRANT {identifier(name)} TO {role}" for name in wish.member_of if name not in member_of]
    if wish.purge_member_of:
        sql += [f"REVOKE {identifier(name)} FROM {role}" for name in sorted(member_of - {*wish.member_of})]
    sql += [
        f"GRANT {grant.privilege} ON {grant.kind} {identifier(grant.target)} TO {role}"
        for grant in wish.grants
        if grant not in held
    ]
    return statements + [Statement.plain(each) for each in sql]


def plan_removal(wishes: Iterable[RoleWish], state: State) -> list[Statement]:
    """Privileges keep a role from being dropped, so they go first. What it owns is never dropped."""
    statements = []
    for wish in wishes:
        current = state.roles.get(wish.name)
        if current is None:
            continue
        role = identifier(wish.name)
        targets = dict.fromkeys((grant.kind, grant.target) for grant in current.grants)
        statements += [
            Statement.plain(f"REVOKE ALL PRIVILEGES ON {kind} {identifier(target)} FROM {role}")
            for kind, target in targets
        ]
        statements.append(Statement.plain(f"DROP ROLE {role}"))
    return statements


def _attributes(wish: RoleWish, current: RoleState | None, verifier: str | None) -> list[Statement]:
    words = []
    if current is None or current.login != wish.login:
        words.append("LOGIN" if wish.login else "NOLOGIN")
    limit = wish.connection_limit
    if limit is not None and (current is None or current.connection_limit != limit):
        words.append(f"CONNECTION LIMIT {limit}")
    if verifier is not None:
        words.append("PASSWORD {password}")
    if not words:
        return []
    verb = "CREATE" if current is None else "ALTER"
    head, tail = f"{verb} ROLE {identifier(wish.name)} WITH ", " ".join(words)
    password = literal(verifier or "")
    return [Statement(head + tail.format(password=password), head + tail.format(password=literal(HIDDEN)))]


def _settings(role: str, wished: Mapping[str, Value | None], current: Mapping[str, Value]) -> list[Statement]:
    sql = []
    for name, value in wished.items():
        quoted = ".".join(identifier(part) for part in name.split("."))
        if value is None and name in current:
            sql.append(f"ALTER ROLE {role} RESET {quoted}")
        elif value is not None and value != current.get(name):
            sql.append(f"ALTER ROLE {role} SET {quoted} = {_setting_literal(value)}")
    return [Statement.plain(each) for each in sql]


def _setting_literal(value: Value) -> str:
    if isinstance(value, str):
        return literal(value)
    return ", ".join(literal(each) for each in value)
