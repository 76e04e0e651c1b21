"""Filters on Prometheus objects."""

from __future__ import annotations

from ansible_collections.eks_observability.stack.plugins.filter.prometheus import prometheus_labels


def test_labels_are_told() -> None:
    spec = {"ruleSelector": {"matchLabels": {"release": "main"}}, "ruleNamespaceSelector": {}}
    found = [{"metadata": {"namespace": "monitoring", "name": "main"}, "spec": spec}]
    assert prometheus_labels(found, "rule", "shop", {}) == {"labels": {"release": "main"}, "refusal": ""}


def test_refusal_is_told_and_not_raised() -> None:
    refused = prometheus_labels([], "rule", "shop", {})
    assert refused == {"labels": {}, "refusal": "there is no Prometheus object in the cluster"}
