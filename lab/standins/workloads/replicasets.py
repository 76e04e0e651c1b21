"""Stand-in for the ReplicaSet controller: as many Pods as were asked for."""

from __future__ import annotations

from collections.abc import Iterable

from lab.standins.api.client import Api, ApiError
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.events import Recorder
from lab.standins.api.kinds import POD, REPLICA_SET
from lab.standins.api.objects import Key, Object, controller_of, is_of, is_ready, key_of, reference_to
from lab.standins.api.times import timestamp


def controllers(api: Api) -> list[Controller]:
    """The controller's loops."""
    sets = _ReplicaSets(api)
    watches = [Watch(REPLICA_SET, relevant=_specified), Watch(POD, keys=_owners)]
    return [Controller("replicasets", api, watches, sets.reconcile, workers=2)]


def owned(api: Api, owner: Object) -> list[Object]:
    """The Pods of a ReplicaSet that are there to stay."""
    return [
        pod for pod in api.find(POD, owner["metadata"]["namespace"]) if is_of(pod, owner) and _is_active(pod)
    ]


def pod_of(owner: Object) -> Object:
    """A new Pod by the template of its controller."""
    metadata, template = owner["metadata"], owner["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **{key: value for key, value in template["metadata"].items() if key in {"labels", "annotations"}},
            "generateName": f"{metadata['name']}-",
            "namespace": metadata["namespace"],
            "ownerReferences": [reference_to(owner)],
        },
        "spec": template["spec"],
    }


class _ReplicaSets:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._events = Recorder(api, "replicaset-controller")

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        replicas = self._api.get(REPLICA_SET, name, namespace)
        if replicas is None or replicas["metadata"].get("deletionTimestamp"):
            return None
        pods = owned(self._api, replicas)
        wanted = int(replicas["spec"].get("replicas") or 0)
        try:
            for _index in range(wanted - len(pods)):
                pods.append(self._create(replicas))
        except ApiError as error:
            self._failed(replicas, pods, error)
            raise
        # Those that serve nobody go first.
        pods.sort(key=is_ready)
        for _index in range(len(pods) - wanted):
            self._delete(replicas, pods.pop(0))
        self._api.set_status(REPLICA_SET, replicas, _status(replicas, pods, []))
        return None

    def _create(self, replicas: Object) -> Object:
        created = self._api.create(POD, pod_of(replicas))
        self._events.normal(replicas, "SuccessfulCreate", f"Created pod: {created['metadata']['name']}")
        return created

    def _delete(self, replicas: Object, pod: Object) -> None:
        namespace, name = key_of(pod)
        self._api.delete(POD, name, namespace)
        self._events.normal(replicas, "SuccessfulDelete", f"Deleted pod: {name}")

    def _failed(self, replicas: Object, pods: list[Object], error: ApiError) -> None:
        self._events.warn(replicas, "FailedCreate", f"Error creating: {error.message}")
        condition = {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": error.message,
            "lastTransitionTime": timestamp(),
        }
        self._api.set_status(REPLICA_SET, replicas, _status(replicas, pods, [condition]))


def _status(replicas: Object, pods: list[Object], conditions: list[Object]) -> Object:
    ready = sum(map(is_ready, pods))
    return {
        "replicas": len(pods),
        "fullyLabeledReplicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "observedGeneration": replicas["metadata"]["generation"],
        "conditions": conditions,
    }


def _is_active(pod: Object) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return not pod["metadata"].get("deletionTimestamp") and phase not in {"Succeeded", "Failed"}


def _owners(pod: Object) -> Iterable[Key]:
    owner = controller_of(pod, REPLICA_SET.name)
    return [(pod["metadata"]["namespace"], owner["name"])] if owner else []


def _specified(obj: Object) -> object:
    metadata = obj["metadata"]
    return [metadata["uid"], metadata["generation"], metadata.get("deletionTimestamp")]
