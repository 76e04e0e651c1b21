"""The labels with which a new monitor or rule is selected."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.discovery import (
    DiscoveryError,
    discover,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.selection import (
    Object,
    refusal,
)

RELEASE = {"matchLabels": {"release": "main"}}


def prometheus(name: str = "main", **spec: t.Any) -> Object:
    everything = {"serviceMonitorSelector": RELEASE, "serviceMonitorNamespaceSelector": {}}
    return {"metadata": {"namespace": "monitoring", "name": name}, "spec": {**everything, **spec}}


def selecting(*expressions: Object, **labels: str) -> Object:
    return prometheus(serviceMonitorSelector={"matchLabels": labels, "matchExpressions": list(expressions)})


@pytest.mark.parametrize(
    ("found", "labels"),
    [
        pytest.param([prometheus()], {"release": "main"}, id="labels of the selector"),
        pytest.param([prometheus(serviceMonitorSelector={})], {}, id="an empty selector needs none"),
        pytest.param(
            [selecting({"key": "team", "operator": "In", "values": ["a", "b"]}, release="main")],
            {"release": "main", "team": "a"},
            id="In: the first value",
        ),
        pytest.param([selecting({"key": "team", "operator": "Exists"})], {"team": "true"}, id="Exists"),
        pytest.param(
            [
                selecting(
                    {"key": "team", "operator": "In", "values": ["a", "b"]},
                    {"key": "team", "operator": "Exists"},
                    team="b",
                )
            ],
            {"team": "b"},
            id="one value for all demands on a label",
        ),
        pytest.param(
            [
                selecting(
                    {"key": "old", "operator": "DoesNotExist"},
                    {"key": "team", "operator": "NotIn", "values": ["x"]},
                )
            ],
            {},
            id="what has to be absent is absent",
        ),
        pytest.param([prometheus("a"), prometheus("b")], {"release": "main"}, id="several that agree"),
        pytest.param(
            [prometheus("a", serviceMonitorNamespaceSelector=None, serviceMonitorSelector={}), prometheus()],
            {"release": "main"},
            id="one that looks elsewhere has no say",
        ),
        pytest.param(
            [prometheus(serviceMonitorNamespaceSelector={"matchLabels": {"watched": "yes"}})],
            {"release": "main"},
            id="a namespace with the label",
        ),
    ],
)
def test_labels(found: list[Object], labels: dict[str, str]) -> None:
    namespace = {"watched": "yes"}
    assert discover(found, "serviceMonitor", "observability", namespace) == labels
    made = {"metadata": {"namespace": "observability", "name": "exporter", "labels": labels}}
    assert refusal(found[-1], "serviceMonitor", made, namespace) is None


def test_rules_have_a_selector_of_their_own() -> None:
    found = prometheus(ruleSelector={"matchLabels": {"role": "rules"}}, ruleNamespaceSelector={})
    assert discover([found], "rule", "observability", {}) == {"role": "rules"}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param([], "there is no Prometheus object in the cluster", id="no Prometheus"),
        pytest.param(
            [prometheus(serviceMonitorNamespaceSelector={"matchLabels": {"watched": "yes"}})],
            "Prometheus monitoring/main wants the namespace observability to have label watched=yes",
            id="a namespace without its label",
        ),
        pytest.param(
            [prometheus(serviceMonitorNamespaceSelector=None)],
            "Prometheus monitoring/main looks into its own namespace monitoring only",
            id="own namespace only",
        ),
        pytest.param(
            [prometheus(serviceMonitorSelector=None)],
            "selects none at all",
            id="a Prometheus without monitors",
        ),
        pytest.param(
            [prometheus("a"), prometheus("b", serviceMonitorSelector={})],
            "Prometheus monitoring/a wants release=main; Prometheus monitoring/b wants no label",
            id="several that differ",
        ),
        pytest.param(
            [
                selecting(
                    {"key": "release", "operator": "NotIn", "values": ["main"]},
                    release="main",
                )
            ],
            "wants label release NotIn main",
            id="a selector that nothing fulfils",
        ),
    ],
)
def test_refusal_names_each_prometheus_and_what_it_wants(found: list[Object], words: str) -> None:
    with pytest.raises(DiscoveryError, match=words):
        discover(found, "serviceMonitor", "observability", {})
