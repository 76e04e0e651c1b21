# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a database role a new password, everywhere, and prove that the old one is worth nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
import typing as t
from collections.abc import Callable

from .._database.actions import Database
from .._database.actions import Login as Verdict
from .._database.errors import DatabaseError
from .._database.model import RoleWish
from .._database.planning import HIDDEN, Statement
from .._database.scram import verifier
from .._database.sql import identifier, literal
from .._secrets import api
from .._secrets.api import CURRENT, PENDING, SecretError
from .._secrets.planning import Generated
from .._waiting import TimedOut
from .stages import Login, login_of, pending_version, refuse_owned

if t.TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

STAGED = "new password in the document, as AWSPENDING"
RESUMED = "password of the interrupted rotation taken up"
SET = "new password in the database"
CURRENT_NOW = "document switched to it"
PROVEN = "login proven with the document"
REFUSED = "old password refused by the database"


@dataclasses.dataclass(frozen=True)
class Step:
    """What was done, and how long it took, in seconds."""

    step: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class Rotated:
    """A rotation that is over, or what it would be."""

    secret: str
    username: str
    resumed: bool
    version_id: str | None
    steps: tuple[Step, ...]


@dataclasses.dataclass
class _Watch:
    """Writes down how long each step took."""

    clock: Callable[[], float]
    steps: list[Step] = dataclasses.field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> t.Iterator[None]:
        begin = self.clock()
        yield
        self.steps.append(Step(name, round(self.clock() - begin, 2)))


def rotate(
    database: Database,
    name: str,
    how: Generated,
    *,
    dry_run: bool,
    clock: Callable[[], float] = time.monotonic,
) -> Rotated:
    """Rotate the login in secret `name`. Interrupted anywhere and run again, it ends with one password."""
    client = database.secrets
    described = refuse_owned(name, api.describe_secret(client, name))
    old = login_of(name, api.read_secret(client, name))
    waiting = _waiting(database, name, old) if pending_version(described) else None
    if dry_run:
        return Rotated(name, old.username, waiting is not None, None, ())
    watch = _Watch(clock)
    with watch.step(RESUMED if waiting else STAGED):
        new = waiting or _stage(database, name, old, how)
    with watch.step(SET):
        database.run([_statement(new)])
    with watch.step(CURRENT_NOW):
        new = _switch(client, name, new)
    with watch.step(PROVEN):
        _prove(database, str(described["ARN"]), new)
    with watch.step(REFUSED):
        _see_refused(database, str(described["Name"]), old)
    return Rotated(name, new.username, waiting is not None, new.version_id, tuple(watch.steps))


def _stage(database: Database, name: str, old: Login, how: Generated) -> Login:
    password = api.random_password(database.secrets, how.length, how.exclude_characters)
    return _write_pending(database.secrets, name, old.with_password(password))


def _write_pending(client: SecretsManagerClient, name: str, document: t.Mapping[str, t.Any]) -> Login:
    answer = api.write_pending(client, name, json.dumps(document))
    return Login(answer["VersionId"], document)


def _waiting(database: Database, name: str, old: Login) -> Login | None:
    """The login of a rotation that did not end; None where it is somebody else's, or the one in use."""
    read = api.read_pending(database.secrets, name)
    if read is None:
        return None
    new = login_of(name, read)
    return new if new.username == old.username and new.password != old.password else None


def _statement(new: Login) -> Statement:
    """With what PostgreSQL keeps of a password, so that the password is in no log of the server."""
    head = f"ALTER ROLE {identifier(new.username)} WITH PASSWORD "
    return Statement(head + literal(verifier(new.password)), head + literal(HIDDEN))


def _switch(client: SecretsManagerClient, name: str, new: Login) -> Login:
    """Have the document as it is today, with the new password.

    Other keys may have changed since it was staged, which can be days. And the date of a version is by which
    one sees that what was read before is old, so this one is made now.
    """
    current = login_of(name, api.read_secret(client, name))
    latest = _write_pending(client, name, current.with_password(new.password))
    _promote(client, name, current, latest)
    return latest


def _promote(client: SecretsManagerClient, name: str, old: Login, new: Login) -> None:
    request = {"MoveToVersionId": new.version_id, "RemoveFromVersionId": old.version_id}
    try:
        api.move_stage(client, name, CURRENT, request)
    except SecretError:
        # A request whose answer was lost has come through.
        if login_of(name, api.read_secret(client, name)).version_id != new.version_id:
            raise
    if PENDING in _stages(client, name, new):
        _end_pending(client, name, new)


def _end_pending(client: SecretsManagerClient, name: str, new: Login) -> None:
    try:
        api.move_stage(client, name, PENDING, {"RemoveFromVersionId": new.version_id})
    except SecretError:
        if PENDING in _stages(client, name, new):
            raise


def _stages(client: SecretsManagerClient, name: str, login: Login) -> list[str]:
    described = api.describe_secret(client, name) or {}
    stages: dict[str, list[str]] = described.get("VersionIdsToStages") or {}
    return stages.get(login.version_id, [])


def _prove(database: Database, arn: str, new: Login) -> None:
    verdict = database.login(RoleWish(name=new.username, secret_arn=arn))
    if verdict in (Verdict.WRONG_PASSWORD, Verdict.NO_ACCESS):
        raise DatabaseError(
            f"Set the new password of {new.username} in {database.admin}, but its login with secret {arn}"
            f" fails: {verdict.value}. Run again: it goes on from there"
        )


def _see_refused(database: Database, name: str, old: Login) -> None:
    """Try the old password, with a secret of a moment: the Data API takes a login from a secret only."""
    client = database.secrets
    trial = f"{name}-old-password"
    text = json.dumps({"username": old.username, "password": old.password})
    arn = _write_trial(database, trial, text)
    try:
        verdict = database.login(RoleWish(name=old.username, secret_arn=arn))
    finally:
        api.delete_secret(client, trial, 0)
    if verdict is not Verdict.WRONG_PASSWORD:
        raise DatabaseError(
            f"The old password of {old.username} was not refused by {database.admin}: {verdict.value}. Look"
            " who else sets this password, then run again"
        )


def _write_trial(database: Database, trial: str, text: str) -> str:
    """Its name may be taken for a moment by the trial before, which is on its way out."""
    client = database.secrets

    def attempt() -> tuple[bool, str]:
        try:
            request = {"SecretString": text, "Description": "Exists while its login is tried"}
            return True, str(api.create_secret(client, trial, request)["ARN"])
        except SecretError as error:
            if error.code == "ResourceExistsException":  # An interrupted run has left it.
                api.write_secret(client, trial, text)
                return True, str((api.describe_secret(client, trial) or {})["ARN"])
            if error.code != "InvalidRequestException":
                raise
            return False, error.answer

    try:
        return database.patience.until(attempt)
    except TimedOut as over:
        raise SecretError(
            f"Could not write secret {trial}, with which the old password is tried: {over.last}."
            " Run again later"
        ) from over
