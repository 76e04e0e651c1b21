"""The status of a Prometheus object, from its pod."""

from __future__ import annotations

from lab.standins.api.label_selectors import as_text
from lab.standins.api.objects import Object, is_ready
from lab.standins.api.times import timestamp
from lab.standins.prometheus_operator.prometheus_pod import selecting_labels

_NOTHING = "No ServiceMonitor, PodMonitor, Probe, ScrapeConfig, and PrometheusRule have been selected."
#: Conditions of a pod, in the order in which they come true.
_STEPS = ("PodScheduled", "Initialized", "ContainersReady", "Ready")


def prometheus_status(prometheus: Object, pod: Object | None, selected: int) -> Object:
    """What the operator writes; `selected` is how many monitors and rules the selectors pick."""
    name, pods = prometheus["metadata"]["name"], 1 if pod else 0
    ready = 1 if pod and is_ready(pod) else 0
    counts = {
        "replicas": pods,
        "updatedReplicas": pods,
        "availableReplicas": ready,
        "unavailableReplicas": pods - ready,
    }
    available = ("", _waiting_for(pod)) if ready else ("NoPodReady", _waiting_for(pod))
    reconciled = ("", "") if selected else ("NoSelectedResources", _NOTHING)
    return {
        **counts,
        "paused": False,
        "selector": as_text({"matchLabels": selecting_labels(name)}),
        "shards": 1,
        "shardStatuses": [{"shardID": "0", **counts}],
        "conditions": [
            _condition(prometheus, "Available", bool(ready), *available),
            _condition(prometheus, "Reconciled", True, *reconciled),
        ],
    }


def _waiting_for(pod: Object | None) -> str:
    """What keeps a pod from being ready."""
    conditions = ((pod or {}).get("status") or {}).get("conditions") or []
    found = {one["type"]: one.get("message") or "" for one in conditions if one["status"] == "False"}
    first = next((found[step] for step in _STEPS if step in found), "")
    return f"pod {pod['metadata']['name']}: {first}" if pod and first else ""


def _condition(prometheus: Object, kind: str, true: bool, reason: str, message: str) -> Object:
    status = "True" if true else "False"
    old = (prometheus.get("status") or {}).get("conditions") or []
    before: Object = next((one for one in old if one["type"] == kind), {})
    since = before["lastTransitionTime"] if before.get("status") == status else timestamp()
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since,
        "observedGeneration": prometheus["metadata"]["generation"],
    }
