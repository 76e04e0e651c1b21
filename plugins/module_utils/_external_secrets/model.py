# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""External secrets as the API shows them, and when one is in sync. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

Object = dict[str, t.Any]

GROUP = "external-secrets.io"
DATA_HASH = "reconcile.external-secrets.io/data-hash"


@dataclass(frozen=True)
class Wanted:
    """An ExternalSecret and the keys that its Secret has to carry."""

    name: str
    keys: tuple[str, ...] = ()
    after: str | None = None
    """A synced version that is too old, because a refresh was asked for since."""
    not_before: datetime | None = None
    """What was read before is too old."""

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> Wanted:
        """Raises ValueError for a time that is none."""
        given = options["not_before"]
        try:
            not_before = datetime.fromisoformat(given) if given else None
        except ValueError:
            not_before = None
        if given and (not_before is None or not_before.tzinfo is None):
            raise ValueError(
                f"not_before of {options['name']} ({given}) is no time with a time zone, "
                "as 2026-11-23T10:00:00Z is"
            )
        return cls(options["name"], tuple(options["keys"]), not_before=not_before)


@dataclass(frozen=True)
class SecretSeen:
    """A Secret without its values: they are dropped as soon as they are read."""

    filled: frozenset[str]
    empty: frozenset[str]
    data_hash: str | None
    controller: str
    """Kind and name of the object that owns it, empty for none."""

    @classmethod
    def from_object(cls, secret: Object) -> SecretSeen:
        data = secret.get("data") or {}
        owners = secret["metadata"].get("ownerReferences") or []
        controllers = [f"{owner['kind']} {owner['name']}" for owner in owners if owner.get("controller")]
        return cls(
            filled=frozenset(key for key, value in data.items() if value),
            empty=frozenset(key for key, value in data.items() if not value),
            data_hash=(secret["metadata"].get("annotations") or {}).get(DATA_HASH),
            controller=next(iter(controllers), ""),
        )


@dataclass(frozen=True)
class StoreReference:
    """Which store is meant; the name may be missing."""

    kind: str
    name: str

    @classmethod
    def from_object(cls, reference: Object | None) -> StoreReference:
        found = reference or {}
        return cls(found.get("kind") or "SecretStore", found.get("name") or "")

    @property
    def clustered(self) -> bool:
        return self.kind == "ClusterSecretStore"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Source:
    """One read of a secret. `place` is where the spec asks for it, as External Secrets writes that."""

    place: str
    store: StoreReference
    key: str
    property: str
    version: str
    tags: bool
    """Whether the tags are read instead of the value."""
    target: str
    """Key of the one value that is read; empty where all keys of the document are."""
    decoded: bool
    """Whether values are decoded, which may fail for what is in them."""
    conversion: str
    """How keys that a Secret cannot have are changed."""


@dataclass(frozen=True)
class ExternalSecret:
    """What an ExternalSecret object says."""

    namespace: str
    name: str
    generation: int
    deleting: bool
    store: StoreReference
    secret: str
    sources: tuple[Source, ...]
    stores: tuple[StoreReference, ...]
    """Every store that it reads from, each once; none where all it reads are generators."""
    generators: tuple[str, ...]
    """Kind and name of what makes values anew instead of reading them."""
    opaque: bool
    """Whether it reads in ways that only the operator can follow: search, rewriting, generators."""
    templates: tuple[str, ...]
    creation_policy: str
    target_kind: str
    """What it writes: a Secret, unless it says otherwise."""
    frozen: str
    """The setting by which a changed spec is not synced, empty where it is."""
    ready: Condition | None
    synced_version: str
    refresh_time: str | None

    @classmethod
    def from_object(cls, found: Object) -> ExternalSecret:
        metadata, spec, status = found["metadata"], found.get("spec") or {}, found.get("status") or {}
        target = spec.get("target") or {}
        store = StoreReference.from_object(spec.get("secretStoreRef"))
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            generation=metadata.get("generation", 0),
            deleting="deletionTimestamp" in metadata,
            store=store,
            secret=target.get("name") or metadata["name"],
            sources=tuple(_sources(spec, store)),
            stores=tuple(dict.fromkeys(_stores(spec, store))),
            generators=tuple(_generators(spec)),
            opaque=any("extract" not in one or one.get("rewrite") for one in spec.get("dataFrom") or []),
            templates=tuple(_templates(target.get("template") or {})),
            creation_policy=target.get("creationPolicy") or "Owner",
            target_kind=(target.get("manifest") or {}).get("kind") or "Secret",
            frozen=_frozen(spec),
            ready=ready_condition(found),
            synced_version=str(status.get("syncedResourceVersion") or ""),
            refresh_time=status.get("refreshTime"),
        )

    @property
    def failed(self) -> bool:
        """Whether its condition says that the last sync failed."""
        return self.ready is not None and not self.ready.true

    def read_before(self, time: datetime | None) -> bool:
        """Whether it was last synced before a time; it tells its own to the second."""
        if time is None or not self.refresh_time:
            return False
        return datetime.fromisoformat(self.refresh_time) < time.replace(microsecond=0)

    @property
    def synced_generation(self) -> str:
        """Generation of the spec that was synced last, empty before the first time."""
        return self.synced_version.partition("-")[0]


def _entries(spec: Object) -> list[Object]:
    return [*(spec.get("data") or []), *(spec.get("dataFrom") or [])]


def _stores(spec: Object, default: StoreReference) -> Iterator[StoreReference]:
    entries = _entries(spec)
    if not entries:
        yield default
    for entry in entries:
        source = entry.get("sourceRef") or {}
        if source.get("storeRef"):
            yield StoreReference.from_object(source["storeRef"])
        elif not source.get("generatorRef"):
            yield default


def _generators(spec: Object) -> Iterator[str]:
    for entry in _entries(spec):
        reference = (entry.get("sourceRef") or {}).get("generatorRef")
        if reference:
            yield f"{reference.get('kind', '')} {reference.get('name', '')}"


def _sources(spec: Object, default: StoreReference) -> Iterator[Source]:
    for index, entry in enumerate(spec.get("data") or []):
        yield _source(f"spec.data[{index}]", entry, entry["remoteRef"], default)
    for index, entry in enumerate(spec.get("dataFrom") or []):
        if entry.get("extract"):
            yield _source(f"spec.dataFrom[{index}]", entry, entry["extract"], default)


def _source(place: str, entry: Object, reference: Object, default: StoreReference) -> Source:
    own = (entry.get("sourceRef") or {}).get("storeRef")
    return Source(
        place=place,
        store=StoreReference.from_object(own) if own else default,
        key=reference["key"],
        property=reference.get("property") or "",
        version=reference.get("version") or "AWSCURRENT",
        tags=reference.get("metadataPolicy") == "Fetch",
        target=entry.get("secretKey") or "",
        decoded=(reference.get("decodingStrategy") or "None") != "None",
        conversion=reference.get("conversionStrategy") or "Default",
    )


def _templates(template: Object) -> Iterator[str]:
    metadata = template.get("metadata") or {}
    for texts in (template.get("data"), metadata.get("labels"), metadata.get("annotations")):
        yield from (texts or {}).values()


def _frozen(spec: Object) -> str:
    policy, interval = spec.get("refreshPolicy") or "Periodic", spec.get("refreshInterval") or "1h"
    if policy == "CreatedOnce":
        return "refreshPolicy CreatedOnce"
    never = policy == "Periodic" and not re.search("[1-9]", interval)
    return f"refreshInterval {interval}" if never else ""


@dataclass(frozen=True)
class Condition:
    """A condition of an object's status."""

    status: str
    reason: str
    message: str
    since: str = ""

    @property
    def true(self) -> bool:
        return self.status == "True"

    def __str__(self) -> str:
        return f"Ready={self.status} {self.reason}: {self.message}"


def ready_condition(found: Object) -> Condition | None:
    """The condition Ready, None as long as no controller has set it."""
    for condition in (found.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Ready":
            return Condition(
                str(condition.get("status")),
                condition.get("reason", ""),
                " ".join(condition.get("message", "").split()),
                str(condition.get("lastTransitionTime") or ""),
            )
    return None


@dataclass(frozen=True)
class Sight:
    """One look at a wanted external secret and its Secret."""

    wanted: Wanted
    external_secret: ExternalSecret | None
    secret: SecretSeen | None

    @property
    def missing_keys(self) -> list[str]:
        filled = self.secret.filled if self.secret else frozenset()
        return [key for key in self.wanted.keys if key not in filled]

    @property
    def synced(self) -> bool:
        """Ready for *this* generation, and every wanted key is there and not empty.

        Ready alone may be left from an older spec, and says nothing about keys.
        """
        seen = self.external_secret
        return (
            seen is not None
            and not seen.deleting
            and seen.ready is not None
            and seen.ready.true
            and seen.ready.reason == "SecretSynced"
            and seen.synced_generation == str(seen.generation)
            and seen.synced_version != self.wanted.after
            and not seen.read_before(self.wanted.not_before)
            and self.secret is not None
            and not self.missing_keys
        )

    def result(self) -> dict[str, t.Any]:
        """What the module returns: names, never values."""
        seen, secret = self.external_secret, self.secret
        return {
            "name": self.wanted.name,
            "synced": self.synced,
            "secret": seen.secret if seen else None,
            "store": seen.store.name if seen else None,
            "refresh_time": seen.refresh_time if seen else None,
            "data_hash": secret.data_hash if secret else None,
            "present_keys": sorted(secret.filled) if secret else [],
            "condition": str(seen.ready) if seen and seen.ready else None,
        }
