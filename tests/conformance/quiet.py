"""A cluster on which External Secrets does nothing for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes import client, config

from tests.e2e.laboratory import Laboratory, eventually

_NAMESPACE = "external-secrets"
_DEPLOYMENTS = ("external-secrets", "external-secrets-webhook")
_WEBHOOKS = ("externalsecret-validate", "secretstore-validate")
_SECONDS = 120


@contextmanager
def quiet(lab: Laboratory) -> Iterator[None]:
    """Requests are compared as the API server alone answers them: an operator would write in between."""
    api = config.new_client_from_config(lab.endpoints["kubeconfig"])
    _fail(api, "Ignore")
    _scale(api, 0)
    try:
        yield
    finally:
        _scale(api, 1)
        _fail(api, "Fail")


def _scale(api: client.ApiClient, replicas: int) -> None:
    apps = client.AppsV1Api(api)
    for name in _DEPLOYMENTS:
        apps.patch_namespaced_deployment_scale(name, _NAMESPACE, {"spec": {"replicas": replicas}})

    def done() -> bool:
        found = [apps.read_namespaced_deployment(name, _NAMESPACE).status for name in _DEPLOYMENTS]
        return all((one.available_replicas or 0) == (one.replicas or 0) == replicas for one in found)

    eventually(done, f"External Secrets at {replicas} replicas", timeout=_SECONDS)


def _fail(api: client.ApiClient, policy: str) -> None:
    """Say what an object's fate is while its webhook does not answer."""
    admission = client.AdmissionregistrationV1Api(api)
    for name in _WEBHOOKS:
        webhooks = admission.read_validating_webhook_configuration(name).webhooks
        patch = [
            {"op": "replace", "path": f"/webhooks/{index}/failurePolicy", "value": policy}
            for index in range(len(webhooks))
        ]
        admission.patch_validating_webhook_configuration(name, patch)
