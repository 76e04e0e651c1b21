# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change for a secret to become the document that the task asks for: plain data only."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from collections.abc import Mapping
from datetime import datetime

from .. import _tags
from .._aws import same_key
from .api import SecretError
from .safeguards import Safeguards, SafeguardsPlan, SafeguardsWish, plan_safeguards

# RDS refuses / @ " and space in master passwords; the others make trouble in connection strings.
EXCLUDED_CHARACTERS = "/@\"'\\ ,%:?#&+="
DEFAULT_LENGTH = 32


@dataclasses.dataclass(frozen=True)
class Generated:
    """How to make a random value."""

    length: int = DEFAULT_LENGTH
    exclude_characters: str = EXCLUDED_CHARACTERS

    @classmethod
    def from_option(cls, key: str, option: Mapping[str, t.Any] | None) -> Generated:
        """Raises SecretError for what is not an option of a generated value."""
        given = dict(option or {})
        unknown = given.keys() - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise SecretError(f"generated.{key} has no option {', '.join(sorted(unknown))}")
        try:
            length = int(given.get("length", DEFAULT_LENGTH))
        except (TypeError, ValueError):
            raise SecretError(f"generated.{key}.length is {given['length']!r}, not a number") from None
        return cls(length, str(given.get("exclude_characters", EXCLUDED_CHARACTERS)))


@dataclasses.dataclass(frozen=True)
class DocumentWish:
    """What the task says about one document; None = leave as it is."""

    name: str
    values: Mapping[str, t.Any]
    generated: Mapping[str, Generated]
    description: str | None = None
    kms_key_id: str | None = None
    tags: Mapping[str, str] | None = None
    safeguards: SafeguardsWish = dataclasses.field(default_factory=SafeguardsWish)

    @property
    def of_the_value(self) -> bool:
        """Whether it says anything besides rotation."""
        details = (self.description, self.kms_key_id, self.tags, self.safeguards.resource_policy)
        return bool(self.values or self.generated) or any(each is not None for each in details)

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> DocumentWish:
        """Raises SecretError for a key that is given twice."""
        kinds = ("values", "secret_values", "generated")
        plain, secret, made = (dict(options.get(kind) or {}) for kind in kinds)
        twice = (plain.keys() & secret.keys()) | (made.keys() & (plain.keys() | secret.keys()))
        if twice:
            raise SecretError(
                f"Document {options['name']} gets {', '.join(sorted(twice))} twice:"
                " a key belongs to values, secret_values or generated"
            )
        return cls(
            name=options["name"],
            values={**plain, **secret},
            generated={key: Generated.from_option(key, option) for key, option in made.items()},
            description=options.get("description"),
            kms_key_id=options.get("kms_key_id"),
            tags=_tags.wished(options.get("tags")),
            safeguards=SafeguardsWish.from_options(options),
        )


@dataclasses.dataclass(frozen=True)
class Document:
    """A secret as AWS has it. `values` is empty where there is none, or it must be restored to be read."""

    arn: str
    values: Mapping[str, t.Any]
    version_id: str | None
    current_since: datetime | None
    """When the value became the current one, as far as AWS tells: when it was made, or a rotation ended."""
    description: str
    kms_key_id: str | None
    tags: Mapping[str, str]
    deleted: bool
    owner: str | None
    """The AWS service that alone may change it."""
    safeguards: Safeguards

    @classmethod
    def from_answers(
        cls, described: Mapping[str, t.Any], read: Mapping[str, t.Any] | None, policy: str | None = None
    ) -> Document:
        """Raises SecretError where the value is not a document."""
        name = described["Name"]
        return cls(
            arn=described["ARN"],
            values=parse_document(name, read),
            version_id=read["VersionId"] if read else None,
            current_since=_current_since(described, read),
            description=described.get("Description") or "",
            kms_key_id=described.get("KmsKeyId"),
            tags=_tags.read(described.get("Tags")),
            deleted="DeletedDate" in described,
            owner=described.get("OwningService"),
            safeguards=Safeguards.from_answers(described, policy),
        )


def _current_since(described: Mapping[str, t.Any], read: Mapping[str, t.Any] | None) -> datetime | None:
    if read is None:
        return None
    made: datetime = read["CreatedDate"]
    # A rotation makes its version first, and moves the stage to it at its end.
    ended: datetime = described.get("LastRotatedDate", made)
    return max(made, ended)


def parse_document(name: str, read: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """The keys of a secret's value. Raises SecretError where it is no JSON object."""
    if read is None:
        return {}
    try:
        document = json.loads(read["SecretString"])
    except (KeyError, ValueError):
        document = None
    if not isinstance(document, dict):
        raise SecretError(
            f"The value of secret {name} is not a JSON object, so its keys cannot be kept."
            " Write a JSON object to it by hand, or choose another name"
        )
    return document


@dataclasses.dataclass(frozen=True)
class Plan:
    """What happens to one document. Its new value is `known` with what `to_generate` makes."""

    create: bool = False
    restore: bool = False
    changed_keys: tuple[str, ...] = ()
    known: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    to_generate: Mapping[str, Generated] = dataclasses.field(default_factory=dict)
    update: Mapping[str, str] = dataclasses.field(default_factory=dict)
    add_tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    remove_tags: tuple[str, ...] = ()
    safeguards: SafeguardsPlan = dataclasses.field(default_factory=SafeguardsPlan)

    @property
    def changed(self) -> bool:
        details = (self.changed_keys, self.update, self.add_tags, self.remove_tags, self.safeguards.changes)
        return self.create or self.restore or any(details)


def plan(wish: DocumentWish, current: Document | None, *, rotate: bool, purge_tags: bool) -> Plan:
    """Keys of the task are set, others stay; a generated value that is there stays unless `rotate`.

    What a secret that is scheduled for deletion lacks can be seen only when it is restored. Raises
    SecretError for a secret that belongs to a service of AWS, unless its rotation is all that is asked for.
    """
    if current is not None and current.deleted:
        return Plan(restore=True)
    safeguards = plan_safeguards(wish.safeguards, current.safeguards if current else Safeguards())
    if current is not None and current.owner:
        if wish.of_the_value or rotate:
            raise SecretError(f"Secret {wish.name} belongs to {current.owner}, which alone may change it")
        return Plan(safeguards=safeguards)
    values = current.values if current else {}
    to_generate = {key: how for key, how in wish.generated.items() if rotate or not values.get(key)}
    differing = {
        key for key, value in wish.values.items() if key not in values or not same(value, values[key])
    }
    add, remove = _tag_changes(wish, current, purge_tags)
    return Plan(
        create=current is None,
        changed_keys=tuple(sorted(differing | to_generate.keys())),
        known={**values, **wish.values},
        to_generate=to_generate,
        update=_update(wish, current),
        add_tags=add,
        remove_tags=remove,
        safeguards=safeguards,
    )


def same(one: t.Any, other: t.Any) -> bool:
    """Equal as JSON: the order of keys does not matter, but 1, 1.0, "1" and true are four values."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _update(wish: DocumentWish, current: Document | None) -> dict[str, str]:
    update: dict[str, str] = {}
    if current is None:
        return update
    if wish.description is not None and wish.description != current.description:
        update["Description"] = wish.description
    if wish.kms_key_id is not None and not same_key(wish.kms_key_id, current.kms_key_id):
        update["KmsKeyId"] = wish.kms_key_id
    return update


def _tag_changes(
    wish: DocumentWish, current: Document | None, purge_tags: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    if wish.tags is None or current is None:
        return dict(wish.tags or {}), ()
    return _tags.difference(current.tags, _tags.after(current.tags, wish.tags, purge=purge_tags))
