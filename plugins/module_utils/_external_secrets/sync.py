# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until external secrets are in sync. PRIVATE: it may change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    AwsSeen,
    Case,
    Cause,
    StoreSeen,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.diagnosis import (
    diagnose,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    GROUP,
    ExternalSecret,
    Object,
    SecretSeen,
    Sight,
    StoreReference,
    Wanted,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    Reader,
    Writer,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.waiting import outlast
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut

Wait = Callable[[Callable[[], tuple[bool, list[Sight]]]], list[Sight]]
LookInAws = Callable[[Case], tuple[AwsSeen, list[str]]]
"""What AWS says of a case, and what it did not tell."""


_OLD = (
    "its External Secrets is older than 0.16. Update it to 0.16, which serves both; write all manifests for "
    f"{GROUP}/v1 and apply them, so that no object is stored as it was; then update to 0.17 or newer"
)


class ApiNotServedError(Exception):
    """The cluster does not know external-secrets.io/v1; waiting does not change that."""


def sync(
    cluster: Reader,
    namespace: str,
    wanted: Sequence[Wanted],
    wait: Wait,
    look_in_aws: LookInAws | None = None,
) -> tuple[list[Sight], list[Cause]]:
    """What was seen last of each external secret, and the cause for each that is not in sync.

    Raises ApiNotServedError, and KubernetesError when the cluster does not answer.
    """
    sights: dict[str, Sight] = {}

    def probe() -> tuple[bool, list[Sight]]:
        for one in wanted:
            if one.name not in sights or not sights[one.name].synced:
                sights[one.name] = look(cluster, namespace, one)
        if all(sight.external_secret is None for sight in sights.values()):
            require_api(cluster)
        return all(sight.synced for sight in sights.values()), list(sights.values())

    try:
        return outlast(wait, probe), []
    except TimedOut:
        behind = [sight for sight in sights.values() if not sight.synced]
        return list(sights.values()), [explain(cluster, namespace, sight, look_in_aws) for sight in behind]


def refresh(cluster: Writer, namespace: str, wanted: Sequence[Wanted]) -> list[Wanted]:
    """Have each synced anew, whatever its interval; the result is only in sync after that.

    Another annotation makes another resource version, which the operator has to sync. Raises KubernetesError.
    """
    after = []
    for one in wanted:
        path = _path(namespace, "externalsecrets", one.name)
        found = cluster.get(path)
        if found is not None:
            cluster.annotate(path, {"force-sync": str(time.time_ns())})
            before = ExternalSecret.from_object(found).synced_version
            one = replace(one, after=before)
        after.append(one)
    return after


def look(cluster: Reader, namespace: str, wanted: Wanted) -> Sight:
    """One look at an external secret, and at its Secret when the external secret says that it is ready."""
    found = cluster.get(_path(namespace, "externalsecrets", wanted.name))
    if found is None:
        return Sight(wanted, None, None)
    external_secret = ExternalSecret.from_object(found)
    secret = None
    if external_secret.ready is not None and external_secret.ready.true:
        secret = _secret(cluster, external_secret)
    return Sight(wanted, external_secret, secret)


def _secret(cluster: Reader, external_secret: ExternalSecret) -> SecretSeen | None:
    place, name = quote(external_secret.namespace), quote(external_secret.secret)
    secret = cluster.get(f"/api/v1/namespaces/{place}/secrets/{name}")
    return SecretSeen.from_object(secret) if secret else None


def require_api(cluster: Reader) -> None:
    """Raises ApiNotServedError unless external-secrets.io/v1 is served."""
    group = cluster.get(f"/apis/{GROUP}")
    versions = [version["version"] for version in (group or {}).get("versions", [])]
    if not versions:
        raise ApiNotServedError(
            f"The cluster serves no version of {GROUP}: install External Secrets 0.17 or newer"
        )
    if "v1" not in versions:
        raise ApiNotServedError(f"The cluster serves {GROUP} as {', '.join(versions)}, and not as v1: {_OLD}")


def explain(cluster: Reader, namespace: str, sight: Sight, look_in_aws: LookInAws | None = None) -> Cause:
    """The cause for one that is not in sync; without the right to look for it, that is said."""
    try:
        case = investigate(cluster, namespace, sight)
    except KubernetesError as error:
        condition = sight.external_secret.ready if sight.external_secret else None
        return Cause(
            f"ExternalSecret {namespace}/{sight.wanted.name} is not in sync ({condition})",
            f"Its cause could not be looked up: {error}",
        )
    if look_in_aws and case.sight.external_secret and case.failed and case.at.provider:
        aws, unseen = look_in_aws(case)
        case = replace(case, aws=aws, unseen=[*case.unseen, *unseen])
    return replace(diagnose(case), seen=case.conditions)


def investigate(cluster: Reader, namespace: str, sight: Sight) -> Case:
    """Read what a diagnosis needs; what only helps may be missing. Raises KubernetesError."""
    seen = sight.external_secret
    if seen is None:
        return Case(namespace, sight)
    stores = [_store(cluster, namespace, reference) for reference in seen.stores]
    at = next((store for store in stores if not store.ready), stores[0] if stores else StoreSeen())
    optional = _Optional(cluster)
    failed = seen.ready is not None and not seen.ready.true
    labels = None
    if at.reference.clustered:
        found = optional.get(f"/api/v1/namespaces/{quote(namespace)}")
        labels = (found["metadata"].get("labels") or {}) if found else None
    return Case(
        namespace,
        sight,
        at=at,
        secret=_secret(cluster, seen) if failed else sight.secret,
        labels=labels,
        issuer=(optional.get("/.well-known/openid-configuration") or {}).get("issuer"),
        told=_told(optional, seen, at) if failed else (),
        unseen=optional.refusals,
    )


def _store(cluster: Reader, namespace: str, reference: StoreReference) -> StoreSeen:
    if not reference.name:
        return StoreSeen(reference)
    store = cluster.get(
        f"/apis/{GROUP}/v1/clustersecretstores/{quote(reference.name)}"
        if reference.clustered
        else _path(namespace, "secretstores", reference.name)
    )
    account = StoreSeen(reference, store).account_name(namespace)
    if account is None:
        return StoreSeen(reference, store)
    place, name = map(quote, account)
    return StoreSeen(reference, store, cluster.get(f"/api/v1/namespaces/{place}/serviceaccounts/{name}"))


class _Optional:
    """Reads what there may be no right to read, and keeps the refusals."""

    def __init__(self, cluster: Reader) -> None:
        self._cluster = cluster
        self.refusals: list[str] = []

    def get(self, path: str) -> Object | None:
        try:
            return self._cluster.get(path)
        except KubernetesError as error:
            self.refusals.append(str(error))
            return None


def _told(optional: _Optional, seen: ExternalSecret, at: StoreSeen) -> list[str]:
    """Warnings about the external secret and its store since it is not in sync, newest first."""
    external, store = ("ExternalSecret", seen.name), (at.reference.kind, at.reference.name)
    # A store that is ready now was not when it was warned of.
    about = {external} if at.ready else {external, store}
    # Events about objects of no namespace are in this one.
    places = [seen.namespace, *(["default"] if at.reference.clustered else [])]
    found = [
        event
        for place in dict.fromkeys(places)
        for event in (optional.get(f"/api/v1/namespaces/{quote(place)}/events") or {}).get("items", [])
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
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _path(namespace: str, plural: str, name: str) -> str:
    return f"/apis/{GROUP}/v1/namespaces/{quote(namespace)}/{plural}/{quote(name)}"
