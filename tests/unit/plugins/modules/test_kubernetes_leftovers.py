"""kubernetes_leftovers, from task to result."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.modules import kubernetes_leftovers

from tests.unit.plugins.module_utils._kubernetes.test_leftovers import Cluster, item


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
def test_each_is_named(run: t.Any, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    monkeypatch.setattr(kubernetes_leftovers, "connect", lambda params: Cluster(deployments=[item("web")]))
    result = run(kubernetes_leftovers.main, check=check, namespace="shop")
    assert result["changed"] is False
    assert result["leftovers"] == [
        {"api_version": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}
    ]


def test_a_cluster_that_does_not_answer_is_a_sentence(run: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(params: dict[str, t.Any]) -> Cluster:
        raise KubernetesError("Could not reach the Kubernetes API: refused")

    monkeypatch.setattr(kubernetes_leftovers, "connect", refuse)
    message = run.failure(kubernetes_leftovers.main, namespace="shop")
    assert message == "Could not reach the Kubernetes API: refused"


def test_the_whole_cluster_is_not_looked_for_by_accident(run: t.Any) -> None:
    assert "one of the following is required" in run.failure(kubernetes_leftovers.main)
