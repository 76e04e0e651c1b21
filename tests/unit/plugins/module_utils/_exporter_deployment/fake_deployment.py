"""A cluster with one exporter, which tests break."""

from __future__ import annotations

import base64
import copy
import typing as t

from tests.certificates import authority

Object = dict[str, t.Any]
CORE = "/api/v1/namespaces/observability"
PATHS = {
    "deployment": "/apis/apps/v1/namespaces/observability/deployments/exporter",
    "pods": f"{CORE}/pods",
    "secret": f"{CORE}/secrets/creds",
    "authorities": f"{CORE}/configmaps/exporter-ca",
}


def key_of_secret(key: str) -> Object:
    return {"valueFrom": {"secretKeyRef": {"name": "creds", "key": key}}}


VALID = authority("valid", -100, 1000)
POD: Object = {
    "metadata": {
        "namespace": "observability",
        "name": "exporter-0",
        "labels": {"app": "exporter", "track": "stable"},
        "annotations": {"checksum/credentials": "today"},
    },
    "status": {"phase": "Running", "containerStatuses": [{"name": "exporter", "state": {"running": {}}}]},
}
HEALTHY: dict[str, Object] = {
    "deployment": {
        "metadata": {"namespace": "observability", "name": "exporter", "generation": 3},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "exporter"}},
            "template": {
                "spec": {
                    "containers": [
                        {
                            "args": ["--collector.stat_statements", "--no-collector.wal"],
                            "env": [
                                {"name": "DATA_SOURCE_URI", **key_of_secret("uri")},
                                {"name": "PGPASSWORD", **key_of_secret("password")},
                            ],
                        }
                    ],
                    "volumes": [{"name": "ca", "configMap": {"name": "exporter-ca"}}, {"name": "tmp"}],
                }
            },
        },
        "status": {"observedGeneration": 3, "updatedReplicas": 1, "availableReplicas": 1},
    },
    "pods": {"items": [POD]},
    "secret": {
        "metadata": {"annotations": {"reconcile.external-secrets.io/data-hash": "today"}},
        "data": {"uri": "", "password": base64.b64encode(b"secret").decode()},
    },
    "authorities": {"data": {"ca.pem": VALID, "note": "no certificate"}},
}


class Cluster:
    """Objects by path. `asked` are the paths and queries."""

    def __init__(self, uri: str = "db.example:5432/app?sslmode=verify-full") -> None:
        self.objects = copy.deepcopy(HEALTHY)
        self.objects["secret"]["data"]["uri"] = base64.b64encode(uri.encode()).decode()
        self.asked: list[t.Any] = []
        self.errors: list[Exception] = []
        """What comes instead of an answer, while there is one."""

    @property
    def template(self) -> Object:
        found: Object = self.objects["deployment"]["spec"]["template"]["spec"]
        return found

    @property
    def container(self) -> Object:
        found: Object = self.template["containers"][0]
        return found

    @property
    def pod(self) -> Object:
        found: Object = self.objects["pods"]["items"][0]
        return found

    def get(self, path: str, query: t.Any = (), accept: str = "") -> Object | None:
        if self.errors:
            self.asked.append("error")
            raise self.errors[0]
        self.asked.append((path, query))
        return next((self.objects.get(name) for name, place in PATHS.items() if place == path), None)
