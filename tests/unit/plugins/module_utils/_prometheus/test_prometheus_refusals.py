# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus, or something before it, does not tell."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError, Response
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.api import Prometheus
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.evidence import (
    Evidence,
    Wish,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.proof import prove
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.rules import WantedRules
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.targets import WantedTarget
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

from tests.unit.plugins.module_utils._prometheus.fake_prometheus import Object, Server, loaded, refusal

TARGET = WantedTarget("shop", "exporter")
POOL = "serviceMonitor/shop/exporter"
TIMEOUT = refusal(503, "timeout", "query timed out")
FORBIDDEN = Response(403, "text/plain", b"forbidden")
METADATA = {"namespace": "shop", "name": "exporter", "labels": {"app": "exporter"}}
MONITOR = {
    "metadata": METADATA,
    "spec": {
        "selector": {"matchLabels": {"app": "exporter"}},
        "endpoints": [
            {"port": "http", "relabelings": [{"action": "drop", "sourceLabels": ["pod"], "regex": "x.*"}]}
        ],
    },
}
SERVICE = {"metadata": METADATA, "spec": {"ports": [{"name": "http"}]}}
DROPPED = {
    "job": f"{POOL}/0",
    "__meta_kubernetes_namespace": "shop",
    "__meta_kubernetes_service_name": "exporter",
    "__meta_kubernetes_endpoint_port_name": "http",
    "__meta_kubernetes_pod_name": "x-1",
}


class Cluster:
    """A Prometheus that selects the ServiceMonitor of a Service."""

    def __init__(self, selector: Object | None = None) -> None:
        spec = {"serviceMonitorSelector": selector or {}, "serviceMonitorNamespaceSelector": {}}
        self.objects = {
            "prometheuses": {
                "items": [{"metadata": {"namespace": "monitoring", "name": "main"}, "spec": spec}]
            },
            "exporter": MONITOR,
            "services": {"items": [SERVICE]},
        }

    def get(self, path: str, query: t.Any = (), accept: str = "") -> Object | None:
        return self.objects.get(path.rsplit("/", 1)[-1])


def problem(server: Server, cluster: Cluster | None) -> str:
    report = prove(
        Evidence(Prometheus(server), Wish([TARGET])),
        lambda: cluster,
        lambda look: wait_until(look, timeout=0),
    )
    return report.problems[0]


@pytest.mark.parametrize(
    ("what", "wish"),
    [
        pytest.param("query", Wish([TARGET]), id="the time"),
        pytest.param("targets", Wish([TARGET]), id="targets"),
        pytest.param(
            "rules",
            Wish(rules=[WantedRules([{"name": "g", "rules": [{"alert": "A", "expr": "up"}]}])]),
            id="rules",
        ),
    ],
)
def test_a_refusal_is_waited_for_and_then_told(what: str, wish: Wish) -> None:
    server = Server({"up": ["1"]})
    server.targets = [{"scrapePool": f"{POOL}/0", "health": "up", "lastError": "", "scrapeUrl": "u"}]
    server.groups = [loaded("g", {"name": "A", "type": "alerting", "query": "up"})]
    server.refused = {what: TIMEOUT}
    evidence = Evidence(Prometheus(server), wish)
    report = prove(evidence, lambda: None, lambda look: wait_until(look, timeout=0))
    assert report.problems == [f"http://prometheus.example refused /api/v1/{what}: timeout: query timed out"]

    def recover(_pause: float) -> None:
        server.refused = {}

    assert not prove(evidence, lambda: None, lambda look: wait_until(look, timeout=9, sleep=recover)).problems


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(FORBIDDEN, id="a proxy forbids it"),
        pytest.param(Response(404, "text/plain", b"404 page not found"), id="Mimir and Thanos have none"),
        pytest.param(refusal(422, "execution", "unavailable"), id="it is refused"),
    ],
)
@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        pytest.param(
            Cluster({"matchLabels": {"release": "x"}}),
            "ServiceMonitor shop/exporter is not selected: Prometheus monitoring/main wants label release=x",
            id="and the label lacks",
        ),
        pytest.param(Cluster(), "by the relabeling drop x.* on pod", id="and it is dropped"),
        pytest.param(
            None,
            "all that was discovered is dropped",
            id="and no cluster can be asked, but it is dropped",
        ),
    ],
)
def test_without_the_configuration_the_rest_is_looked_at(
    answer: Response, cluster: Cluster | None, said: str
) -> None:
    server = Server()
    server.refused, server.dropped = {"status/config": answer}, [DROPPED]
    assert said in problem(server, cluster)


def test_nothing_is_claimed_of_a_configuration_that_cannot_be_read() -> None:
    server = Server()
    server.refused = {"status/config": FORBIDDEN}
    said = problem(server, None)
    assert said.startswith("ServiceMonitor shop/exporter has no target")
    assert "the configuration of Prometheus cannot be read" in said


def test_without_the_dropped_targets_the_rest_is_looked_at() -> None:
    class TooMany(Server):
        def fetch(self, path: str, query: t.Any = (), *, accept: str = "") -> Response:
            if dict(query).get("state") == "dropped":
                raise FetchError("sent more than 33554432 bytes")
            return super().fetch(path, query, accept=accept)

    server = TooMany()
    server.configuration = f"- job_name: {POOL}/0"
    assert "has no target behind Service shop/exporter" in problem(server, Cluster())
    assert "What was dropped is not known" in problem(server, Cluster())
    assert "nothing was discovered, or all of it was dropped" in problem(server, None)
    assert "wants label release=x" in problem(server, Cluster({"matchLabels": {"release": "x"}}))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(FORBIDDEN, id="a proxy forbids it"),
        pytest.param(Response(404, "text/plain", b"404 page not found"), id="it is too old"),
        pytest.param(refusal(422, "execution", "unavailable"), id="it is refused"),
    ],
)
def test_what_formats_no_expressions_still_tells_of_rules(answer: Response) -> None:
    server = Server({"up": ["1"], "down": ["1"]})
    server.groups = [loaded("g", {"name": "A", "type": "alerting", "query": "down"})]
    server.refused = {"format_query": answer}
    wish = Wish(rules=[WantedRules([{"name": "g", "rules": [{"alert": "A", "expr": "up"}]}])])
    report = prove(Evidence(Prometheus(server), wish), lambda: None, lambda look: wait_until(look, timeout=0))
    assert report.problems == ["The alert A of group g is not healthy: loaded with another expression: down."]


def test_only_the_pools_of_the_monitor_are_asked_for() -> None:
    server = Server()
    server.configuration = f"- job_name: {POOL}/0\n- job_name: {POOL}/1\n- job_name: {POOL}-2/0\n"
    server.dropped = [{**DROPPED, "job": f"{POOL}/1"}]
    assert "by the relabeling drop x.* on pod" in problem(server, Cluster())
    assert server.asked[3:] == [("targets", f"{POOL}/0"), ("targets", f"{POOL}/1")]
