"""Which NetworkPolicy keeps Prometheus from a target."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.network import (
    Client,
    looks_like_network,
    shut_out,
)

Object = dict[str, t.Any]
POD: Object = {
    "metadata": {"namespace": "observability", "name": "exporter-0", "labels": {"app": "exporter"}},
    "spec": {"containers": [{"ports": [{"name": "metrics", "containerPort": 9187}]}]},
}
PROMETHEUS = Client("monitoring", {"team": "sre"}, {"app": "prometheus"}, "10.0.1.7")
UNKNOWN = Client("monitoring", {"team": "sre"})
SRE: Object = {"namespaceSelector": {"matchLabels": {"team": "sre"}}}
LABELLED = {"key": "a", "operator": "Exists"}
WEB: Object = {"namespaceSelector": {"matchLabels": {"team": "web"}}}


def policy(*ingress: Object, **spec: t.Any) -> Object:
    found = {"podSelector": {"matchLabels": {"app": "exporter"}}, "ingress": list(ingress), **spec}
    return {"metadata": {"namespace": "observability", "name": "p"}, "spec": found}


@pytest.mark.parametrize(
    ("policies", "admitted"),
    [
        pytest.param([], None, id="no policy"),
        pytest.param([policy()], "nobody", id="no rule"),
        pytest.param([policy({})], None, id="an empty rule"),
        pytest.param([policy(podSelector={"matchLabels": {"app": "web"}})], None, id="of another pod"),
        pytest.param([policy(policyTypes=["Egress"])], None, id="of outgoing connections"),
        pytest.param([policy({"from": [SRE]})], None, id="Prometheus' namespace"),
        pytest.param(
            [policy({"from": [WEB]})], "all pods of namespaces with team=web", id="another namespace"
        ),
        pytest.param([policy({"from": [WEB, SRE]})], None, id="one peer of several"),
        pytest.param([policy({"from": [WEB]}), policy({"from": [SRE]})], None, id="policies add up"),
        pytest.param(
            [policy({"from": [{"podSelector": {}}]})], "all pods of its own namespace", id="own namespace"
        ),
        pytest.param(
            [policy({"from": [{**SRE, "podSelector": {"matchLabels": {"app": "prometheus"}}}]})],
            None,
            id="Prometheus' pods",
        ),
        pytest.param(
            [policy({"from": [{**SRE, "podSelector": {"matchLabels": {"app": "x"}}}]})],
            "app=x of namespaces with team=sre",
            id="other pods of Prometheus' namespace",
        ),
        pytest.param([policy({"from": [{"ipBlock": {"cidr": "10.0.0.0/16"}}]})], None, id="its network"),
        pytest.param(
            [policy({"from": [{"ipBlock": {"cidr": "10.0.0.0/16", "except": ["10.0.1.0/24"]}}]})],
            "addresses of 10.0.0.0/16",
            id="its network excepted",
        ),
        pytest.param([policy({"ports": [{"port": "metrics"}]})], None, id="port by name"),
        pytest.param([policy({"ports": [{"port": 9000, "endPort": 9200}]})], None, id="range of ports"),
        pytest.param([policy({"from": [SRE], "ports": [{"port": 80}]})], "nobody", id="another port"),
        pytest.param([policy({"ports": [{"port": 9187, "protocol": "UDP"}]})], "nobody", id="no TCP"),
        pytest.param(
            [
                policy(
                    {
                        "from": [
                            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}
                        ]
                    }
                )
            ],
            "all pods of namespaces with a Exists",
            id="an expression",
        ),
    ],
)
def test_policies(policies: list[Object], admitted: str | None) -> None:
    said = shut_out(policies, POD, 9187, [PROMETHEUS])
    if admitted is None:
        assert said is None
    else:
        assert said is not None
        assert said.startswith("NetworkPolicy observability/p selects pod observability/exporter-0")
        assert "Prometheus (namespace monitoring) out of port 9187" in said
        assert said.endswith(f"It lets in: {admitted}")


@pytest.mark.parametrize(
    "peer",
    [
        pytest.param({**SRE, "podSelector": {"matchLabels": {"app": "x"}}}, id="labels of its pods"),
        pytest.param({"ipBlock": {"cidr": "192.0.2.0/24"}}, id="its address"),
    ],
)
def test_what_is_not_known_of_prometheus_is_no_accusation(peer: Object) -> None:
    assert shut_out([policy({"from": [peer]})], POD, 9187, [UNKNOWN]) is None
    assert shut_out([policy({"from": [peer]})], POD, 9187, [PROMETHEUS])


def test_one_prometheus_that_may_come_in_is_enough() -> None:
    other = Client("elsewhere", {})
    assert shut_out([policy({"from": [SRE]})], POD, 9187, [other, PROMETHEUS]) is None
    assert shut_out([policy({"from": [SRE]})], POD, 9187, []) is None


@pytest.mark.parametrize(
    ("error", "network"),
    [
        pytest.param('Get "http://10.0.0.1:9187": context deadline exceeded', True, id="no answer"),
        pytest.param("dial tcp 10.0.0.1:9187: connect: connection refused", True, id="refused"),
        pytest.param("server returned HTTP status 500", False, id="an answer"),
        pytest.param("sample limit exceeded", False, id="too many samples"),
    ],
)
def test_errors_that_may_come_from_a_policy(error: str, network: bool) -> None:
    assert looks_like_network(error) is network
