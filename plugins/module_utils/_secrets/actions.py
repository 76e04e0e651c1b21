# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make secrets the documents that the task asks for, or see what that would do."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from datetime import UTC, datetime

from .. import _tags
from .._times import in_utc
from .._waiting import Patience, TimedOut
from . import api
from .api import SecretError
from .planning import Document, DocumentWish, Plan, plan
from .safeguards import SafeguardsPlan

if t.TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

SET, NEW = "(set)", "(new value)"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What happened, or would happen, to one document. No value is in it."""

    name: str
    changed: bool
    arn: str | None = None
    version_id: str | None = None
    current_since: datetime | None = None
    changed_keys: tuple[str, ...] = ()
    created: bool = False
    restored: bool = False
    before: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    after: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def returned(self) -> dict[str, t.Any]:
        return {
            "name": self.name,
            "arn": self.arn,
            "version_id": self.version_id,
            "current_since": in_utc(self.current_since) if self.current_since else None,
            "changed_keys": list(self.changed_keys),
            "created": self.created,
            "restored": self.restored,
        }


@dataclasses.dataclass(frozen=True)
class Way:
    """How the whole run goes about it."""

    rotate: bool = False
    purge_tags: bool = True
    dry_run: bool = False


def ensure_present(client: SecretsManagerClient, wish: DocumentWish, way: Way, patience: Patience) -> Outcome:
    """Create, restore or change a secret.

    A name that was deleted for good a moment ago is refused for a while; each try looks again what is there.
    """

    def attempt() -> tuple[bool, Outcome | SecretError]:
        try:
            return True, _present_once(client, wish, way)
        except SecretError as error:
            if not _is_conflict(error):
                raise
            return False, error

    try:
        outcome = patience.until(attempt)
    except TimedOut as over:
        raise t.cast(SecretError, over.last) from over
    return t.cast(Outcome, outcome)


def _is_conflict(error: SecretError) -> bool:
    being_deleted = error.code == "InvalidRequestException" and "deletion" in error.answer
    return error.code == "ResourceExistsException" or being_deleted


def _observe(client: SecretsManagerClient, wish: DocumentWish) -> Document | None:
    name = wish.name
    described = api.describe_secret(client, name)
    if described is None:
        return None
    if "DeletedDate" in described or described.get("OwningService"):
        return Document.from_answers(described, None)
    policy = None if wish.safeguards.resource_policy is None else api.read_policy(client, name)
    return Document.from_answers(described, api.read_secret(client, name), policy)


def _present_once(client: SecretsManagerClient, wish: DocumentWish, way: Way) -> Outcome:
    found = _observe(client, wish)
    current = found
    if found is not None and found.deleted and not way.dry_run:
        api.restore_secret(client, wish.name)
        current = _observe(client, wish)
    step = plan(wish, current, rotate=way.rotate, purge_tags=way.purge_tags)
    value = _Value.of(current)
    if not way.dry_run:
        value = _apply(client, wish, step, value)
    elif current is not None and step.changed_keys:
        value = dataclasses.replace(value, since=datetime.now(UTC))
    restored = found is not None and found.deleted
    before, after = _shown(wish, found, step)
    return Outcome(
        name=wish.name,
        changed=step.changed or restored,
        arn=value.arn,
        version_id=value.version_id,
        current_since=value.since,
        changed_keys=step.changed_keys,
        created=step.create,
        restored=restored,
        before=before,
        after=after,
    )


@dataclasses.dataclass(frozen=True)
class _Value:
    """Which value a secret has, and since when."""

    arn: str | None = None
    version_id: str | None = None
    since: datetime | None = None

    @classmethod
    def of(cls, current: Document | None) -> _Value:
        return cls(current.arn, current.version_id, current.current_since) if current else cls()


def _apply(client: SecretsManagerClient, wish: DocumentWish, step: Plan, value: _Value) -> _Value:
    made = {
        key: api.random_password(client, how.length, how.exclude_characters)
        for key, how in step.to_generate.items()
    }
    text = json.dumps({**step.known, **made})
    if step.create:
        answer = api.create_secret(client, wish.name, _creation(wish, text))
        value = _Value(answer["ARN"], answer.get("VersionId"), api.answered_at(answer))
    elif step.changed_keys:
        answer = api.write_secret(client, wish.name, text)
        value = _Value(value.arn, answer["VersionId"], api.answered_at(answer))
    if step.update:
        api.update_secret(client, wish.name, step.update)
    if step.add_tags and not step.create:
        api.tag_secret(client, wish.name, step.add_tags)
    if step.remove_tags:
        api.untag_secret(client, wish.name, list(step.remove_tags))
    _apply_safeguards(client, wish.name, step.safeguards)
    return value


def _apply_safeguards(client: SecretsManagerClient, name: str, step: SafeguardsPlan) -> None:
    """The policy last: it may be the end of our own rights."""
    if step.rotation is not None and step.rotation.enabled:
        api.rotate_secret(client, name, step.rotation.request(at_once=step.at_once))
    elif step.rotation is not None:
        api.cancel_rotation(client, name)
    if step.resource_policy:
        api.write_policy(client, name, json.dumps(step.resource_policy))
    elif step.resource_policy is not None:
        api.delete_policy(client, name)


def _creation(wish: DocumentWish, text: str) -> dict[str, t.Any]:
    request: dict[str, t.Any] = {"SecretString": text}
    if wish.description is not None:
        request["Description"] = wish.description
    if wish.kms_key_id is not None:
        request["KmsKeyId"] = wish.kms_key_id
    if wish.tags:
        request["Tags"] = _tags.write(wish.tags)
    return request


def _shown(
    wish: DocumentWish, found: Document | None, step: Plan
) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """For --diff: which keys change, never a value."""
    keys = {**dict.fromkeys(step.known, SET), **dict.fromkeys(step.changed_keys, NEW)}
    before = {name: value for name, (value, _after) in step.safeguards.changes.items() if value is not None}
    after = {name: value for name, (_before, value) in step.safeguards.changes.items() if value is not None}
    if found is None:
        return {}, {"keys": dict(sorted(keys.items())), **_details(wish), **after}
    if found.deleted:
        return {"scheduled_for_deletion": True}, {"scheduled_for_deletion": False}
    if found.owner:
        return before, after
    has, gets = _before_and_after(found, step, keys)
    changed = [name for name in has if has[name] != gets[name]]
    return {**{name: has[name] for name in changed}, **before}, {
        **{name: gets[name] for name in changed},
        **after,
    }


def _before_and_after(
    found: Document, step: Plan, keys: dict[str, str]
) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    tags = {key: value for key, value in found.tags.items() if key not in step.remove_tags}
    before = {
        "keys": dict.fromkeys(sorted(found.values), SET),
        "description": found.description,
        "kms_key_id": found.kms_key_id,
        "tags": dict(found.tags),
    }
    after = {
        "keys": dict(sorted(keys.items())),
        "description": step.update.get("Description", found.description),
        "kms_key_id": step.update.get("KmsKeyId", found.kms_key_id),
        "tags": {**tags, **step.add_tags},
    }
    return before, after


def _details(wish: DocumentWish) -> dict[str, t.Any]:
    details = {"description": wish.description, "kms_key_id": wish.kms_key_id, "tags": wish.tags}
    return {name: value for name, value in details.items() if value is not None}


def ensure_absent(
    client: SecretsManagerClient, name: str, recovery_window_in_days: int, *, dry_run: bool
) -> Outcome:
    """Schedule a secret for deletion, or with a window of 0 delete it for good."""
    described = api.describe_secret(client, name)
    scheduled = described is not None and "DeletedDate" in described
    if described is None or (scheduled and recovery_window_in_days > 0):
        return Outcome(name, False, arn=described["ARN"] if described else None)
    if described.get("OwningService"):
        raise SecretError(
            f"Secret {name} belongs to {described['OwningService']}, which deletes it by itself"
        )
    if not dry_run:
        api.delete_secret(client, name, recovery_window_in_days)
    after = {"scheduled_for_deletion": True} if recovery_window_in_days else {}
    return Outcome(
        name, True, arn=described["ARN"], before={"scheduled_for_deletion": scheduled}, after=after
    )
