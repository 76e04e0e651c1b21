"""exporter_deployment_check, from task to result."""

from __future__ import annotations

import sys
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.modules import exporter_deployment_check

from tests.certificates import authority
from tests.unit.plugins.module_utils._exporter_deployment.fake_deployment import Cluster

OPTIONS: dict[str, t.Any] = {
    "namespace": "observability",
    "deployments": [{"name": "exporter", "database": "app", "port": 5432}],
}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(exporter_deployment_check, "connect", lambda params: found)
    return found


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
def test_healthy(run: t.Any, cluster: Cluster, check: bool) -> None:
    result = run(exporter_deployment_check.main, check=check, **OPTIONS)
    assert result["changed"] is False
    assert result["deployments"] == [{"name": "exporter", "healthy": True, "problems": [], "warnings": []}]


def test_each_problem_is_a_line_with_its_remedy(run: t.Any, cluster: Cluster) -> None:
    cluster.container["env"][0] = {"name": "DATA_SOURCE_URI", "value": "db/other"}
    cluster.objects["authorities"]["data"]["ca.pem"] = authority("old", -100, -10)
    message = run.failure(exporter_deployment_check.main, **OPTIONS)
    database, ca = message.splitlines()
    assert "database other instead of app. Run playbooks/external_secrets.yml" in database
    assert "CN=old has expired" in ca


def test_what_is_going_to_be_wrong_is_a_warning(run: t.Any, cluster: Cluster) -> None:
    cluster.objects["authorities"]["data"]["ca.pem"] = authority("soon", -9, 9)
    result = run(exporter_deployment_check.main, **OPTIONS)
    assert "CN=soon expires on" in str(result["warnings"])
    assert "CN=soon expires on" in result["deployments"][0]["warnings"][0]


def test_without_a_library_the_module_fails_and_not_the_deployment(
    run: t.Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    message = run.failure(exporter_deployment_check.main, **OPTIONS)
    assert message.startswith("Certificates cannot be read without the Python package cryptography")


def test_a_cluster_that_does_not_answer_is_a_sentence(run: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(params: dict[str, t.Any]) -> Cluster:
        raise KubernetesError("Could not reach the Kubernetes API: refused")

    monkeypatch.setattr(exporter_deployment_check, "connect", refuse)
    message = run.failure(exporter_deployment_check.main, **OPTIONS)
    assert message == "Could not reach the Kubernetes API: refused"
