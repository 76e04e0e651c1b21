# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until external secrets are in sync. PRIVATE: it may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.diagnosis import (
    Case,
    Cause,
    diagnose,
    service_account_of,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    GROUP,
    ExternalSecret,
    Object,
    SecretSeen,
    Sight,
    Wanted,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    Reader,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut

Wait = Callable[[Callable[[], tuple[bool, list[Sight]]]], list[Sight]]


class ApiNotServedError(Exception):
    """The cluster does not know external-secrets.io/v1; waiting does not change that."""


def sync(
    cluster: Reader, namespace: str, wanted: Sequence[Wanted], wait: Wait
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
        return wait(probe), []
    except TimedOut:
        behind = [sight for sight in sights.values() if not sight.synced]
        return list(sights.values()), [explain(cluster, namespace, sight) for sight in behind]


def look(cluster: Reader, namespace: str, wanted: Wanted) -> Sight:
    """One look at an external secret, and at its Secret when the external secret says that it is ready."""
    found = cluster.get(_path(namespace, "externalsecrets", wanted.name))
    if found is None:
        return Sight(wanted, None, None)
    external_secret = ExternalSecret.from_object(found)
    secret = None
    if external_secret.ready is not None and external_secret.ready.true:
        secret = cluster.get(f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(external_secret.secret)}")
    return Sight(wanted, external_secret, SecretSeen.from_object(secret) if secret else None)


def require_api(cluster: Reader) -> None:
    """Raises ApiNotServedError unless external-secrets.io/v1 is served."""
    group = cluster.get(f"/apis/{GROUP}")
    versions = [version["version"] for version in (group or {}).get("versions", [])]
    if "v1" not in versions:
        raise ApiNotServedError(
            f"The cluster does not serve {GROUP}/v1 (it serves {', '.join(versions) or 'no version of it'}): "
            "install External Secrets 0.17 or newer"
        )


def explain(cluster: Reader, namespace: str, sight: Sight) -> Cause:
    """The cause for one that is not in sync; without the right to look for it, that is said."""
    try:
        return diagnose(investigate(cluster, namespace, sight))
    except KubernetesError as error:
        condition = sight.external_secret.ready if sight.external_secret else None
        return Cause(
            f"ExternalSecret {namespace}/{sight.wanted.name} is not in sync ({condition})",
            f"Its cause could not be looked up: {error}",
        )


def investigate(cluster: Reader, namespace: str, sight: Sight) -> Case:
    """Read what a diagnosis needs; events are a help that may be missing. Raises KubernetesError."""
    seen = sight.external_secret
    if seen is None:
        return Case(namespace, sight)
    clustered = seen.store_kind == "ClusterSecretStore"
    store = cluster.get(
        f"/apis/{GROUP}/v1/clustersecretstores/{quote(seen.store)}"
        if clustered
        else _path(namespace, "secretstores", seen.store)
    )
    reference = service_account_of(store, namespace) if store else None
    account = None
    if reference:
        place, name = map(quote, reference)
        account = cluster.get(f"/api/v1/namespaces/{place}/serviceaccounts/{name}")
    discovery = _optional(cluster, "/.well-known/openid-configuration")
    messages = _messages(cluster, namespace, {seen.name, seen.store})
    return Case(namespace, sight, store, account, (discovery or {}).get("issuer"), messages)


def _messages(cluster: Reader, namespace: str, names: set[str]) -> list[str]:
    """Texts of the events about these objects, newest first."""
    events = (_optional(cluster, f"/api/v1/namespaces/{quote(namespace)}/events") or {}).get("items", [])
    about = [event for event in events if (event.get("involvedObject") or {}).get("name") in names]
    about.sort(key=_time, reverse=True)
    return [event.get("message", "") for event in about if event.get("type") != "Normal"]


def _time(event: Object) -> str:
    """RFC 3339 in UTC, as the API server writes it, sorts as text."""
    created = event["metadata"].get("creationTimestamp")
    return str(event.get("lastTimestamp") or event.get("eventTime") or created or "")


def _optional(cluster: Reader, path: str) -> Object | None:
    try:
        return cluster.get(path)
    except KubernetesError:
        return None


def _path(namespace: str, plural: str, name: str) -> str:
    return f"/apis/{GROUP}/v1/namespaces/{quote(namespace)}/{plural}/{quote(name)}"
