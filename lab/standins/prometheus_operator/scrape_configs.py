"""Prometheus' configuration from monitors, as prometheus-operator 0.93 writes it."""

from __future__ import annotations

from collections.abc import Sequence

from lab.standins.api.label_selectors import as_text
from lab.standins.api.objects import Object
from lab.standins.prometheus_operator.relabelings import (
    BY_ROLE,
    given,
    pod_relabelings,
    service_relabelings,
)

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
_MONITOR_FIELDS = {
    "sampleLimit": "sample_limit",
    "targetLimit": "target_limit",
    "labelLimit": "label_limit",
    "labelNameLengthLimit": "label_name_length_limit",
    "labelValueLengthLimit": "label_value_length_limit",
    "keepDroppedTargets": "keep_dropped_targets",
    "bodySizeLimit": "body_size_limit",
    "scrapeProtocols": "scrape_protocols",
    "fallbackScrapeProtocol": "fallback_scrape_protocol",
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
    "attachMetadata",
    "endpoints",
    "podMetricsEndpoints",
    "selector",
    "selectorMechanism",
    "serviceDiscoveryRole",
    "namespaceSelector",
    "jobLabel",
    "targetLabels",
    "podTargetLabels",
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
    unknown = set(spec) - _OTHER_FIELDS - set(_MONITOR_FIELDS)
    for endpoint in endpoints_of(monitor):
        unknown |= set(endpoint) - _OTHER_ENDPOINT_FIELDS - set(_ENDPOINT_FIELDS)
    return sorted(unknown)


def endpoints_of(monitor: Object) -> Sequence[Object]:
    """The endpoints of a ServiceMonitor or PodMonitor."""
    spec = monitor["spec"]
    return [*(spec.get("endpoints") or []), *(spec.get("podMetricsEndpoints") or [])]


def service_monitor_configs(prometheus: Object, monitor: Object) -> list[Object]:
    """One scrape configuration for each endpoint of a ServiceMonitor."""
    wanted = monitor["spec"].get("serviceDiscoveryRole") or prometheus["spec"].get("serviceDiscoveryRole")
    role = "endpointslice" if wanted == "EndpointSlice" else "endpoints"
    return [
        {
            **_head("serviceMonitor", prometheus, monitor, endpoint, index, [role, "service"]),
            "relabel_configs": service_relabelings(prometheus, monitor, endpoint, role),
            **_tail(monitor["spec"], endpoint),
        }
        for index, endpoint in enumerate(endpoints_of(monitor))
    ]


def pod_monitor_configs(prometheus: Object, monitor: Object) -> list[Object]:
    """One scrape configuration for each endpoint of a PodMonitor."""
    return [
        {
            **_head("podMonitor", prometheus, monitor, endpoint, index, ["pod"]),
            "relabel_configs": pod_relabelings(prometheus, monitor, endpoint),
            **_tail(monitor["spec"], endpoint),
        }
        for index, endpoint in enumerate(endpoints_of(monitor))
    ]


def _head(
    kind: str, prometheus: Object, monitor: Object, endpoint: Object, index: int, roles: Sequence[str]
) -> Object:
    metadata = monitor["metadata"]
    head: Object = {
        "job_name": f"{kind}/{metadata['namespace']}/{metadata['name']}/{index}",
        "honor_labels": bool(endpoint.get("honorLabels")),
        "kubernetes_sd_configs": [_discovery(prometheus, monitor, roles)],
    }
    head.update({name: endpoint[field] for field, name in _ENDPOINT_FIELDS.items() if field in endpoint})
    if "scheme" in head:
        head["scheme"] = head["scheme"].lower()
    return head


def _tail(spec: Object, endpoint: Object) -> Object:
    tail: Object = {name: spec[field] for field, name in _MONITOR_FIELDS.items() if field in spec}
    if endpoint.get("metricRelabelings"):
        tail["metric_relabel_configs"] = given(endpoint["metricRelabelings"])
    return tail


def _discovery(prometheus: Object, monitor: Object, roles: Sequence[str]) -> Object:
    """Where targets are looked for; the first of `roles` finds them, the others tell more about them."""
    spec = monitor["spec"]
    discovery: Object = {"role": roles[0]}
    selector = spec.get("namespaceSelector") or {}
    if not selector.get("any"):
        discovery["namespaces"] = {"names": selector.get("matchNames") or [monitor["metadata"]["namespace"]]}
    discovery.update(_access(prometheus["spec"].get("apiserverConfig")))
    if "attachMetadata" in spec:
        discovery["attach_metadata"] = {"node": bool(spec["attachMetadata"].get("node"))}
    if spec.get("selectorMechanism") == BY_ROLE:
        label = as_text(spec["selector"])
        discovery["selectors"] = [{"role": role, "label": label} for role in roles]
    return discovery


def _access(server: Object | None) -> Object:
    access: Object = {}
    if server:
        access["api_server"] = server["host"]
        if "authorization" in server:
            wanted = server["authorization"]
            access["authorization"] = {
                "type": wanted.get("type") or "Bearer",
                "credentials_file": wanted["credentialsFile"],
            }
        if "tlsConfig" in server:
            access["tls_config"] = {"ca_file": server["tlsConfig"]["caFile"]}
    return access
