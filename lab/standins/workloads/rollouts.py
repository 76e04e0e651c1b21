"""What a Deployment's rollout does next, and what its status says. Nothing here talks to the API."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from lab.standins.api.objects import Object

HASH_LABEL = "pod-template-hash"
# Letters and digits that make no words, as in the names of real ReplicaSets.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Counts:
    """Pods of a Deployment."""

    desired: int
    total: int
    updated: int
    ready: int

    @property
    def complete(self) -> bool:
        """Whether the rollout is over."""
        return self.updated == self.total == self.ready == self.desired


def template_hash(template: Object) -> str:
    """A short name for a pod template."""
    number = int.from_bytes(hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()[:8])
    letters = []
    for _index in range(10):
        number, position = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[position])
    return "".join(letters)


def same_template(template: Object, replicas: Object) -> bool:
    """Whether a ReplicaSet was made for a pod template."""
    other = replicas["spec"]["template"]
    labels = dict(other["metadata"].get("labels") or {})
    labels.pop(HASH_LABEL, None)
    return bool({**other, "metadata": {**other["metadata"], "labels": labels}} == template)


def scale(deployment: Object, new: Object | None, old: Sequence[Object], ready: int) -> tuple[int, int]:
    """How many Pods the new ReplicaSet, and the old ones together, should have now.

    `ready` of all Pods are ready.
    """
    spec = deployment["spec"]
    desired, strategy = int(spec["replicas"]), spec.get("strategy") or {}
    new_now = int(new["spec"]["replicas"]) if new else 0
    old_now = sum(int(one["spec"]["replicas"]) for one in old)
    if strategy.get("type") == "Recreate":
        remaining = sum(int((one.get("status") or {}).get("replicas") or 0) for one in old)
        return (new_now if old_now or remaining else desired), 0
    limits = strategy.get("rollingUpdate") or {}
    surge = _share(limits.get("maxSurge", "25%"), desired, up=True)
    unavailable = _share(limits.get("maxUnavailable", "25%"), desired, up=False)
    if not surge and not unavailable:
        unavailable = 1
    new_next = min(desired, max(new_now, desired + surge - old_now)) if new_now < desired else desired
    # The API counts Pods that are to go as ready until they have gone.
    spare = ready - (desired - unavailable)
    unready_old = max(0, old_now - _ready(old))
    return new_next, max(0, old_now - max(spare, unready_old, 0))


def _ready(sets: Sequence[Object]) -> int:
    return sum(int((one.get("status") or {}).get("readyReplicas") or 0) for one in sets)


def _share(value: int | str, of: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    part = int(value.rstrip("%")) * of / 100
    return math.ceil(part) if up else math.floor(part)


def status(deployment: Object, new: Object | None, counts: Counts, now: str, expired: bool) -> Object:
    """The Deployment's status; `expired` when its progress deadline is over."""
    spec, old = deployment["spec"], deployment.get("status") or {}
    limits = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    unavailable = 0
    if (spec.get("strategy") or {}).get("type") != "Recreate":
        unavailable = _share(limits.get("maxUnavailable", "25%"), counts.desired, up=False)
    available = counts.ready >= counts.desired - unavailable
    conditions = [_available(available), _progressing(deployment, new, counts, expired)]
    failure = _replica_failure(new)
    if failure:
        conditions.append(failure)
    result = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": counts.total or None,
        "updatedReplicas": counts.updated or None,
        "readyReplicas": counts.ready or None,
        "availableReplicas": counts.ready or None,
        "unavailableReplicas": max(0, counts.total - counts.ready, counts.desired - counts.ready) or None,
    }
    progressed = any(result[key] != old.get(key) for key in result)
    before = {one["type"]: one for one in old.get("conditions") or []}
    stamped = [_stamped(one, before.get(one["type"]), now, progressed) for one in conditions]
    return {**result, "conditions": stamped}


def _stamped(condition: Object, before: Object | None, now: str, progressed: bool) -> Object:
    same = before is not None and all(before.get(key) == condition[key] for key in condition)
    if before and same and not (progressed and condition["type"] == "Progressing"):
        return before
    since = before["lastTransitionTime"] if before and before["status"] == condition["status"] else now
    return {**condition, "lastUpdateTime": now, "lastTransitionTime": since}


def _available(available: bool) -> Object:
    if available:
        return _condition(
            "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
        )
    text = "Deployment does not have minimum availability."
    return _condition("Available", "False", "MinimumReplicasUnavailable", text)


def _progressing(deployment: Object, new: Object | None, counts: Counts, expired: bool) -> Object:
    name = (
        f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    )
    if new and counts.complete:
        text = f"{name} has successfully progressed."
        return _condition("Progressing", "True", "NewReplicaSetAvailable", text)
    if expired:
        return _condition(
            "Progressing", "False", "ProgressDeadlineExceeded", f"{name} has timed out progressing."
        )
    return _condition("Progressing", "True", "ReplicaSetUpdated", f"{name} is progressing.")


def _replica_failure(new: Object | None) -> Object | None:
    for one in ((new or {}).get("status") or {}).get("conditions") or []:
        if one["type"] == "ReplicaFailure" and one["status"] == "True":
            return _condition("ReplicaFailure", "True", one["reason"], one["message"])
    return None


def _condition(kind: str, value: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": value, "reason": reason, "message": message}
