# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""External secrets as the API shows them, and when one is in sync. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import dataclass

Object = dict[str, t.Any]

GROUP = "external-secrets.io"
DATA_HASH = "reconcile.external-secrets.io/data-hash"


@dataclass(frozen=True)
class Wanted:
    """An ExternalSecret and the keys that its Secret has to carry."""

    name: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecretSeen:
    """A Secret without its values: they are dropped as soon as they are read."""

    filled: frozenset[str]
    empty: frozenset[str]
    data_hash: str | None

    @classmethod
    def from_object(cls, secret: Object) -> SecretSeen:
        data = secret.get("data") or {}
        return cls(
            filled=frozenset(key for key, value in data.items() if value),
            empty=frozenset(key for key, value in data.items() if not value),
            data_hash=(secret["metadata"].get("annotations") or {}).get(DATA_HASH),
        )


@dataclass(frozen=True)
class ExternalSecret:
    """What an ExternalSecret object says."""

    namespace: str
    name: str
    generation: int
    deleting: bool
    store: str
    store_kind: str
    secret: str
    documents: tuple[str, ...]
    ready: Condition | None
    synced_version: str
    refresh_time: str | None

    @classmethod
    def from_object(cls, found: Object) -> ExternalSecret:
        metadata, spec, status = found["metadata"], found.get("spec") or {}, found.get("status") or {}
        store = spec.get("secretStoreRef") or {}
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            generation=metadata.get("generation", 0),
            deleting="deletionTimestamp" in metadata,
            store=store.get("name", ""),
            store_kind=store.get("kind") or "SecretStore",
            secret=(spec.get("target") or {}).get("name") or metadata["name"],
            documents=tuple(_documents(spec)),
            ready=ready_condition(found),
            synced_version=str(status.get("syncedResourceVersion") or ""),
            refresh_time=status.get("refreshTime"),
        )

    @property
    def synced_generation(self) -> str:
        """Generation of the spec that was synced last, empty before the first time."""
        return self.synced_version.partition("-")[0]


@dataclass(frozen=True)
class Condition:
    """A condition of an object's status."""

    status: str
    reason: str
    message: str

    @property
    def true(self) -> bool:
        return self.status == "True"

    def __str__(self) -> str:
        return f"Ready={self.status} {self.reason}: {self.message}"


def _documents(spec: Object) -> Iterator[str]:
    """Names of the secrets that the external secret reads, each once."""
    references = [entry.get("remoteRef") for entry in spec.get("data") or []]
    references += [entry.get("extract") for entry in spec.get("dataFrom") or []]
    yield from dict.fromkeys(reference["key"] for reference in references if reference)


def ready_condition(found: Object) -> Condition | None:
    """The condition Ready, None as long as no controller has set it."""
    for condition in (found.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Ready":
            return Condition(
                str(condition.get("status")), condition.get("reason", ""), condition.get("message", "")
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
            "store": seen.store if seen else None,
            "refresh_time": seen.refresh_time if seen else None,
            "data_hash": secret.data_hash if secret else None,
            "present_keys": sorted(secret.filled) if secret else [],
            "condition": str(seen.ready) if seen and seen.ready else None,
        }
