# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles as a task wants them, and as a database has them."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from collections.abc import Mapping

from .errors import DatabaseError

# PostgreSQL keeps these as lists of names, each quoted where it must be.
LIST_SETTINGS = frozenset(
    {"local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces"}
)
LIST_ITEM = re.compile(r'"((?:[^"]|"")*)"|([^,\s"]+)')

Value: t.TypeAlias = "str | tuple[str, ...]"


class Grant(t.NamedTuple):
    """A privilege of a role on a DATABASE or a SCHEMA."""

    kind: str
    target: str
    privilege: str


@dataclasses.dataclass(frozen=True)
class RoleWish:
    """What the task says about a role; None = leave as it is. A setting of None is reset."""

    name: str
    secret_arn: str | None = None
    login: bool = True
    connection_limit: int | None = None
    member_of: tuple[str, ...] = ()
    purge_member_of: bool = False
    settings: Mapping[str, Value | None] = dataclasses.field(default_factory=dict)
    grants: tuple[Grant, ...] = ()

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> RoleWish:
        """Raises DatabaseError where a login has no secret."""
        if options["login"] and not options["secret_arn"]:
            raise DatabaseError(
                f"Role {options['name']} logs in, so it needs a secret_arn; or set login to false"
            )
        settings = {name.lower(): value for name, value in (options["settings"] or {}).items()}
        return cls(
            name=options["name"],
            secret_arn=options["secret_arn"] if options["login"] else None,
            login=options["login"],
            connection_limit=options["connection_limit"],
            member_of=tuple(options["member_of"]),
            purge_member_of=options["purge_member_of"],
            settings={name: setting_value(name, value) for name, value in settings.items()},
            grants=tuple(grant for each in options["privileges"] for grant in _grants(options["name"], each)),
        )


def _grants(role: str, option: Mapping[str, t.Any]) -> list[Grant]:
    kind, target = ("DATABASE", option["database"]) if option["database"] else ("SCHEMA", option["schema"])
    possible = {"DATABASE": {"CONNECT", "CREATE", "TEMPORARY"}, "SCHEMA": {"CREATE", "USAGE"}}[kind]
    wrong = sorted(set(option["privileges"]) - possible)
    if wrong:
        raise DatabaseError(f"Role {role}: {', '.join(wrong)} is no privilege on a {kind.lower()}")
    return [Grant(kind, target, privilege) for privilege in option["privileges"]]


def setting_value(name: str, value: t.Any) -> Value | None:
    """A value of the task as PostgreSQL would show it: text, or names for a setting that is a list."""
    if value is None:
        return None
    if name in LIST_SETTINGS:
        items = tuple(str(each) for each in value) if isinstance(value, list) else list_items(str(value))
        return items or ("",)  # PostgreSQL keeps an empty list as one empty name.
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def list_items(text: str) -> tuple[str, ...]:
    """The names in a list such as `"$user", public`."""
    return tuple(
        quoted.replace('""', '"') if quoted or not plain else plain
        for quoted, plain in LIST_ITEM.findall(text)
    )


@dataclasses.dataclass(frozen=True)
class RoleState:
    """A role as the database has it."""

    login: bool
    connection_limit: int
    member_of: frozenset[str]
    settings: Mapping[str, Value]
    held: frozenset[Grant]
    grants: tuple[Grant, ...]

    @classmethod
    def from_json(cls, role: Mapping[str, t.Any]) -> RoleState:
        """From an entry of state.STATE's answer."""
        settings = dict(each.split("=", 1) for each in role["settings"])
        return cls(
            login=role["login"],
            connection_limit=role["connection_limit"],
            member_of=frozenset(role["member_of"]),
            settings={name: setting_value(name, value) or "" for name, value in settings.items()},
            held=frozenset(Grant(*each) for each in role["held"]),
            grants=tuple(Grant(*each) for each in role["grants"]),
        )


@dataclasses.dataclass(frozen=True)
class State:
    """What the database knows of the roles and extensions that the task names."""

    roles: Mapping[str, RoleState]
    extensions: frozenset[str]

    @classmethod
    def from_json(cls, answer: Mapping[str, t.Any]) -> State:
        roles = {name: RoleState.from_json(role) for name, role in answer["roles"].items()}
        return cls(roles, frozenset(answer["extensions"]))
