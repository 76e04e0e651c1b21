"""Relabelings of prometheus-operator 0.93: which targets a monitor keeps, and their labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lab.standins.api.objects import Object

_RELABEL_FIELDS = {
    "sourceLabels": "source_labels",
    "separator": "separator",
    "targetLabel": "target_label",
    "regex": "regex",
    "modulus": "modulus",
    "replacement": "replacement",
    "action": "action",
}
#: Value of `selectorMechanism` with which the API itself selects.
BY_ROLE = "RoleSelector"
#: A target belongs to one shard of several. Here there is one only, but the steps leave their traces.
_SHARDS = 1
_SHARDING: Sequence[Object] = (
    {"target_label": "__tmp_current_shard", "replacement": "$(SHARD)", "action": "replace"},
    {"source_labels": ["__tmp_current_shard"], "regex": "0", "action": "keep"},
    {
        "source_labels": ["__address__", "__tmp_hash"],
        "target_label": "__tmp_hash",
        "regex": "(.+);",
        "replacement": "$1",
        "action": "replace",
    },
    {"source_labels": ["__tmp_hash"], "target_label": "__tmp_hash", "modulus": _SHARDS, "action": "hashmod"},
    {
        "source_labels": ["__tmp_hash", "__tmp_disable_sharding"],
        "regex": "$(SHARD);|.+;.+",
        "action": "keep",
    },
)


def service_relabelings(prometheus: Object, monitor: Object, endpoint: Object, role: str) -> list[Object]:
    """Of an endpoint of a ServiceMonitor; `role` is how its targets are found."""
    spec = monitor["spec"]
    meta = "__meta_kubernetes_endpointslice" if role == "endpointslice" else "__meta_kubernetes_endpoint"
    target = [f"{meta}_address_target_kind", f"{meta}_address_target_name"]
    rules = [_copy(["job"], "__tmp_prometheus_job_name"), *_selection(spec, "service")]
    if endpoint.get("port"):
        rules.append(_keep([f"{meta}_port_name"], endpoint["port"]))
    else:
        rules += _target_port(endpoint)
    rules += [
        {**_copy(target, "node", "Node;(.*)"), "separator": ";"},
        {**_copy(target, "pod", "Pod;(.*)"), "separator": ";"},
        _copy(["__meta_kubernetes_namespace"], "namespace"),
        _copy(["__meta_kubernetes_service_name"], "service"),
        _copy(["__meta_kubernetes_pod_name"], "pod"),
        _copy(["__meta_kubernetes_pod_container_name"], "container"),
        *_running(endpoint),
        *(
            _copy([_label("service", name)], sanitized(name), "(.+)")
            for name in spec.get("targetLabels") or []
        ),
        *_pod_labels(prometheus, spec),
        {**_copy(["__meta_kubernetes_service_name"], "job"), "replacement": "${1}"},
        *_job_label(spec, "service"),
    ]
    port = endpoint.get("port") or endpoint.get("targetPort")
    if port:
        rules.append({"target_label": "endpoint", "replacement": str(port)})
    return [*rules, *given(endpoint.get("relabelings")), *_SHARDING]


def pod_relabelings(prometheus: Object, monitor: Object, endpoint: Object) -> list[Object]:
    """Of an endpoint of a PodMonitor."""
    spec, metadata = monitor["spec"], monitor["metadata"]
    rules = [
        _copy(["job"], "__tmp_prometheus_job_name"),
        *_running(endpoint),
        *_selection(spec, "pod"),
    ]
    if endpoint.get("port"):
        rules.append(_keep(["__meta_kubernetes_pod_container_port_name"], endpoint["port"]))
    elif endpoint.get("portNumber"):
        rules.append(_keep(["__meta_kubernetes_pod_container_port_number"], endpoint["portNumber"]))
    else:
        rules += _target_port(endpoint)
    rules += [
        _copy(["__meta_kubernetes_namespace"], "namespace"),
        _copy(["__meta_kubernetes_pod_container_name"], "container"),
        _copy(["__meta_kubernetes_pod_name"], "pod"),
        *_pod_labels(prometheus, spec),
        {"target_label": "job", "replacement": f"{metadata['namespace']}/{metadata['name']}"},
        *_job_label(spec, "pod"),
    ]
    port = endpoint.get("port") or endpoint.get("targetPort")
    if port:
        rules.append({"target_label": "endpoint", "replacement": str(port)})
    return [*rules, *given(endpoint.get("relabelings")), *_SHARDING]


def _selection(spec: Mapping[str, Any], of: str) -> Iterable[Object]:
    if spec.get("selectorMechanism") == BY_ROLE:
        return
    selector = spec["selector"]
    labels = selector.get("matchLabels") or {}
    for key in sorted(labels):
        yield _keep([_label(of, key), _label(of, key, "labelpresent")], f"({labels[key]});true")
    for expression in selector.get("matchExpressions") or []:
        key, operator = expression["key"], expression["operator"]
        action = "keep" if operator in {"In", "Exists"} else "drop"
        present = [_label(of, key, "labelpresent")]
        if operator in {"In", "NotIn"}:
            regex, sources = f"({'|'.join(expression['values'])});true", [_label(of, key), *present]
        else:
            regex, sources = "true", present
        yield {"action": action, "source_labels": sources, "regex": regex}


def _target_port(endpoint: Object) -> list[Object]:
    port = endpoint.get("targetPort")
    if not port:
        return []
    which = "number" if isinstance(port, int) else "name"
    return [_keep([f"__meta_kubernetes_pod_container_port_{which}"], port)]


def _running(endpoint: Object) -> list[Object]:
    if endpoint.get("filterRunning") is False:
        return []
    return [
        {"action": "drop", "source_labels": ["__meta_kubernetes_pod_phase"], "regex": "(Failed|Succeeded)"}
    ]


def _pod_labels(prometheus: Object, spec: Object) -> list[Object]:
    names = [*(spec.get("podTargetLabels") or []), *(prometheus["spec"].get("podTargetLabels") or [])]
    return [_copy([_label("pod", name)], sanitized(name), "(.+)") for name in names]


def _job_label(spec: Object, of: str) -> list[Object]:
    return [_copy([_label(of, spec["jobLabel"])], "job", "(.+)")] if spec.get("jobLabel") else []


def given(relabelings: Sequence[Object] | None) -> list[Object]:
    """Relabelings of the user's, as Prometheus spells them."""
    rules = [
        {
            name: rule[field]
            for field, name in _RELABEL_FIELDS.items()
            if field in rule and not _left_out(field, rule)
        }
        for rule in relabelings or []
    ]
    return [{**rule, "action": rule["action"].lower()} if "action" in rule else rule for rule in rules]


def _left_out(field: str, rule: Object) -> bool:
    # An empty separator or replacement means something; of the others, empty is as good as absent.
    return not rule[field] and field not in {"separator", "replacement"}


def _keep(sources: list[str], regex: object) -> Object:
    return {"action": "keep", "source_labels": sources, "regex": regex}


def _copy(sources: list[str], target: str, regex: str | None = None) -> Object:
    rule: Object = {"source_labels": sources, "target_label": target}
    return {**rule, "regex": regex, "replacement": "${1}"} if regex else rule


def _label(of: str, name: str, what: str = "label") -> str:
    return f"__meta_kubernetes_{of}_{what}_{sanitized(name)}"


def sanitized(name: str) -> str:
    """A label's name as Prometheus spells it."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)
