"""The objects of a laboratory's API, for tests that give it many at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conformance.exchange import Request, Server
from tests.e2e.laboratory import Laboratory

Object = dict[str, Any]

EXPORTER = "quay.io/prometheuscommunity/postgres-exporter"
_MONITORING = "/apis/monitoring.coreos.com/v1"
_PATHS = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "Event": "/api/v1/namespaces/{}/events",
    "Namespace": "/api/v1/namespaces",
    "Node": "/api/v1/nodes",
    "Pod": "/api/v1/namespaces/{}/pods",
    "PodMonitor": _MONITORING + "/namespaces/{}/podmonitors",
    "Prometheus": _MONITORING + "/namespaces/{}/prometheuses",
    "PrometheusRule": _MONITORING + "/namespaces/{}/prometheusrules",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "ServiceMonitor": _MONITORING + "/namespaces/{}/servicemonitors",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "TokenReview": "/apis/authentication.k8s.io/v1/tokenreviews",
}


class RefusedError(Exception):
    """The API answered with an error."""

    def __init__(self, what: str, status: int, body: Any) -> None:
        super().__init__(f"{what}: {status} {body.get('message') if isinstance(body, dict) else body}")
        self.status = status
        self.message = str(body.get("message")) if isinstance(body, dict) else str(body)


class Cluster:
    """One laboratory's API, as its administrator."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._server = Server(Path(laboratory.endpoints["kubeconfig"]))
        #: The exporter's image, in the version that the laboratory has.
        self.exporter = f"{EXPORTER}:v{laboratory.endpoints['exporter_version']}"

    def create(self, body: Object) -> Object:
        """Create an object. Raises RefusedError, as all the others do."""
        return self._send("POST", path_of(body["kind"], body["metadata"].get("namespace")), body)

    def find(self, kind: str, namespace: str | None = None) -> list[Object]:
        """All objects of a kind, or those of a namespace."""
        return list(self._send("GET", path_of(kind, namespace))["items"])

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """An object, or None."""
        try:
            return self._send("GET", f"{path_of(kind, namespace)}/{name}")
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def patch(self, kind: str, name: str, namespace: str, patch: Object) -> Object:
        """Merge a patch into an object."""
        return self._send("PATCH", f"{path_of(kind, namespace)}/{name}", patch)

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object."""
        self._send("DELETE", f"{path_of(kind, namespace)}/{name}")

    def ask(self, namespace: str, service: str, path: str) -> Any:
        """What a Service answers through the API: a document, or text."""
        return self._send("GET", f"{path_of('Service', namespace)}/{service}/proxy{path}")

    def _send(self, method: str, path: str, body: Object | None = None) -> Any:
        what = f"{method} {path}"
        media = "merge" if method == "PATCH" else "json"
        answer = self._server.send(Request(what, what, body, media=media))
        if answer.status >= 300:
            raise RefusedError(what, answer.status, answer.body)
        return answer.body


def path_of(kind: str, namespace: str | None = None) -> str:
    """Path of all objects of a kind, or of those of a namespace."""
    path = _PATHS[kind]
    return path.format(namespace) if namespace else path.replace("/namespaces/{}", "")
