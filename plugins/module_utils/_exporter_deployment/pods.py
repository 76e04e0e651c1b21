# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the pods of a Deployment are the wanted ones and run. PRIVATE: it may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment.model import (
    Finding,
    Object,
    called,
)

# While a kubelet works on these, nothing is wrong yet.
_UNDERWAY = ("ContainerCreating", "PodInitializing")
_REMEDIES = {
    "ErrImagePull": "Correct the image or let the nodes reach its registry",
    "ImagePullBackOff": "Correct the image or let the nodes reach its registry",
    "InvalidImageName": "Correct the image",
    "CreateContainerConfigError": "Have the Secret or ConfigMap with this key there first",
    "CrashLoopBackOff": "Read the log of the container",
}


def over(pod: Object) -> bool:
    """Whether it is being deleted or runs no more; such a pod is kept for its events and its log only."""
    ended = (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded")
    return ended or bool(pod["metadata"].get("deletionTimestamp"))


def rollout(deployment: Object, pods: Sequence[Object]) -> Iterator[Finding]:
    """What keeps the newest pods from running; `pods` are those that the Deployment selects."""
    name, status, spec = called("Deployment", deployment), deployment.get("status") or {}, deployment["spec"]
    wanted = spec.get("replicas", 1)
    if wanted == 0:
        yield Finding(f"{name} is scaled to 0", "Scale it to 1")
        return
    waiting = [finding for pod in pods for finding in _waiting(pod)]
    yield from waiting
    yield from _refused(name, status)
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        yield Finding(f"{name} has changed and is not rolled out yet", "Wait for the rollout", passing=True)
    elif min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0)) < wanted and not waiting:
        yield Finding(
            f"{name} has {status.get('updatedReplicas', 0)} new and {status.get('availableReplicas', 0)} "
            f"available of {wanted} pods",
            "Look at the events of its pods",
            passing=True,
        )


def _refused(name: str, status: Object) -> Iterator[Finding]:
    """The conditions by which a Deployment says that it does not get its pods."""
    for condition in status.get("conditions") or []:
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            yield Finding(
                f"{name} gets no pod: {condition.get('message', '')}", "Correct what the API server refuses"
            )


def _waiting(pod: Object) -> Iterator[Finding]:
    for container in (pod.get("status") or {}).get("containerStatuses") or []:
        state = (container.get("state") or {}).get("waiting") or {}
        reason = state.get("reason", "")
        if not reason or reason in _UNDERWAY:
            continue
        ended = (container.get("lastState") or {}).get("terminated")
        said = _ending(ended) if ended else state.get("message") or ""
        what = f"{called('Pod', pod)} waits: {reason}" + (f" ({said})" if said else "")
        yield Finding(what, _REMEDIES.get(reason, "Look at the events of the pod"), passing=True)


def _ending(ended: Object) -> str:
    message = (ended.get("message") or "").strip()
    return f"it ended with {ended['exitCode']}" + (f": {message}" if message else "")


def credentials(pods: Sequence[Object], annotation: str, secrets: Mapping[str, str]) -> Iterator[Finding]:
    """Pods that were started with other credentials than there are now.

    `annotation` is where a pod bears the hash of its credentials; `secrets` are the Secrets that it may be
    of, with the hashes of today. An exporter reads its credentials only when it starts.
    """
    for pod in pods:
        started = (pod["metadata"].get("annotations") or {}).get(annotation)
        if started and secrets and started not in secrets.values():
            yield Finding(
                f"{called('Pod', pod)} is stuck on an old connection: {annotation} says that it was started "
                f"with credentials which {', '.join(secrets)} no longer has. What it still shows, such as "
                "pg_up 1, comes over a connection that it cannot open again",
                "Run playbooks/postgres_exporter.yml, which starts a new pod",
            )
