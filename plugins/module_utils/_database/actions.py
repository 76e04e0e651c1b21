# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the roles of a database what the task asks for, and prove that they can log in."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import json
import re
import typing as t
from collections.abc import Callable, Mapping, Sequence

from .._secrets.api import read_secret
from .._secrets.planning import parse_document
from .._waiting import Patience, Seen, TimedOut
from . import api
from .api import Connection
from .errors import DatabaseError
from .model import RoleWish, State
from .planning import Statement, plan, plan_removal
from .scram import verifier
from .state import state_query

if t.TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

# A paused cluster, or one that fails over: it answers again after a while.
PASSING = frozenset(
    {
        "DatabaseResumingException",
        "DatabaseUnavailableException",
        "InternalServerErrorException",
        "ServiceUnavailableError",
    }
)


class Login(enum.Enum):
    """What a try to log in with a role's own secret showed."""

    WORKS = "works"
    WRONG_PASSWORD = "wrong password"
    NO_ACCESS = "the password is right, but the role may not enter"
    TOO_MANY = "not tried: no connection is left for this role"


# In this order: PostgreSQL looks at the password first.
SIGNS = (
    (re.compile(r"28P01|password authentication failed", re.IGNORECASE), Login.WRONG_PASSWORD),
    (re.compile(r"53300|too many (connections|clients)|connection slots", re.IGNORECASE), Login.TOO_MANY),
    (
        re.compile(r"42501|permission denied for database|not permitted to log in", re.IGNORECASE),
        Login.NO_ACCESS,
    ),
)

# What PostgreSQL and the Data API say to a statement or a commit that has been made already.
REPEATED = re.compile(r"42710|already exists|TransactionNotFoundException|is not found")


@dataclasses.dataclass(frozen=True)
class Database:
    """The database as its administrator sees it, and the secrets of its roles."""

    admin: Connection
    secrets: SecretsManagerClient
    patience: Patience

    def patiently(self, work: Callable[[], Seen]) -> Seen:
        """Do it, and again while the database is waking up."""

        def probe() -> tuple[bool, Seen | DatabaseError]:
            try:
                return True, work()
            except DatabaseError as error:
                if error.code not in PASSING:
                    raise
                return False, error

        try:
            return t.cast(Seen, self.patience.until(probe))
        except TimedOut as over:
            raise t.cast(DatabaseError, over.last) from over

    def state(self, wishes: Sequence[RoleWish]) -> State:
        rows = self.patiently(lambda: api.query(self.admin, state_query(wishes)))
        return State.from_json(json.loads(rows[0][0]["stringValue"]))

    def login(self, wish: RoleWish) -> Login:
        """Log in as the role does, with the user and the password of its secret."""
        own = dataclasses.replace(self.admin, secret_arn=wish.secret_arn or "")
        try:
            self.patiently(lambda: api.query(own, "SELECT 1"))
        except DatabaseError as error:
            for sign, login in SIGNS:
                if sign.search(error.answer):
                    return login
            raise
        return Login.WORKS

    def password(self, wish: RoleWish) -> str:
        document = parse_document(str(wish.secret_arn), read_secret(self.secrets, str(wish.secret_arn)))
        for key in ("username", "password"):
            if not document.get(key):
                raise DatabaseError(
                    f"Secret {wish.secret_arn} of role {wish.name} has no {key}: write it first"
                )
        if document["username"] != wish.name:
            raise DatabaseError(
                f"Secret {wish.secret_arn} has the username {document['username']}, but the role is"
                f" {wish.name}: make them the same"
            )
        return str(document["password"])

    def run(self, statements: Sequence[Statement]) -> None:
        """All in one transaction, or nothing."""
        transaction = self.patiently(lambda: api.begin(self.admin))
        try:
            for statement in statements:
                api.execute(self.admin, transaction, statement.sql, statement.shown)
            api.commit(self.admin, transaction)
        except DatabaseError:
            with contextlib.suppress(DatabaseError):  # The first error tells more than that of the rollback.
                api.rollback(self.admin, transaction)
            raise


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The SQL that was run, or would be, and how each role can log in (None: nothing to try)."""

    statements: tuple[str, ...]
    logins: dict[str, Login | None]


def ensure_present(
    database: Database, wishes: Sequence[RoleWish], extensions: Sequence[str], *, dry_run: bool
) -> Outcome:
    """Create and change roles; a password is only set when its role cannot log in with it."""
    passwords = {wish.name: database.password(wish) for wish in wishes if wish.secret_arn}
    state = database.state(wishes)
    logins = {wish.name: _login_before(database, wish, state) for wish in wishes}
    to_set = {
        name: verifier(password)
        for name, password in passwords.items()
        if logins[name] in (None, Login.WRONG_PASSWORD)
    }
    statements = plan(wishes, extensions, state, to_set)
    if statements and not dry_run:
        _run_once(database, wishes, extensions, statements, to_set)
        _check_effect(database, wishes, extensions)
        logins = {wish.name: _login_after(database, wish) for wish in wishes}
    return Outcome(tuple(statement.shown for statement in statements), logins)


def _run_once(
    database: Database,
    wishes: Sequence[RoleWish],
    extensions: Sequence[str],
    statements: Sequence[Statement],
    to_set: Mapping[str, str],
) -> None:
    """A request whose answer was lost is repeated, and may fail for what it has already done: look again."""
    try:
        database.run(statements)
    except DatabaseError as error:
        if not REPEATED.search(f"{error.code} {error.answer}"):
            raise
        database.run(plan(wishes, extensions, database.state(wishes), to_set))


def ensure_absent(database: Database, wishes: Sequence[RoleWish], *, dry_run: bool) -> Outcome:
    """Drop roles. Raises DatabaseError where one owns something."""
    statements = plan_removal(wishes, database.state(wishes))
    if statements and not dry_run:
        try:
            database.run(statements)
        except DatabaseError as error:
            if not re.search("2BP01|some objects depend on it", error.answer):
                raise
            raise DatabaseError(
                message=f"Could not drop {', '.join(wish.name for wish in wishes)}."
                " Give what they own to another role (REASSIGN OWNED), then run again",
                exception=error.exception,
            ) from error.exception
    return Outcome(tuple(statement.shown for statement in statements), {wish.name: None for wish in wishes})


def _login_before(database: Database, wish: RoleWish, state: State) -> Login | None:
    current = state.roles.get(wish.name)
    return database.login(wish) if wish.secret_arn and current and current.login else None


def _login_after(database: Database, wish: RoleWish) -> Login | None:
    if not wish.secret_arn:
        return None
    login = database.login(wish)
    if login in (Login.WRONG_PASSWORD, Login.NO_ACCESS):
        raise DatabaseError(
            f"Role {wish.name} was set up in {database.admin}, but its login with secret {wish.secret_arn}"
            f" fails: {login.value}"
        )
    return login


def _check_effect(database: Database, wishes: Sequence[RoleWish], extensions: Sequence[str]) -> None:
    """PostgreSQL answers a GRANT that the administrator may not make with a warning only."""
    left = plan(wishes, extensions, database.state(wishes), {})
    if left:
        raise DatabaseError(
            f"Ran without effect in {database.admin}: {'; '.join(statement.shown for statement in left)}."
            " The administrator's role may not do this: use the owner of the database"
        )
