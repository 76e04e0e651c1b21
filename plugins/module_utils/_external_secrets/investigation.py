# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a cluster to find a cause, as far as it may be. PRIVATE: it may change at any time."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    Case,
    StoreSeen,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    GROUP,
    ExternalSecret,
    Object,
    SecretSeen,
    Sight,
    StoreReference,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    Reader,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._times import in_utc


def path_of(namespace: str, plural: str, name: str) -> str:
    """Where an object of External Secrets is."""
    return f"/apis/{GROUP}/v1/namespaces/{quote(namespace)}/{plural}/{quote(name)}"


def path_of_store(namespace: str, reference: StoreReference) -> str:
    """Where a store is that is used from a namespace."""
    if reference.clustered:
        return f"/apis/{GROUP}/v1/clustersecretstores/{quote(reference.name)}"
    return path_of(namespace, "secretstores", reference.name)


def path_of_secret(external_secret: ExternalSecret) -> str:
    """Where its Secret is."""
    return f"/api/v1/namespaces/{quote(external_secret.namespace)}/secrets/{quote(external_secret.secret)}"


def investigate(cluster: Reader, namespace: str, sight: Sight) -> Case:
    """All that a diagnosis looks at; what may not be read is not known."""
    seen = sight.external_secret
    if seen is None:
        return Case(namespace, sight)
    reading, hidden = _Reading(cluster), _Reading(cluster)
    stores = [_store(reading, namespace, reference) for reference in seen.stores]
    at = next((store for store in stores if not store.ready), stores[0] if stores else StoreSeen())
    failed = seen.ready is not None and not seen.ready.true
    discovery, _known = hidden.get("/.well-known/openid-configuration")
    return Case(
        namespace,
        sight,
        at=at,
        stores=stores,
        secret=_secret(cluster, seen) if failed else sight.secret,
        labels=_labels(reading, namespace) if _asks_for_labels(at) else None,
        issuer=(discovery or {}).get("issuer"),
        issuer_unseen="; ".join(hidden.refusals),
        told=_told(reading, seen, at) if failed else (),
        unseen=reading.refusals,
    )


class _Reading:
    """Reads what there may be no right to read, and keeps the refusals."""

    def __init__(self, cluster: Reader) -> None:
        self._cluster = cluster
        self.refusals: list[str] = []

    def get(self, path: str) -> tuple[Object | None, bool]:
        """What is there, None for nothing, and whether that is known."""
        try:
            return self._cluster.get(path), True
        except KubernetesError as error:
            self.refusals.append(str(error))
            return None, False


def _store(reading: _Reading, namespace: str, reference: StoreReference) -> StoreSeen:
    if not reference.name:
        return StoreSeen(reference)
    store, known = reading.get(path_of_store(namespace, reference))
    name = StoreSeen(reference, store).account_name(namespace)
    if name is None:
        return StoreSeen(reference, store, store_known=known)
    place, account_name = map(quote, name)
    account, account_known = reading.get(f"/api/v1/namespaces/{place}/serviceaccounts/{account_name}")
    return StoreSeen(reference, store, account, store_known=known, account_known=account_known)


def _secret(cluster: Reader, seen: ExternalSecret) -> SecretSeen | None:
    """Only its owner is of interest here, so a refusal explains nothing."""
    found, _known = _Reading(cluster).get(path_of_secret(seen))
    return SecretSeen.from_object(found) if found else None


def _asks_for_labels(at: StoreSeen) -> bool:
    """Whether a store is for namespaces with certain labels."""
    conditions = ((at.store or {}).get("spec") or {}).get("conditions") or []
    return at.reference.clustered and any("namespaceSelector" in one for one in conditions)


def _labels(reading: _Reading, namespace: str) -> dict[str, str] | None:
    found, _known = reading.get(f"/api/v1/namespaces/{quote(namespace)}")
    return (found["metadata"].get("labels") or {}) if found else None


def _told(reading: _Reading, seen: ExternalSecret, at: StoreSeen) -> list[str]:
    """Warnings about the external secret and its store since it is not in sync, newest first."""
    external, store = ("ExternalSecret", seen.name), (at.reference.kind, at.reference.name)
    # A store that is ready now was not when it was warned of.
    about = {external} if at.ready and at.store_known else {external, store}
    # Events about objects of no namespace are in this one.
    places = [seen.namespace, *(["default"] if at.reference.clustered else [])]
    found = [
        event
        for place in dict.fromkeys(places)
        for event in (reading.get(f"/api/v1/namespaces/{quote(place)}/events")[0] or {}).get("items", [])
        if _subject(event) in about and event.get("type") != "Normal"
    ]
    # An older warning may be of a fault that is gone. The controller warns first, and within a second.
    since = _shortly_before(seen.ready.since if seen.ready else "")
    told = sorted(((_time(event), event) for event in found), key=lambda each: each[0], reverse=True)
    return [event.get("message", "") for time, event in told if _subject(event) == store or time >= since]


def _subject(event: Object) -> tuple[str, str]:
    about = event.get("involvedObject") or {}
    return str(about.get("kind", "")), str(about.get("name", ""))


def _time(event: Object) -> str:
    """RFC 3339 in UTC, as the API server writes it, sorts as text.

    An event of events.k8s.io shows here, too, with its times in other fields and in microseconds.
    """
    again, created = event.get("series") or {}, event["metadata"].get("creationTimestamp")
    time = again.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or created
    return f"{str(time)[:19]}Z" if time else ""


def _shortly_before(time: str) -> str:
    try:
        moment = datetime.fromisoformat(time) - timedelta(seconds=2)
    except ValueError:
        return ""
    return in_utc(moment)
