# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until external secrets are in sync. PRIVATE: it may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    AwsSeen,
    Case,
    Cause,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.diagnosis import (
    diagnose,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.investigation import (
    investigate,
    path_of,
    path_of_secret,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    GROUP,
    ExternalSecret,
    SecretSeen,
    Sight,
    Wanted,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import Reader
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
    synced: dict[Wanted, Sight] = {}

    def probe() -> tuple[bool, list[Sight]]:
        sights = [synced.get(one) or look(cluster, namespace, one) for one in wanted]
        synced.update({sight.wanted: sight for sight in sights if sight.synced})
        if all(sight.external_secret is None for sight in sights):
            require_api(cluster)
        return all(sight.synced for sight in sights), sights

    try:
        return outlast(wait, probe), []
    except TimedOut as over:
        behind = [sight for sight in over.last if not sight.synced]
        return over.last, [explain(cluster, namespace, sight, look_in_aws) for sight in behind]


def look(cluster: Reader, namespace: str, wanted: Wanted) -> Sight:
    """One look at an external secret, and at its Secret when the external secret says that it is ready."""
    found = cluster.get(path_of(namespace, "externalsecrets", wanted.name))
    if found is None:
        return Sight(wanted, None, None)
    external_secret = ExternalSecret.from_object(found)
    secret = None
    if external_secret.ready is not None and external_secret.ready.true:
        secret = cluster.get(path_of_secret(external_secret))
    return Sight(wanted, external_secret, SecretSeen.from_object(secret) if secret else None)


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
    """The cause for one that is not in sync."""
    case = investigate(cluster, namespace, sight)
    if look_in_aws and case.sight.external_secret and case.failed and case.at.provider:
        aws, unseen = look_in_aws(case)
        case = replace(case, aws=aws, unseen=[*case.unseen, *unseen])
    return replace(diagnose(case), seen=case.conditions)
