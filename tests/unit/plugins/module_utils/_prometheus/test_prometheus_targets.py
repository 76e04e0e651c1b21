"""Why a ServiceMonitor has no target that is up."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.selectors import mismatch
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.targets import (
    Discovery,
    Surroundings,
    WantedTarget,
    explain_absence,
    explain_health,
    searched_namespaces,
    selected_services,
    state,
)

Object = dict[str, t.Any]
WANTED = WantedTarget("observability", "postgres-exporter")
POOL = "serviceMonitor/observability/postgres-exporter/0"


def target(health: str = "up", error: str = "", pool: str = POOL) -> Object:
    return {
        "scrapePool": pool,
        "health": health,
        "lastError": error,
        "scrapeUrl": "http://10.0.3.7:9187/metrics",
    }


def monitor(labels: dict[str, str] | None = None, port: str = "metrics") -> Object:
    return {
        "metadata": {
            "namespace": "observability",
            "name": "postgres-exporter",
            "labels": {"release": "kube-prometheus-stack"} if labels is None else labels,
        },
        "spec": {"selector": {"matchLabels": {"app": "exporter"}}, "endpoints": [{"port": port}]},
    }


def prometheus(**spec: t.Any) -> Object:
    selector = {"matchLabels": {"release": "kube-prometheus-stack"}}
    return {
        "metadata": {"namespace": "monitoring", "name": "main"},
        "spec": {"serviceMonitorSelector": selector, "serviceMonitorNamespaceSelector": {}, **spec},
    }


SERVICE = {
    "metadata": {"namespace": "observability", "name": "postgres-exporter", "labels": {"app": "exporter"}},
    "spec": {"ports": [{"name": "metrics"}]},
}


@pytest.mark.parametrize(
    ("targets", "proven"),
    [
        pytest.param([target()], True, id="up"),
        pytest.param([target("down")], False, id="down"),
        pytest.param([target("unknown")], False, id="not scraped yet"),
        pytest.param([], False, id="none"),
        pytest.param(
            [target(pool="serviceMonitor/observability/postgres-exporter-2/0")], False, id="a namesake"
        ),
    ],
)
def test_state(targets: list[Object], proven: bool) -> None:
    assert state(WANTED, targets).proven is proven


def test_as_many_as_wanted() -> None:
    two = WantedTarget("observability", "postgres-exporter", 2)
    assert not state(two, [target()]).proven
    assert state(two, [target(), target()]).proven
    assert "has 1 of 2 targets up" in explain_health(state(two, [target()]), None)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(
            target("down", "connection refused"), "9187/metrics is down: connection refused", id="down"
        ),
        pytest.param(target("unknown"), "is unknown (not scraped yet)", id="not scraped yet"),
    ],
)
def test_what_prometheus_says_of_a_target(found: Object, said: str) -> None:
    assert said in explain_health(state(WANTED, [found]), None)


NOW = 1_764_000_000.0


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({}, "", id="just scraped"),
        pytest.param(
            {"lastScrape": "2025-11-24T15:57:59.123456789Z"},
            "was scraped 121 s ago last, although its interval is 1m",
            id="older than two intervals",
        ),
        pytest.param(
            {"lastScrapeDuration": 10.5},
            "took 10.5 s to scrape, its timeout is 10s",
            id="longer than the timeout",
        ),
    ],
)
def test_up_is_a_proof_only_when_it_is_of_now(changes: Object, fault: str) -> None:
    fresh = {
        "lastScrape": "2025-11-24T15:59:30.5Z",
        "scrapeInterval": "1m",
        "scrapeTimeout": "10s",
        "lastScrapeDuration": 0.1,
    }
    seen = state(WANTED, [{**target(), **fresh, **changes}], NOW)
    assert seen.proven is (not fault)
    assert fault in explain_health(seen, None)


def discovered(service: str = "postgres-exporter", port: str = "metrics", **labels: str) -> dict[str, str]:
    return {
        "job": POOL,
        "__meta_kubernetes_namespace": "observability",
        "__meta_kubernetes_service_name": service,
        "__meta_kubernetes_endpointslice_port_name": port,
        **labels,
    }


def test_what_was_dropped_is_listed_where_no_cluster_can_be_asked() -> None:
    old = {"__meta_kubernetes_service_name": "old", "__meta_kubernetes_endpoint_port_name": "http"}
    discovery = Discovery(True, [discovered(), discovered(), old])
    said = explain_absence(WANTED, discovery, None)
    assert (
        "fit none of Service observability/postgres-exporter (port metrics), Service /old (port http)."
        in said
    )


@pytest.mark.parametrize(
    ("relabeling", "said"),
    [
        pytest.param(
            {"action": "drop", "sourceLabels": ["namespace", "service"], "regex": "obs.*;.*"},
            'drop obs.*;.* on namespace, service (here "observability;postgres-exporter")',
            id="drop that fits",
        ),
        pytest.param(
            {"action": "Keep", "sourceLabels": ["__meta_kubernetes_pod_label_tier"], "regex": "db"},
            'keep db on __meta_kubernetes_pod_label_tier (here "")',
            id="keep that does not fit",
        ),
        pytest.param(
            {"action": "keep", "sourceLabels": ["service"], "regex": "postgres-.*"},
            "dropped by its relabelings",
            id="keep that fits is not to blame",
        ),
        pytest.param(
            {"action": "drop", "sourceLabels": ["service"], "regex": "\\pL+"},
            "dropped by its relabelings",
            id="an expression that only Prometheus understands",
        ),
        pytest.param({"targetLabel": "job"}, "dropped by its relabelings", id="replace drops nothing"),
    ],
)
def test_the_relabeling_that_drops_a_target(relabeling: Object, said: str) -> None:
    found = monitor()
    found["spec"]["endpoints"][0]["relabelings"] = [relabeling]
    assert said in explain_absence(WANTED, Discovery(True, [discovered()]), around(found))


def test_what_is_dropped_of_other_services_says_nothing() -> None:
    discovery = Discovery(True, [discovered("web"), discovered(port="http")])
    assert "has no target behind Service" in explain_absence(WANTED, discovery, around(monitor()))


def around(
    found: Object | None,
    prometheuses: list[Object] | None = None,
    services: list[Object] | None = None,
    elsewhere: list[Object] | None = None,
    **labels: str,
) -> Surroundings:
    return Surroundings(
        found,
        [prometheus()] if prometheuses is None else prometheuses,
        labels,
        [SERVICE] if services is None else services,
        elsewhere or [],
    )


@pytest.mark.parametrize(
    ("cluster", "configured", "said"),
    [
        pytest.param(around(None), False, "does not exist", id="no ServiceMonitor"),
        pytest.param(
            around(monitor({})),
            False,
            "Prometheus monitoring/main wants label release=kube-prometheus-stack (it has no label release)",
            id="label missing",
        ),
        pytest.param(
            around(monitor({"release": "other"})),
            False,
            "(it has release=other)",
            id="label of another release",
        ),
        pytest.param(
            around(monitor(), [prometheus(serviceMonitorNamespaceSelector=None)]),
            False,
            "looks into its own namespace monitoring only",
            id="own namespace only",
        ),
        pytest.param(
            around(
                monitor(), [prometheus(serviceMonitorNamespaceSelector={"matchLabels": {"watch": "yes"}})]
            ),
            False,
            "wants the namespace observability to have label watch=yes",
            id="namespace without label",
        ),
        pytest.param(
            around(monitor(), [prometheus(serviceMonitorSelector=None)]),
            False,
            "selects none at all",
            id="no selector",
        ),
        pytest.param(around(monitor(), []), False, "no Prometheus object", id="no Prometheus"),
        pytest.param(around(monitor()), False, "not in the configuration", id="the operator is behind"),
        pytest.param(around(monitor(), services=[]), True, "selects no Service", id="no Service fits"),
        pytest.param(
            around(monitor(port="http")),
            True,
            "asks for port http, Service observability/postgres-exporter has metrics",
            id="port name wrong",
        ),
        pytest.param(around(monitor()), True, "has no target behind Service", id="no pod ready"),
        pytest.param(
            around(monitor({}), [prometheus(), prometheus(serviceMonitorSelector={})]),
            True,
            "has no target behind",
            id="one Prometheus that selects it is enough",
        ),
        pytest.param(None, False, "was never selected", id="no cluster to ask, not configured"),
        pytest.param(None, True, "nothing was discovered", id="no cluster to ask, configured"),
        pytest.param(
            around(monitor(), services=[], elsewhere=[SERVICE]),
            True,
            "looks for Services in observability only, what it selects is observability/postgres-exporter",
            id="namespaceSelector misses the Service's namespace",
        ),
    ],
)
def test_why_there_is_no_target(cluster: Surroundings | None, configured: bool, said: str) -> None:
    assert said in explain_absence(WANTED, Discovery(configured), cluster)


@pytest.mark.parametrize(
    ("selector", "lack"),
    [
        pytest.param({}, None, id="an empty selector fits"),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, None, id="In"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]},
            "label a NotIn 1 (it has a=1)",
            id="NotIn",
        ),
        pytest.param(
            {"matchExpressions": [{"key": "b", "operator": "Exists"}]},
            "label b Exists (it has no label b)",
            id="Exists",
        ),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]},
            "label a DoesNotExist (it has a=1)",
            id="DoesNotExist",
        ),
    ],
)
def test_label_selectors(selector: Object, lack: str | None) -> None:
    assert mismatch(selector, {"a": "1"}) == lack


@pytest.mark.parametrize(
    ("selector", "namespaces"),
    [
        pytest.param(None, ["observability"], id="own"),
        pytest.param({"matchNames": ["a", "b"]}, ["a", "b"], id="named"),
        pytest.param({"any": True}, None, id="all"),
    ],
)
def test_namespaces_that_a_monitor_searches(selector: Object | None, namespaces: list[str] | None) -> None:
    found = monitor()
    found["spec"]["namespaceSelector"] = selector
    assert searched_namespaces(found) == namespaces


def test_services_that_a_monitor_selects() -> None:
    other = {"metadata": {"namespace": "observability", "name": "other"}, "spec": {}}
    assert selected_services(monitor(), [other, SERVICE]) == [SERVICE]
