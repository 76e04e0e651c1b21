"""Prometheus' configuration from monitors, with the relabelings of prometheus-operator 0.85."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lab.standins.api.objects import Object

RULES_DIRECTORY = "/etc/prometheus/rules"

_ENDPOINT_FIELDS = {
    "interval": "scrape_interval",
    "scrapeTimeout": "scrape_timeout",
    "path": "metrics_path",
    "params": "params",
    "scheme": "scheme",
    "followRedirects": "follow_redirects",
    "enableHttp2": "enable_http2",
    "honorTimestamps": "honor_timestamps",
    "trackTimestampsStaleness": "track_timestamps_staleness",
}
_LIMITS = {
    "sampleLimit": "sample_limit",
    "targetLimit": "target_limit",
    "labelLimit": "label_limit",
    "labelNameLengthLimit": "label_name_length_limit",
    "labelValueLengthLimit": "label_value_length_limit",
    "keepDroppedTargets": "keep_dropped_targets",
}
_OTHER_ENDPOINT_FIELDS = {
    "port",
    "targetPort",
    "portNumber",
    "honorLabels",
    "filterRunning",
    "relabelings",
    "metricRelabelings",
}
_OTHER_FIELDS = {
    "endpoints",
    "podMetricsEndpoints",
    "selector",
    "namespaceSelector",
    "jobLabel",
    "targetLabels",
    "podTargetLabels",
}
_RELABEL_FIELDS = {
    "sourceLabels": "source_labels",
    "separator": "separator",
    "targetLabel": "target_label",
    "regex": "regex",
    "modulus": "modulus",
    "replacement": "replacement",
    "action": "action",
}


def configuration(prometheus: Object, scrape_configs: Sequence[Object], rule_maps: Sequence[str]) -> Object:
    """The whole configuration of a Prometheus object; `rule_maps` are the ConfigMaps of its rules."""
    spec, metadata = prometheus["spec"], prometheus["metadata"]
    config: Object = {
        "global": {
            "scrape_interval": spec.get("scrapeInterval") or "30s",
            **({"scrape_timeout": spec["scrapeTimeout"]} if spec.get("scrapeTimeout") else {}),
            "external_labels": {
                "prometheus": f"{metadata['namespace']}/{metadata['name']}",
                "prometheus_replica": "$(POD_NAME)",
                **(spec.get("externalLabels") or {}),
            },
            "evaluation_interval": spec.get("evaluationInterval") or "30s",
        },
        "scrape_configs": list(scrape_configs),
    }
    if spec.get("ruleSelector") is not None:
        config["rule_files"] = [f"{RULES_DIRECTORY}/{name}/*.yaml" for name in rule_maps]
    return config


def unknown_fields(monitor: Object) -> list[str]:
    """What a monitor asks for and would not get here, credentials and TLS above all."""
    spec = monitor["spec"]
    endpoints = [*(spec.get("endpoints") or []), *(spec.get("podMetricsEndpoints") or [])]
    unknown = set(spec) - _OTHER_FIELDS - set(_LIMITS)
    for endpoint in endpoints:
        unknown |= set(endpoint) - _OTHER_ENDPOINT_FIELDS - set(_ENDPOINT_FIELDS)
    return sorted(unknown)


def service_monitor_configs(prometheus: Object, monitor: Object) -> list[Object]:
    """One scrape configuration for each endpoint of a ServiceMonitor."""
    spec = monitor["spec"]
    slices = prometheus["spec"].get("serviceDiscoveryRole") == "EndpointSlice"
    role = "endpointslice" if slices else "endpoints"
    return [
        {
            **_head("serviceMonitor", prometheus, monitor, endpoint, index, role),
            "relabel_configs": _service_relabelings(prometheus, monitor, endpoint, slices),
            **_tail(spec, endpoint),
        }
        for index, endpoint in enumerate(spec.get("endpoints") or [])
    ]


def pod_monitor_configs(prometheus: Object, monitor: Object) -> list[Object]:
    """One scrape configuration for each endpoint of a PodMonitor."""
    spec = monitor["spec"]
    return [
        {
            **_head("podMonitor", prometheus, monitor, endpoint, index, "pod"),
            "relabel_configs": _pod_relabelings(prometheus, monitor, endpoint),
            **_tail(spec, endpoint),
        }
        for index, endpoint in enumerate(spec.get("podMetricsEndpoints") or [])
    ]


def _head(kind: str, prometheus: Object, monitor: Object, endpoint: Object, index: int, role: str) -> Object:
    metadata, spec = monitor["metadata"], monitor["spec"]
    head: Object = {
        "job_name": f"{kind}/{metadata['namespace']}/{metadata['name']}/{index}",
        "honor_labels": bool(endpoint.get("honorLabels")),
        "kubernetes_sd_configs": [_discovery(prometheus, spec, metadata["namespace"], role)],
    }
    head.update({name: endpoint[field] for field, name in _ENDPOINT_FIELDS.items() if field in endpoint})
    return head


def _tail(spec: Object, endpoint: Object) -> Object:
    tail: Object = {name: spec[field] for field, name in _LIMITS.items() if field in spec}
    if endpoint.get("metricRelabelings"):
        tail["metric_relabel_configs"] = _given(endpoint["metricRelabelings"])
    return tail


def _discovery(prometheus: Object, spec: Object, namespace: str, role: str) -> Object:
    discovery: Object = {"role": role}
    selector = spec.get("namespaceSelector") or {}
    if not selector.get("any"):
        discovery["namespaces"] = {"names": selector.get("matchNames") or [namespace]}
    server = prometheus["spec"].get("apiserverConfig")
    if server:
        discovery["api_server"] = server["host"]
        if "authorization" in server:
            given = server["authorization"]
            credentials = {
                "type": given.get("type") or "Bearer",
                "credentials_file": given["credentialsFile"],
            }
            discovery["authorization"] = credentials
        if "tlsConfig" in server:
            discovery["tls_config"] = {"ca_file": server["tlsConfig"]["caFile"]}
    return discovery


def _service_relabelings(prometheus: Object, monitor: Object, endpoint: Object, slices: bool) -> list[Object]:
    spec = monitor["spec"]
    meta = "__meta_kubernetes_endpointslice" if slices else "__meta_kubernetes_endpoint"
    target = [f"{meta}_address_target_kind", f"{meta}_address_target_name"]
    rules = [_copy(["job"], "__tmp_prometheus_job_name"), *_selection(spec["selector"], "service")]
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
    return [*rules, *_given(endpoint.get("relabelings"))]


def _pod_relabelings(prometheus: Object, monitor: Object, endpoint: Object) -> list[Object]:
    spec, metadata = monitor["spec"], monitor["metadata"]
    rules = [
        _copy(["job"], "__tmp_prometheus_job_name"),
        *_running(endpoint),
        *_selection(spec["selector"], "pod"),
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
    return [*rules, *_given(endpoint.get("relabelings"))]


def _selection(selector: Mapping[str, Any], of: str) -> Iterable[Object]:
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


def _given(relabelings: Sequence[Object] | None) -> list[Object]:
    rules = [
        {name: rule[field] for field, name in _RELABEL_FIELDS.items() if field in rule}
        for rule in relabelings or []
    ]
    return [{**rule, "action": rule["action"].lower()} if "action" in rule else rule for rule in rules]


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
