"""Stand-in for the Deployment controller: ReplicaSets by template, one replaced by the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from lab.standins.api.client import Api
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.events import Recorder
from lab.standins.api.kinds import DEPLOYMENT, REPLICA_SET
from lab.standins.api.objects import Key, Object, controller_of, is_of, reference_to
from lab.standins.api.times import timestamp
from lab.standins.workloads.rollouts import HASH_LABEL, Counts, same_template, scale, status, template_hash

USER = "system:serviceaccount:kube-system:deployment-controller"
REVISION = "deployment.kubernetes.io/revision"


def controllers(api: Api) -> list[Controller]:
    """The controller's loops."""
    deployments = _Deployments(api)
    watches = [Watch(DEPLOYMENT, relevant=_specified), Watch(REPLICA_SET, keys=_owners)]
    return [Controller("deployments", api, watches, deployments.reconcile, workers=2)]


class _Deployments:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._events = Recorder(api, "deployment-controller")

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        deployment = self._api.get(DEPLOYMENT, name, namespace)
        if deployment is None or deployment["metadata"].get("deletionTimestamp"):
            return None
        sets = [one for one in self._api.find(REPLICA_SET, namespace) if is_of(one, deployment)]
        template = deployment["spec"]["template"]
        new = next((one for one in sets if same_template(template, one)), None)
        old = [one for one in sets if one is not new]
        if not deployment["spec"].get("paused"):
            new = self._roll(deployment, new, old)
        remaining = self._report(deployment, new, old)
        self._clean_up(deployment, old)
        return remaining

    def _roll(self, deployment: Object, new: Object | None, old: Sequence[Object]) -> Object | None:
        ready = _sum([*old, *([new] if new else [])], "readyReplicas")
        new_wanted, old_wanted = scale(deployment, new, old, ready)
        excess = sum(int(one["spec"]["replicas"]) for one in old) - old_wanted
        for one in sorted(old, key=_revision):
            less = min(excess, int(one["spec"]["replicas"]))
            if less > 0:
                self._scale(deployment, one, int(one["spec"]["replicas"]) - less)
                excess -= less
        if new is None:
            return self._create(deployment, old, new_wanted) if new_wanted or not old else None
        if int(new["spec"]["replicas"]) != new_wanted:
            return self._scale(deployment, new, new_wanted)
        return self._current(deployment, new, old)

    def _create(self, deployment: Object, old: Sequence[Object], replicas: int) -> Object:
        metadata, template = deployment["metadata"], deployment["spec"]["template"]
        digest = template_hash(template)
        labels = {**(template["metadata"].get("labels") or {}), HASH_LABEL: digest}
        selector = deployment["spec"]["selector"]
        revision = str(max(map(_revision, old), default=0) + 1)
        created = self._api.ensure(
            REPLICA_SET,
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{metadata['name']}-{digest}",
                    "namespace": metadata["namespace"],
                    "labels": labels,
                    "annotations": {REVISION: revision},
                    "ownerReferences": [reference_to(deployment)],
                },
                "spec": {
                    "replicas": replicas,
                    "selector": {
                        **selector,
                        "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: digest},
                    },
                    "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
                },
            },
        )
        self._mark(deployment, revision)
        if replicas:
            self._tell(deployment, created, 0, replicas)
        return created

    def _current(self, deployment: Object, new: Object, old: Sequence[Object]) -> Object:
        """A ReplicaSet that is used again, after a rollback, becomes the newest revision."""
        newest = max(map(_revision, old), default=0)
        if _revision(new) > newest:
            return new
        metadata, revision = new["metadata"], str(newest + 1)
        self._mark(deployment, revision)
        patch = {"metadata": {"annotations": {REVISION: revision}}}
        return self._api.patch(REPLICA_SET, metadata["name"], metadata["namespace"], patch)

    def _mark(self, deployment: Object, revision: str) -> None:
        metadata = deployment["metadata"]
        patch = {"metadata": {"annotations": {REVISION: revision}}}
        # As part of the status: an annotation written the other way would make a new generation.
        self._api.patch(DEPLOYMENT, metadata["name"], metadata["namespace"], patch, "status")

    def _scale(self, deployment: Object, replicas: Object, wanted: int) -> Object:
        metadata, before = replicas["metadata"], int(replicas["spec"]["replicas"])
        patch = {"spec": {"replicas": wanted}}
        scaled = self._api.patch(REPLICA_SET, metadata["name"], metadata["namespace"], patch)
        self._tell(deployment, replicas, before, wanted)
        return scaled

    def _tell(self, deployment: Object, replicas: Object, before: int, after: int) -> None:
        direction = "up" if after > before else "down"
        text = f"Scaled {direction} replica set {replicas['metadata']['name']} from {before} to {after}"
        self._events.normal(deployment, "ScalingReplicaSet", text)

    def _report(self, deployment: Object, new: Object | None, old: Sequence[Object]) -> float | None:
        every = [*old, *([new] if new else [])]
        counts = Counts(
            desired=int(deployment["spec"]["replicas"]),
            total=_sum(every, "replicas"),
            updated=_sum([new] if new else [], "replicas"),
            ready=_sum(every, "readyReplicas"),
        )
        left = _until_deadline(deployment)
        self._api.set_status(
            DEPLOYMENT,
            deployment,
            status(deployment, new, counts, timestamp(), left is not None and left <= 0),
        )
        return None if counts.complete or left is None or left <= 0 else left

    def _clean_up(self, deployment: Object, old: Sequence[Object]) -> None:
        limit = deployment["spec"].get("revisionHistoryLimit", 10)
        unused = [one for one in old if not one["spec"]["replicas"] and not _sum([one], "replicas")]
        for one in sorted(unused, key=_revision)[: max(0, len(unused) - limit)]:
            self._api.delete(REPLICA_SET, one["metadata"]["name"], one["metadata"]["namespace"])


def _until_deadline(deployment: Object) -> float | None:
    """Seconds until the rollout, going by its last progress, is late; None when there was none yet."""
    seconds, current = deployment["spec"].get("progressDeadlineSeconds", 600), deployment.get("status") or {}
    if current.get("observedGeneration") != deployment["metadata"]["generation"]:
        return None
    for one in current.get("conditions") or []:
        if one["type"] == "Progressing" and one["reason"] != "NewReplicaSetAvailable":
            since = datetime.fromisoformat(one["lastUpdateTime"])
            return float(seconds - (datetime.now(UTC) - since).total_seconds())
    return None


def _sum(sets: Sequence[Object], field: str) -> int:
    return sum(int((one.get("status") or {}).get(field) or 0) for one in sets)


def _revision(replicas: Object) -> int:
    return int((replicas["metadata"].get("annotations") or {}).get(REVISION, 0))


def _owners(replicas: Object) -> Iterable[Key]:
    owner = controller_of(replicas, DEPLOYMENT.name)
    return [(replicas["metadata"]["namespace"], owner["name"])] if owner else []


def _specified(obj: Object) -> object:
    metadata = obj["metadata"]
    return [metadata["uid"], metadata["generation"], metadata.get("deletionTimestamp")]
