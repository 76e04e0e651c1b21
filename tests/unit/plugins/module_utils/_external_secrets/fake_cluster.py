"""Objects of a cluster, by path, and a builder for those around an external secret."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import Cause
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    Sight,
    Wanted,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.sync import sync
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

Object = dict[str, t.Any]
API = "/apis/external-secrets.io/v1/namespaces/observability"
CORE = "/api/v1/namespaces/observability"
PATHS = {
    "external_secret": f"{API}/externalsecrets/aurora-credentials",
    "store": f"{API}/secretstores/aurora-secret-store",
    "vault": f"{API}/secretstores/vault",
    "shared": "/apis/external-secrets.io/v1/clustersecretstores/shared",
    "namespace": "/api/v1/namespaces/observability",
    "account": f"{CORE}/serviceaccounts/aurora-access",
    "secret": f"{CORE}/secrets/aurora-credentials",
    "events": f"{CORE}/events",
    "group": "/apis/external-secrets.io",
    "discovery": "/.well-known/openid-configuration",
}
STORE = {"kind": "SecretStore", "name": "aurora-secret-store"}
EXTERNAL_SECRET = {"kind": "ExternalSecret", "name": "aurora-credentials"}
ROLE = "arn:aws:iam::123456789012:role/demo-aurora-access-role"
SYNCED = {"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced"}
FAILED = {
    "type": "Ready",
    "status": "False",
    "reason": "SecretSyncedError",
    "message": "could not get secret data from provider",
}
STORE_OK = {"type": "Ready", "status": "True", "reason": "Valid", "message": "store validated"}
STORE_BAD = {
    "type": "Ready",
    "status": "False",
    "reason": "InvalidProviderConfig",
    "message": "unable to validate store",
}

HEALTHY: dict[str, Object] = {
    "external_secret": {
        "metadata": {"namespace": "observability", "name": "aurora-credentials", "generation": 2},
        "spec": {
            "secretStoreRef": {"name": "aurora-secret-store", "kind": "SecretStore"},
            "target": {"name": "aurora-credentials"},
            "data": [{"secretKey": "username", "remoteRef": {"key": "orders", "property": "username"}}],
            "dataFrom": [{"extract": {"key": "orders"}}, {"find": {"name": {"regexp": "x"}}}],
        },
        "status": {
            "conditions": [SYNCED],
            "syncedResourceVersion": "2-1d2f",
            "refreshTime": "2026-11-23T10:00:00Z",
        },
    },
    "store": {
        "metadata": {"namespace": "observability", "name": "aurora-secret-store"},
        "spec": {
            "provider": {
                "aws": {
                    "service": "SecretsManager",
                    "auth": {"jwt": {"serviceAccountRef": {"name": "aurora-access"}}},
                }
            }
        },
        "status": {"conditions": [STORE_OK]},
    },
    "account": {"metadata": {"name": "aurora-access", "annotations": {"eks.amazonaws.com/role-arn": ROLE}}},
    "secret": {
        "metadata": {
            "name": "aurora-credentials",
            "annotations": {"reconcile.external-secrets.io/data-hash": "6a2f41a3"},
        },
        "data": {"username": "dXNlcg==", "password": "c2VjcmV0LXdvcmQ=", "DATA_SOURCE_URI": "aG9zdA=="},
    },
    "group": {"versions": [{"version": "v1"}]},
    "discovery": {"issuer": "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC"},
}


class Cluster:
    """A cluster in which External Secrets is content; change `objects` to break it."""

    def __init__(self) -> None:
        self.objects = copy.deepcopy(HEALTHY)
        self.asked: list[str] = []
        self.annotated: list[tuple[str, Object]] = []

    def get(self, path: str, query: t.Sequence[tuple[str, str]] = ()) -> Object | None:
        self.asked.append(path)
        names = [name for name, known in PATHS.items() if known == path]
        return self.objects.get(names[0]) if names else None

    def fail(self, *messages: str, store: bool = False) -> None:
        """As External Secrets leaves it: a generic condition, and events that may say more."""
        self.objects["external_secret"]["status"]["conditions"] = [FAILED]
        if store:
            self.objects["store"]["status"]["conditions"] = [STORE_BAD]
        self.objects["events"] = {
            "items": [
                {
                    "type": "Warning",
                    "involvedObject": STORE if store else EXTERNAL_SECRET,
                    "metadata": {},
                    "lastTimestamp": f"2026-11-23T10:00:{number:02}Z",
                    "message": message,
                }
                for number, message in enumerate(messages)
            ]
        }

    def annotate(self, path: str, annotations: t.Mapping[str, str]) -> None:
        """As with External Secrets: another annotation, another version, which is then synced."""
        self.annotated.append((path, dict(annotations)))
        before = self.objects["external_secret"]
        status = {**before["status"], "syncedResourceVersion": "2-after"}
        self.objects["external_secret"] = {**before, "status": status}


WANTED = Wanted("aurora-credentials", ("username", "password", "DATA_SOURCE_URI"))


def once(probe: t.Callable[[], tuple[bool, list[Sight]]]) -> list[Sight]:
    return wait_until(probe, timeout=0)


def causes(cluster: Cluster) -> list[Cause]:
    return sync(cluster, "observability", [WANTED], once)[1]
