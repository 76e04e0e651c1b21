"""Monitors become what prometheus-operator makes of them, and Prometheus takes it."""

from __future__ import annotations

from typing import Any

import pytest

from lab.standins.prometheus_operator.scrape_configs import (
    configuration,
    pod_monitor_configs,
    service_monitor_configs,
    unknown_fields,
)

Object = dict[str, Any]
PROMETHEUS: Object = {
    "metadata": {"name": "stack", "namespace": "monitoring"},
    "spec": {"ruleSelector": {}, "evaluationInterval": "5s"},
}


#: One shard keeps all; a reader of the configuration meets it all the same.
SHARDING = [
    {"target_label": "__tmp_current_shard", "replacement": "$(SHARD)", "action": "replace"},
    {"source_labels": ["__tmp_current_shard"], "regex": "0", "action": "keep"},
    {
        "source_labels": ["__address__", "__tmp_hash"],
        "target_label": "__tmp_hash",
        "regex": "(.+);",
        "replacement": "$1",
        "action": "replace",
    },
    {"source_labels": ["__tmp_hash"], "target_label": "__tmp_hash", "modulus": 1, "action": "hashmod"},
    {"source_labels": ["__tmp_hash", "__tmp_disable_sharding"], "regex": "$(SHARD);|.+;.+", "action": "keep"},
]


def monitor(endpoint: Object | None = None, **spec: Any) -> Object:
    spec = {"selector": {"matchLabels": {"app.kubernetes.io/name": "exporter"}}, **spec}
    if "podMetricsEndpoints" not in spec:
        spec.setdefault("endpoints", [{"port": "metrics", **(endpoint or {})}])
    return {"metadata": {"name": "exporter", "namespace": "demo"}, "spec": spec}


def only(endpoint: Object | None = None, **spec: Any) -> Object:
    (config,) = service_monitor_configs(PROMETHEUS, monitor(endpoint, **spec))
    return config


def last(config: Object) -> Object:
    """The last relabeling before those of the shards."""
    *_others, found = config["relabel_configs"][: -len(SHARDING)]
    return dict(found)


def test_a_service_monitor() -> None:
    label = "app_kubernetes_io_name"
    assert only() == {
        "job_name": "serviceMonitor/demo/exporter/0",
        "honor_labels": False,
        "kubernetes_sd_configs": [{"role": "endpoints", "namespaces": {"names": ["demo"]}}],
        "relabel_configs": [
            {"source_labels": ["job"], "target_label": "__tmp_prometheus_job_name"},
            {
                "action": "keep",
                "source_labels": [
                    f"__meta_kubernetes_service_label_{label}",
                    f"__meta_kubernetes_service_labelpresent_{label}",
                ],
                "regex": "(exporter);true",
            },
            {
                "action": "keep",
                "source_labels": ["__meta_kubernetes_endpoint_port_name"],
                "regex": "metrics",
            },
            *[
                {
                    "source_labels": [
                        "__meta_kubernetes_endpoint_address_target_kind",
                        "__meta_kubernetes_endpoint_address_target_name",
                    ],
                    "target_label": target,
                    "regex": f"{kind};(.*)",
                    "replacement": "${1}",
                    "separator": ";",
                }
                for kind, target in (("Node", "node"), ("Pod", "pod"))
            ],
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": ["__meta_kubernetes_service_name"], "target_label": "service"},
            {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
            {"source_labels": ["__meta_kubernetes_pod_container_name"], "target_label": "container"},
            {
                "action": "drop",
                "source_labels": ["__meta_kubernetes_pod_phase"],
                "regex": "(Failed|Succeeded)",
            },
            {
                "source_labels": ["__meta_kubernetes_service_name"],
                "target_label": "job",
                "replacement": "${1}",
            },
            {"target_label": "endpoint", "replacement": "metrics"},
            *SHARDING,
        ],
    }


@pytest.mark.parametrize(
    ("endpoint", "field", "value"),
    [
        pytest.param({"interval": "30s"}, "scrape_interval", "30s", id="interval"),
        pytest.param({"scrapeTimeout": "10s"}, "scrape_timeout", "10s", id="timeout"),
        pytest.param({"path": "/probe"}, "metrics_path", "/probe", id="path"),
        pytest.param({"scheme": "HTTPS"}, "scheme", "https", id="scheme"),
        pytest.param({"honorLabels": True}, "honor_labels", True, id="honorLabels"),
        pytest.param({"params": {"target": ["a"]}}, "params", {"target": ["a"]}, id="params"),
        pytest.param(
            {"metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "go_.*", "action": "Drop"}]},
            "metric_relabel_configs",
            [{"source_labels": ["__name__"], "regex": "go_.*", "action": "drop"}],
            id="metricRelabelings",
        ),
    ],
)
def test_fields_of_an_endpoint(endpoint: Object, field: str, value: object) -> None:
    assert only(endpoint)[field] == value


@pytest.mark.parametrize(
    ("selector", "discovery"),
    [
        pytest.param({"matchNames": ["a", "b"]}, {"names": ["a", "b"]}, id="named namespaces"),
        pytest.param({"any": True}, None, id="any namespace"),
        pytest.param({}, {"names": ["demo"]}, id="its own namespace"),
    ],
)
def test_namespace_selector(selector: Object, discovery: Object | None) -> None:
    assert only(namespaceSelector=selector)["kubernetes_sd_configs"][0].get("namespaces") == discovery


@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        pytest.param(
            {"operator": "In", "values": ["a", "b"]}, ("keep", "(a|b);true", 2), id="In keeps the values"
        ),
        pytest.param(
            {"operator": "NotIn", "values": ["a"]}, ("drop", "(a);true", 2), id="NotIn drops the values"
        ),
        pytest.param({"operator": "Exists"}, ("keep", "true", 1), id="Exists"),
        pytest.param({"operator": "DoesNotExist"}, ("drop", "true", 1), id="DoesNotExist"),
    ],
)
def test_expressions(expression: Object, rule: tuple[str, str, int]) -> None:
    found = only(selector={"matchExpressions": [{"key": "x/y", **expression}]})["relabel_configs"][1]
    assert (found["action"], found["regex"], len(found["source_labels"])) == rule
    assert found["source_labels"][-1] == "__meta_kubernetes_service_labelpresent_x_y"


def test_own_relabelings_come_last_and_limits_apply() -> None:
    config = only(
        {"relabelings": [{"targetLabel": "instance", "replacement": "aurora-1"}]},
        jobLabel="app",
        targetLabels=["team"],
        podTargetLabels=["zone"],
        sampleLimit=10000,
    )
    assert last(config) == {"target_label": "instance", "replacement": "aurora-1"}
    copied = {
        rule["target_label"]: rule["source_labels"]
        for rule in config["relabel_configs"]
        if "regex" in rule and rule["regex"] == "(.+)"
    }
    assert copied == {
        "team": ["__meta_kubernetes_service_label_team"],
        "zone": ["__meta_kubernetes_pod_label_zone"],
        "job": ["__meta_kubernetes_service_label_app"],
    }
    assert config["sample_limit"] == 10000


@pytest.mark.parametrize(
    ("port", "source"),
    [
        pytest.param("web", "__meta_kubernetes_pod_container_port_name", id="by name"),
        pytest.param(9187, "__meta_kubernetes_pod_container_port_number", id="by number"),
    ],
)
def test_target_port(port: int | str, source: str) -> None:
    config = only(endpoints=[{"targetPort": port}])
    assert {"action": "keep", "source_labels": [source], "regex": port} in config["relabel_configs"]
    assert last(config) == {"target_label": "endpoint", "replacement": str(port)}


@pytest.mark.parametrize(
    ("prometheus", "own", "role"),
    [
        pytest.param(None, None, "endpoints", id="endpoints unless asked"),
        pytest.param("EndpointSlice", None, "endpointslice", id="as Prometheus has it"),
        pytest.param("EndpointSlice", "Endpoints", "endpoints", id="as the monitor has it"),
    ],
)
def test_discovery(prometheus: str | None, own: str | None, role: str) -> None:
    wish = {"serviceDiscoveryRole": own} if own else {}
    spec = {"serviceDiscoveryRole": prometheus} if prometheus else {}
    (config,) = service_monitor_configs({**PROMETHEUS, "spec": spec}, monitor(**wish))
    assert config["kubernetes_sd_configs"][0]["role"] == role
    meta = "__meta_kubernetes_endpointslice" if role == "endpointslice" else "__meta_kubernetes_endpoint"
    assert f"'{meta}_port_name'" in str(config["relabel_configs"])


def test_the_api_may_select_instead_of_relabelings() -> None:
    selector = {
        "matchLabels": {"b": "1"},
        "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["y", "x"]},
            {"key": "a", "operator": "DoesNotExist"},
        ],
    }
    config = only(selector=selector, selectorMechanism="RoleSelector")
    label = "!a,b=1,c in (x,y)"
    wanted = [{"role": "endpoints", "label": label}, {"role": "service", "label": label}]
    assert config["kubernetes_sd_configs"][0]["selectors"] == wanted
    assert "labelpresent" not in str(config["relabel_configs"])


@pytest.mark.parametrize("node", [True, False])
def test_metadata_of_the_node(node: bool) -> None:
    config = only(attachMetadata={"node": node})
    assert config["kubernetes_sd_configs"][0]["attach_metadata"] == {"node": node}


def test_empty_texts_of_a_relabeling() -> None:
    rule = {
        "sourceLabels": [],
        "regex": "",
        "separator": "",
        "targetLabel": "x",
        "replacement": "",
        "modulus": 0,
    }
    assert last(only({"relabelings": [rule]})) == {"target_label": "x", "separator": "", "replacement": ""}


def test_a_pod_monitor() -> None:
    (config,) = pod_monitor_configs(PROMETHEUS, monitor(podMetricsEndpoints=[{"port": "metrics"}]))
    assert config["job_name"] == "podMonitor/demo/exporter/0"
    assert config["kubernetes_sd_configs"][0]["role"] == "pod"
    assert {"target_label": "job", "replacement": "demo/exporter"} in config["relabel_configs"]


def test_access_to_the_api() -> None:
    access = {
        "host": "https://127.0.0.1:1",
        "authorization": {"credentialsFile": "/sa/token"},
        "tlsConfig": {"caFile": "/sa/ca.crt"},
    }
    prometheus = {**PROMETHEUS, "spec": {"apiserverConfig": access}}
    (config,) = service_monitor_configs(prometheus, monitor())
    assert config["kubernetes_sd_configs"][0] == {
        "role": "endpoints",
        "namespaces": {"names": ["demo"]},
        "api_server": "https://127.0.0.1:1",
        "authorization": {"type": "Bearer", "credentials_file": "/sa/token"},
        "tls_config": {"ca_file": "/sa/ca.crt"},
    }


def test_the_whole_configuration() -> None:
    config = configuration(PROMETHEUS, [], ["prometheus-stack-rulefiles-0"])
    assert config == {
        "global": {
            "scrape_interval": "30s",
            "external_labels": {"prometheus": "monitoring/stack", "prometheus_replica": "$(POD_NAME)"},
            "evaluation_interval": "5s",
        },
        "scrape_configs": [],
        "rule_files": ["/etc/prometheus/rules/prometheus-stack-rulefiles-0/*.yaml"],
    }


def test_what_the_laboratory_would_leave_out_is_named() -> None:
    assert unknown_fields(monitor({"basicAuth": {}, "interval": "5s"}, scrapeClass="x", sampleLimit=1)) == [
        "basicAuth",
        "scrapeClass",
    ]
    assert unknown_fields(monitor()) == []
