"""The kinds of Kubernetes objects that the stand-ins read and write."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind, and where the API serves it."""

    name: str
    plural: str
    api: str = "v1"
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, part: str | None = None) -> str:
        """URL path of all objects, those of a namespace, one object, or a part (subresource) of one."""
        root = f"/apis/{self.api}" if "/" in self.api else f"/api/{self.api}"
        inside = ["namespaces", namespace] if self.namespaced and namespace else []
        return "/".join([root, *inside, self.plural, *(piece for piece in (name, part) if piece)])


_ESO = "external-secrets.io/v1"
_MONITORING = "monitoring.coreos.com/v1"
_RBAC = "rbac.authorization.k8s.io/v1"

CLUSTER_ROLE = Kind("ClusterRole", "clusterroles", _RBAC, namespaced=False)
CLUSTER_ROLE_BINDING = Kind("ClusterRoleBinding", "clusterrolebindings", _RBAC, namespaced=False)
CLUSTER_SECRET_STORE = Kind("ClusterSecretStore", "clustersecretstores", _ESO, namespaced=False)
CONFIG_MAP = Kind("ConfigMap", "configmaps")
DEPLOYMENT = Kind("Deployment", "deployments", "apps/v1")
ENDPOINTS = Kind("Endpoints", "endpoints")
ENDPOINT_SLICE = Kind("EndpointSlice", "endpointslices", "discovery.k8s.io/v1")
EVENT = Kind("Event", "events")
EXTERNAL_SECRET = Kind("ExternalSecret", "externalsecrets", _ESO)
JOB = Kind("Job", "jobs", "batch/v1")
NAMESPACE = Kind("Namespace", "namespaces", namespaced=False)
NETWORK_POLICY = Kind("NetworkPolicy", "networkpolicies", "networking.k8s.io/v1")
NODE = Kind("Node", "nodes", namespaced=False)
POD = Kind("Pod", "pods")
POD_MONITOR = Kind("PodMonitor", "podmonitors", _MONITORING)
PROMETHEUS = Kind("Prometheus", "prometheuses", _MONITORING)
PROMETHEUS_RULE = Kind("PrometheusRule", "prometheusrules", _MONITORING)
REPLICA_SET = Kind("ReplicaSet", "replicasets", "apps/v1")
SECRET = Kind("Secret", "secrets")
SECRET_STORE = Kind("SecretStore", "secretstores", _ESO)
SERVICE = Kind("Service", "services")
SERVICE_ACCOUNT = Kind("ServiceAccount", "serviceaccounts")
SERVICE_MONITOR = Kind("ServiceMonitor", "servicemonitors", _MONITORING)
