"""What counts as proof, what is asked for it, and what is said when it does not come."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError, Response
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.api import (
    Answer,
    Prometheus,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.dashboards import Panel
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.evidence import (
    Evidence,
    Wish,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.proof import Report, prove
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.rules import WantedRules
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.series import WantedSeries
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.targets import WantedTarget
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

from tests.unit.plugins.module_utils._prometheus.fake_prometheus import Object, Server, loaded

RECORD = {"record": "aurora:used", "expr": "sum by (instance) (activity)"}
ALERT = {"alert": "Full", "expr": "aurora:used / max_connections > 0.8"}
RULES = WantedRules([{"name": "g", "rules": [RECORD, ALERT]}], "observability", "aurora-rules")
TARGET = WantedTarget("observability", "exporter")
PANEL = Panel("Overview", "Up", [("A", "up")])
UP = {
    "scrapePool": "serviceMonitor/observability/exporter/0",
    "health": "up",
    "lastError": "",
    "scrapeUrl": "u",
}


def healthy() -> Server:
    server = Server({"activity": ["3"], "max_connections": ["100"], "up": ["1"]})
    server.targets = [UP]
    server.groups = [
        loaded(
            "g",
            {"name": "aurora:used", "type": "recording", "query": RECORD["expr"]},
            {"name": "Full", "type": "alerting", "query": ALERT["expr"]},
        )
    ]
    return server


def proven(
    server: Server, *, cluster: t.Any = None, targets: tuple[WantedTarget, ...] = (TARGET,), **wish: t.Any
) -> Report:
    wanted = Wish(**{"targets": targets, "rules": [RULES], "panels": [PANEL], **wish})

    def once(probe: Callable[[], tuple[bool, str]]) -> str:
        return wait_until(probe, timeout=0)

    return prove(Evidence(Prometheus(server), wanted), lambda: cluster, once)


def test_proof() -> None:
    report = proven(healthy())
    assert report.problems == []
    assert report.result["targets"][0]["up"] == 1
    assert report.result["rules"] == {
        "expected": 2,
        "loaded": 2,
        "healthy": 2,
        "unhealthy": [],
        "without_input": [],
    }
    assert report.result["panels"] == {"total": 1, "with_data": 1, "may_be_empty": 0, "empty": []}


def test_each_question_is_asked_once() -> None:
    server = healthy()
    proven(server, panels=[PANEL, PANEL])
    assert server.asked == [
        ("targets", ""),
        ("query", "time()"),
        ("rules", ""),
        ("query", "count(activity)"),
        ("query", "count(max_connections)"),
        ("query", "up"),
    ]


def test_only_what_is_open_is_asked_again() -> None:
    server = healthy()
    del server.series["up"]
    evidence = Evidence(Prometheus(server), Wish([TARGET], [RULES], [PANEL]))
    assert not evidence.look()
    server.asked.clear()
    server.series["up"] = ["1"]
    assert evidence.look()
    assert server.asked == [("query", "up")]


def edit(**fields: t.Any) -> Callable[[Server], None]:
    def apply(server: Server) -> None:
        server.groups[0]["rules"][1].update(fields)

    return apply


def without(name: str) -> Callable[[Server], None]:
    def apply(server: Server) -> None:
        del server.series[name]

    return apply


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param(
            edit(health="err", lastError="many-to-many matching"),
            "The alert Full of group g is not healthy: err: many-to-many matching.",
            id="evaluation fails",
        ),
        pytest.param(edit(health="unknown"), "unknown: not evaluated yet", id="not evaluated yet"),
        pytest.param(
            edit(name="Other"), "The alert Full of group g is not healthy: not loaded.", id="not loaded"
        ),
        pytest.param(
            edit(query="aurora:used / max_connections > 0.9"),
            "loaded with another expression: aurora:used / max_connections > 0.9",
            id="an older version is loaded",
        ),
        pytest.param(
            without("max_connections"),
            "The alert Full of group g can never have a result: nothing matches max_connections.",
            id="an alert without input",
        ),
        pytest.param(
            without("activity"),
            "The recording rule aurora:used of group g can never have a result: nothing matches activity.",
            id="a recording rule without input",
        ),
        pytest.param(
            without("up"), "Panel Overview / Up (A): no data: nothing matches up.", id="an empty panel"
        ),
    ],
)
def test_a_gap_is_the_only_message(broken: Callable[[Server], None], said: str) -> None:
    server = healthy()
    broken(server)
    (problem,) = proven(server).problems
    assert said in problem


@pytest.mark.parametrize(
    ("file", "said"),
    [
        pytest.param("observability-aurora-rules-1a2b.yaml", "loaded with another expression", id="its own"),
        pytest.param("observability-orders-rules-3c4d.yaml", "not loaded (those of", id="another stack's"),
    ],
)
def test_rules_of_another_stack_are_not_these_changed(file: str, said: str) -> None:
    server = healthy()
    edit(query="aurora:used > 0.9")(server)
    server.groups[0]["file"] = f"/etc/prometheus/rules/prometheus-rulefiles-0/{file}"
    (problem,) = [one for one in proven(server).problems if "The alert Full" in one]
    assert said in problem


def test_the_spelling_of_prometheus_is_the_same_rule() -> None:
    server = healthy()
    server.groups[0]["rules"][0]["query"] = "sum by (instance) (activity{})"
    server.spelling[RECORD["expr"]] = "sum by (instance) (\n  activity{}\n)"
    assert proven(server).problems == []


def test_a_recorded_series_that_is_empty_is_no_gap() -> None:
    """`aurora:used` has no series here; its rule is healthy and has input."""
    assert "aurora:used" not in healthy().series
    assert proven(healthy()).problems == []


@pytest.mark.parametrize(
    ("server", "panel", "reason"),
    [
        pytest.param(
            Server({"x": ["NaN", "NaN"]}), Panel("D", "P", [("A", "x")]), "all 2 values are NaN", id="NaN"
        ),
        pytest.param(
            Server({"x": ["1"]}),
            Panel("D", "P", [("A", "x > 5")]),
            "no data, although each",
            id="a comparison",
        ),
        pytest.param(
            Server(), Panel("D", "P", [("A", "y or z")]), "nothing matches y, z", id="both sides of or"
        ),
    ],
)
def test_why_a_panel_is_empty(server: Server, panel: Panel, reason: str) -> None:
    report = proven(server, targets=(), rules=[], panels=[panel])
    assert reason in report.problems[0]
    assert report.result["panels"]["empty"][0]["panel"] == "P"


def test_an_error_of_a_panel_is_shown_even_where_it_may_be_empty() -> None:
    server = Server()
    server.errors["sum(x"] = "parse error: unclosed left parenthesis"
    report = proven(server, targets=(), rules=[], panels=[Panel("D", "P", [("A", "sum(x")], True)])
    assert "bad_data: parse error" in report.problems[0]


def test_panels_are_counted() -> None:
    panels = [PANEL, Panel("D", "deadlocks", [("A", "none")], may_be_empty=True)]
    report = proven(healthy(), panels=panels)
    assert report.problems == []
    assert report.result["panels"] == {"total": 2, "with_data": 1, "may_be_empty": 1, "empty": []}


def test_what_follows_from_a_missing_target_is_only_counted() -> None:
    report = proven(Server())
    assert len(report.problems) == 2
    assert "was never selected" in report.problems[0]
    assert report.problems[1] == "So 2 rules lack input and 1 expressions of panels lack data."


class Cluster:
    """Objects by the end of their path."""

    def __init__(self, **objects: Object) -> None:
        self.objects = objects

    def get(self, path: str, query: t.Any = ()) -> Object | None:
        return self.objects.get(path.rsplit("/", 1)[-1].replace("-", "_"))


PROMETHEUSES = {
    "items": [
        {
            "metadata": {"namespace": "monitoring", "name": "main"},
            "spec": {
                "ruleSelector": {"matchLabels": {"release": "x"}},
                "ruleNamespaceSelector": {},
                "serviceMonitorSelector": {"matchLabels": {"release": "x"}},
                "serviceMonitorNamespaceSelector": {},
            },
        }
    ]
}


def test_rules_that_are_not_selected_are_explained() -> None:
    server = healthy()
    server.groups = []
    found = {"metadata": {"namespace": "observability", "name": "aurora-rules", "labels": {"release": "y"}}}
    report = proven(server, cluster=Cluster(prometheuses=PROMETHEUSES, aurora_rules=found))
    assert (
        "PrometheusRule observability/aurora-rules is not selected: "
        "Prometheus monitoring/main wants label release=x (it has release=y)" in report.problems[0]
    )


def test_rules_that_do_not_exist_are_named() -> None:
    server = healthy()
    server.groups = []
    report = proven(server, cluster=Cluster(prometheuses=PROMETHEUSES))
    assert report.problems[0] == "PrometheusRule observability/aurora-rules does not exist. Apply it."


def test_a_target_that_is_not_selected_is_explained() -> None:
    server = healthy()
    server.targets = []
    found = {"metadata": {"namespace": "observability", "name": "exporter"}, "spec": {}}
    report = proven(server, cluster=Cluster(prometheuses=PROMETHEUSES, exporter=found))
    assert "wants label release=x (it has no label release)" in report.problems[0]


def test_without_the_right_to_read_the_explanation_is_less_exact() -> None:
    class Guarded(Cluster):
        def get(self, path: str, query: t.Any = ()) -> Object | None:
            raise KubernetesError("403")

    server = healthy()
    server.targets = []
    server.configuration = "job_name: serviceMonitor/observability/exporter/0"
    report = proven(server, cluster=Guarded())
    assert "is in the configuration, but nothing was discovered" in report.problems[0]


def test_a_prometheus_that_does_not_answer_is_the_only_message() -> None:
    server = healthy()
    server.broken = "Could not get an answer from http://prometheus.example: refused"
    assert proven(server).problems == [server.broken]


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"expr": "up"}, id="no name"),
        pytest.param({"alert": "A"}, id="no expression"),
        pytest.param({"alert": "A", "expr": "sum(up"}, id="no PromQL"),
    ],
)
def test_a_malformed_rule_is_refused(rule: Object) -> None:
    with pytest.raises(ValueError, match=r"group g|missing"):
        Evidence(Prometheus(Server()), Wish(rules=[WantedRules([{"name": "g", "rules": [rule]}])]))


class Fixed:
    """A source with one answer."""

    name = "http://other.example"

    def __init__(self, response: Response) -> None:
        self.response = response

    def fetch(self, path: str, query: t.Any = (), *, accept: str = "") -> Response:
        return self.response


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(Response(200, "text/html", b"<html>Grafana"), id="a web page"),
        pytest.param(Response(404, "text/plain", b"404 page not found"), id="a wrong prefix"),
        pytest.param(Response(200, "application/json", b"[]"), id="other JSON"),
        pytest.param(Response(200, "application/json", b"[" * 200_000), id="JSON that nests without end"),
    ],
)
def test_what_is_no_prometheus_is_named(response: Response) -> None:
    with pytest.raises(FetchError, match="this is no Prometheus"):
        Prometheus(Fixed(response)).rule_groups()


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        pytest.param(b'{"resultType":"scalar","result":[0,"5"]}', Answer(1, 1, (5.0,)), id="scalar"),
        pytest.param(b'{"resultType":"vector","result":[]}', Answer(0, 0), id="empty"),
        pytest.param(
            b'{"resultType":"vector","result":[{"histogram":[0,{}]},{"value":[0,"2"]}]}',
            Answer(2, 2, (2.0,)),
            id="histogram",
        ),
        pytest.param(b'{"resultType":"string","result":[0,"x"]}', Answer(1, 0), id="string"),
    ],
)
def test_results_of_queries(data: bytes, answer: Answer) -> None:
    body = b'{"status":"success","data":' + data + b"}"
    assert Prometheus(Fixed(Response(200, "application/json", body))).query("x") == answer


def test_nan_is_a_value_but_no_number() -> None:
    body = b'{"status":"success","data":{"resultType":"vector","result":[{"value":[0,"NaN"]}]}}'
    answer = Prometheus(Fixed(Response(200, "application/json", body))).query("x")
    assert (answer.series, answer.numbers, len(answer.values)) == (1, 0, 1)


AGE = "max(time() - timestamp(up))"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param(WantedSeries("up"), None, id="there"),
        pytest.param(WantedSeries("up", value={"op": ">=", "number": 1}), None, id="value as wanted"),
        pytest.param(WantedSeries("up", max_age=60), None, id="young enough"),
        pytest.param(WantedSeries("up", 2), "Series up: 1 of 2 series.", id="too few"),
        pytest.param(
            WantedSeries("down", hint="Look up."),
            "Series down: 0 of 1 series (no data: nothing matches down). Look up.",
            id="none, with a hint",
        ),
        pytest.param(
            WantedSeries("up", value={"op": "==", "number": 0}),
            "Series up: 1 of 1 values are not == 0: 1.",
            id="another value",
        ),
        pytest.param(
            WantedSeries("nan", value={"op": ">", "number": 0}),
            "Series nan: 1 of 1 values are not > 0: nan.",
            id="NaN is like no number",
        ),
        pytest.param(
            WantedSeries("up", max_age=10), "Series up: a sample is 30 s old, more than 10 s.", id="too old"
        ),
        pytest.param(WantedSeries("up("), "Series up(: bad_data: ( is not closed.", id="no PromQL"),
    ],
)
def test_series(wanted: WantedSeries, said: str | None) -> None:
    server = healthy()
    server.series |= {"nan": ["NaN"], AGE: ["30"]}
    server.errors["up("] = "( is not closed"
    report = proven(server, series=[wanted])
    assert report.problems == ([said] if said else [])
    assert report.result["series"][0]["proven"] is (said is None)


POD = {
    "metadata": {"namespace": "observability", "name": "exporter-0", "labels": {"app": "exporter"}},
    "spec": {"containers": [{}]},
}
DOWN = {
    **UP,
    "health": "down",
    "lastError": "context deadline exceeded",
    "scrapeUrl": "http://10.0.3.7:9187/metrics",
    "discoveredLabels": {
        "__meta_kubernetes_namespace": "observability",
        "__meta_kubernetes_pod_name": "exporter-0",
    },
}
SHUT = {"items": [{"metadata": {"namespace": "observability", "name": "shut"}, "spec": {"podSelector": {}}}]}


@pytest.mark.parametrize(
    ("error", "policies", "said"),
    [
        pytest.param("context deadline exceeded", SHUT, True, id="a timeout and a policy"),
        pytest.param("context deadline exceeded", {"items": []}, False, id="a timeout without a policy"),
        pytest.param("server returned HTTP status 500", SHUT, False, id="a policy, but an answer"),
    ],
)
def test_a_policy_before_a_target(error: str, policies: Object, said: bool) -> None:
    server = healthy()
    server.targets = [{**DOWN, "lastError": error}]
    cluster = Cluster(prometheuses=PROMETHEUSES, exporter_0=POD, networkpolicies=policies)
    problem = proven(server, cluster=cluster).problems[0]
    assert error in problem
    policy = "NetworkPolicy observability/shut selects pod observability/exporter-0 and keeps Prometheus"
    assert (policy in problem) is said


def test_services_in_other_namespaces_are_looked_for_where_there_is_none() -> None:
    class Elsewhere(Cluster):
        def get(self, path: str, query: t.Any = ()) -> Object | None:
            return {"items": []} if path.endswith("/observability/services") else super().get(path, query)

    server = healthy()
    server.targets = []
    server.configuration = "job_name: serviceMonitor/observability/exporter/0"
    labels = {"labels": {"release": "x"}}
    monitor = {"metadata": {"namespace": "observability", "name": "exporter", **labels}, "spec": {}}
    service = {"metadata": {"namespace": "shop", "name": "exporter"}, "spec": {}}
    cluster = Elsewhere(prometheuses=PROMETHEUSES, exporter=monitor, services={"items": [service]})
    problem = proven(server, cluster=cluster).problems[0]
    assert "looks for Services in observability only, what it selects is shop/exporter" in problem
