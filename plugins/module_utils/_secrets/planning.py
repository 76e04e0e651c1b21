# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change for a secret to become the document that the task asks for: plain data only."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from collections.abc import Mapping

from .._aws import same_key
from .api import SecretError

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
        tags = options.get("tags")
        return cls(
            name=options["name"],
            values={**plain, **secret},
            generated={key: Generated.from_option(key, option) for key, option in made.items()},
            description=options.get("description"),
            kms_key_id=options.get("kms_key_id"),
            tags=None if tags is None else {key: str(value) for key, value in tags.items()},
        )


@dataclasses.dataclass(frozen=True)
class Document:
    """A secret as AWS has it. `values` is empty where there is none, or it must be restored to be read."""

    arn: str
    values: Mapping[str, t.Any]
    version_id: str | None
    description: str
    kms_key_id: str | None
    tags: Mapping[str, str]
    deleted: bool

    @classmethod
    def from_answers(cls, described: Mapping[str, t.Any], read: Mapping[str, t.Any] | None) -> Document:
        """Raises SecretError where the value is not a document, or not ours to change."""
        name = described["Name"]
        if described.get("OwningService"):
            raise SecretError(
                f"Secret {name} belongs to {described['OwningService']}, which alone may change it"
            )
        return cls(
            arn=described["ARN"],
            values=parse_document(name, read),
            version_id=read["VersionId"] if read else None,
            description=described.get("Description") or "",
            kms_key_id=described.get("KmsKeyId"),
            tags={tag["Key"]: tag["Value"] for tag in described.get("Tags", [])},
            deleted="DeletedDate" in described,
        )


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

    @property
    def changed(self) -> bool:
        details = self.changed_keys or self.update or self.add_tags or self.remove_tags
        return bool(self.create or self.restore or details)


def plan(wish: DocumentWish, current: Document | None, *, rotate: bool, purge_tags: bool) -> Plan:
    """Keys of the task are set, others stay; a generated value that is there stays unless `rotate`.

    What a secret that is scheduled for deletion lacks can be seen only when it is restored.
    """
    if current is not None and current.deleted:
        return Plan(restore=True)
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
    """Names that begin with aws: belong to AWS."""
    if wish.tags is None or current is None:
        return dict(wish.tags or {}), ()
    add = {name: value for name, value in wish.tags.items() if current.tags.get(name) != value}
    gone = [name for name in current.tags if name not in wish.tags and not name.startswith("aws:")]
    return add, tuple(sorted(gone)) if purge_tags else ()
