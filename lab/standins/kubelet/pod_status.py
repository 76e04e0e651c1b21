"""The status of a pod, from its containers."""

from __future__ import annotations

from collections.abc import Sequence

from lab.standins.api.objects import Object
from lab.standins.api.times import timestamp
from lab.standins.kubelet.containers import Container


def pod_status(
    pod: Object,
    addresses: tuple[str, str | None],
    inits: Sequence[Container],
    containers: Sequence[Container],
) -> Object:
    """What the kubelet writes into the pod's status; `addresses` are the node's and, if any, the pod's."""
    node, address = addresses
    old = pod.get("status") or {}
    status: Object = {
        "phase": _phase(pod["spec"].get("restartPolicy") or "Always", inits, containers),
        "conditions": _conditions(old.get("conditions") or [], bool(address), inits, containers),
        "hostIP": node,
        "hostIPs": [{"ip": node}],
        "startTime": old.get("startTime") or timestamp(),
        "containerStatuses": [container.status() for container in containers],
    }
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    if inits:
        status["initContainerStatuses"] = [container.status() for container in inits]
    return status


def _phase(policy: str, inits: Sequence[Container], containers: Sequence[Container]) -> str:
    if any("terminated" in one.state and not one.succeeded and policy == "Never" for one in inits):
        return "Failed"
    if policy != "Always" and containers and all("terminated" in one.state for one in containers):
        done = all(one.succeeded for one in containers)
        if done or policy == "Never":
            return "Succeeded" if done else "Failed"
    begun = all(one.running or one.last or "terminated" in one.state for one in containers)
    return "Running" if begun else "Pending"


def _conditions(
    old: Sequence[Object], networked: bool, inits: Sequence[Container], containers: Sequence[Container]
) -> list[Object]:
    waiting = [one.name for one in inits if not one.ready]
    unready = [one.name for one in containers if not one.ready]
    initialized = f"containers with incomplete status: [{' '.join(waiting)}]" if waiting else ""
    ready = f"containers with unready status: [{' '.join(unready)}]" if unready else ""
    wanted = [
        ("PodReadyToStartContainers", networked, "", ""),
        ("Initialized", not initialized, "ContainersNotInitialized", initialized),
        ("Ready", not ready, "ContainersNotReady", ready),
        ("ContainersReady", not ready, "ContainersNotReady", ready),
        ("PodScheduled", True, "", ""),
    ]
    return [_condition(old, *one) for one in wanted]


def _condition(old: Sequence[Object], name: str, true: bool, reason: str, problem: str) -> Object:
    status = "True" if true else "False"
    before = next((one for one in old if one["type"] == name), {})
    since = before["lastTransitionTime"] if before.get("status") == status else timestamp()
    condition: Object = {"type": name, "status": status, "lastProbeTime": None, "lastTransitionTime": since}
    return {**condition, "reason": reason, "message": problem} if problem else condition
