"""The objects that Helm leaves on a cluster with External Secrets and kube-prometheus-stack."""

from __future__ import annotations

from lab.programs import Programs
from lab.standins.api.client import Api
from lab.standins.api.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    NAMESPACE,
    PROMETHEUS,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
)
from lab.standins.api.objects import Object
from lab.standins.prometheus_operator.prometheus_pod import PORT

RELEASE = "kube-prometheus-stack"
ESO_NAMESPACE, MONITORING_NAMESPACE = "external-secrets", "monitoring"
PROMETHEUS_NAME = f"{RELEASE}-prometheus"

#: Where every container finds its service account's token.
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_LABELS = {"release": RELEASE, "app.kubernetes.io/managed-by": "Helm"}


def install(api: Api, programs: Programs) -> None:
    """Create what is not there yet."""
    for kind, body in _objects(api.server, programs):
        api.ensure(kind, {"apiVersion": kind.api, "kind": kind.name, **body})


def _objects(server: str, programs: Programs) -> list[tuple[Kind, Object]]:
    accounts = [
        (ESO_NAMESPACE, "external-secrets"),
        (MONITORING_NAMESPACE, f"{RELEASE}-operator"),
        (MONITORING_NAMESPACE, PROMETHEUS_NAME),
        (MONITORING_NAMESPACE, f"{RELEASE}-grafana"),
    ]
    return [
        (NAMESPACE, {"metadata": {"name": ESO_NAMESPACE}}),
        (NAMESPACE, {"metadata": {"name": MONITORING_NAMESPACE}}),
        *((SERVICE_ACCOUNT, {"metadata": {"name": name, "namespace": where}}) for where, name in accounts),
        (CLUSTER_ROLE, _cluster_role()),
        (CLUSTER_ROLE_BINDING, _cluster_role_binding()),
        (PROMETHEUS, _prometheus(server, programs)),
        (SERVICE, _service()),
    ]


def _cluster_role() -> Object:
    discovery = ["nodes", "nodes/metrics", "services", "endpoints", "pods"]
    rules = [
        {"apiGroups": [""], "resources": discovery, "verbs": ["get", "list", "watch"]},
        {
            "apiGroups": ["discovery.k8s.io"],
            "resources": ["endpointslices"],
            "verbs": ["get", "list", "watch"],
        },
    ]
    return {"metadata": {"name": PROMETHEUS_NAME, "labels": _LABELS}, "rules": rules}


def _cluster_role_binding() -> Object:
    account = {"kind": "ServiceAccount", "name": PROMETHEUS_NAME, "namespace": MONITORING_NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": PROMETHEUS_NAME}
    return {"metadata": {"name": PROMETHEUS_NAME, "labels": _LABELS}, "subjects": [account], "roleRef": role}


def _prometheus(server: str, programs: Programs) -> Object:
    chosen = {"matchLabels": {"release": RELEASE}}
    selectors = {
        f"{what}{part}": value
        for what in ("serviceMonitor", "podMonitor", "rule")
        for part, value in (("Selector", chosen), ("NamespaceSelector", {}))
    }
    # A pod here has no file system of its own, in which Prometheus would find the API by itself.
    access = {
        "host": server,
        "authorization": {"type": "Bearer", "credentialsFile": f"{_TOKEN_PATH}/token"},
        "tlsConfig": {"caFile": f"{_TOKEN_PATH}/ca.crt"},
    }
    spec = {
        "version": programs.prometheus.version,
        "replicas": 1,
        "serviceAccountName": PROMETHEUS_NAME,
        "portName": "http-web",
        "scrapeInterval": "30s",
        "evaluationInterval": "5s",
        "retention": "10d",
        "apiserverConfig": access,
        **selectors,
    }
    metadata = {"name": PROMETHEUS_NAME, "namespace": MONITORING_NAMESPACE, "labels": _LABELS}
    return {"metadata": metadata, "spec": spec}


def _service() -> Object:
    spec = {
        "type": "ClusterIP",
        "ports": [{"name": "http-web", "port": PORT, "targetPort": PORT, "protocol": "TCP"}],
        "selector": {"app.kubernetes.io/name": "prometheus", "operator.prometheus.io/name": PROMETHEUS_NAME},
    }
    metadata = {"name": PROMETHEUS_NAME, "namespace": MONITORING_NAMESPACE, "labels": _LABELS}
    return {"metadata": metadata, "spec": spec}
