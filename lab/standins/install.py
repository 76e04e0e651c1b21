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
    """Create what is not there yet for the stand-ins of both operators."""
    accounts = [(ESO_NAMESPACE, "external-secrets"), (MONITORING_NAMESPACE, f"{RELEASE}-operator")]
    create(api, [(NAMESPACE, {"metadata": {"name": ESO_NAMESPACE}}), *monitoring_namespace()])
    create(
        api, [(SERVICE_ACCOUNT, {"metadata": {"name": name, "namespace": where}}) for where, name in accounts]
    )
    # A pod of the stand-in has no file system of its own, in which Prometheus would find the API by itself.
    access = {
        "host": api.server,
        "authorization": {"type": "Bearer", "credentialsFile": f"{_TOKEN_PATH}/token"},
        "tlsConfig": {"caFile": f"{_TOKEN_PATH}/ca.crt"},
    }
    create(api, monitoring(programs, {"apiserverConfig": access}))


def create(api: Api, objects: list[tuple[Kind, Object]]) -> None:
    """Create what is not there yet."""
    for kind, body in objects:
        api.ensure(kind, {"apiVersion": kind.api, "kind": kind.name, **body})


def monitoring_namespace() -> list[tuple[Kind, Object]]:
    """The namespace of Prometheus, with the accounts of what runs there."""
    accounts = [PROMETHEUS_NAME, f"{RELEASE}-grafana"]
    return [
        (NAMESPACE, {"metadata": {"name": MONITORING_NAMESPACE}}),
        *(
            (SERVICE_ACCOUNT, {"metadata": {"name": name, "namespace": MONITORING_NAMESPACE}})
            for name in accounts
        ),
    ]


def monitoring(programs: Programs, spec: Object) -> list[tuple[Kind, Object]]:
    """Prometheus with its rights, and with fields of the cluster's kind in its `spec`."""
    return [
        (CLUSTER_ROLE, _cluster_role()),
        (CLUSTER_ROLE_BINDING, _cluster_role_binding()),
        (PROMETHEUS, _prometheus(programs, spec)),
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


def _prometheus(programs: Programs, more: Object) -> Object:
    chosen = {"matchLabels": {"release": RELEASE}}
    selectors = {
        f"{what}{part}": value
        for what in ("serviceMonitor", "podMonitor", "rule")
        for part, value in (("Selector", chosen), ("NamespaceSelector", {}))
    }
    spec = {
        "version": programs.prometheus.version,
        "replicas": 1,
        "serviceAccountName": PROMETHEUS_NAME,
        "portName": "http-web",
        "scrapeInterval": "30s",
        "evaluationInterval": "5s",
        "retention": "10d",
        "serviceDiscoveryRole": "EndpointSlice",
        **selectors,
        **more,
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
