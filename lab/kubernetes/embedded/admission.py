"""What the real server's admission plugins do to a new object: namespaces, service accounts, pods."""

from __future__ import annotations

import random

from lab.kubernetes.embedded.errors import ApiError, forbidden
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Object
from lab.kubernetes.embedded.pod_identity import give_role
from lab.kubernetes.embedded.store import Store

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
NAMESPACES = ("", "namespaces")
SERVICE_ACCOUNTS = ("", "serviceaccounts")

# The letters of the real server: no vowels, so that no words appear.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_PERMANENT = {"default", "kube-system", "kube-public"}


def suffix(length: int = 5) -> str:
    """Random letters for a generated name."""
    return "".join(random.choices(_LETTERS, k=length))


def admit_create(store: Store, kind: Kind, item: Object) -> None:
    """Check and complete a new object; ApiError 404 or 403 when it may not be created."""
    if kind.namespaced:
        _check_namespace(store, kind, item)
    if kind.place == ("", "pods"):
        _complete_pod(store, kind, item)


def admit_delete(kind: Kind, name: str) -> None:
    """ApiError 403 for namespaces that cannot be deleted."""
    if kind.place == NAMESPACES and name in _PERMANENT:
        raise forbidden(kind, name, "this namespace may not be deleted")


def _check_namespace(store: Store, kind: Kind, item: Object) -> None:
    name = item["metadata"]["namespace"]
    namespace = store.get(NAMESPACES, "", name)
    if namespace is None:
        message = f'namespaces "{name}" not found'
        raise ApiError(404, "NotFound", message, {"name": name, "kind": "namespaces"})
    if namespace["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {name} because it is being terminated"
        error = forbidden(kind, item["metadata"].get("name", ""), why)
        message = f"namespace {name} is being terminated"
        error.status["details"]["causes"] = [
            {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
        ]
        raise error


def _complete_pod(store: Store, kind: Kind, item: Object) -> None:
    metadata, spec = item["metadata"], item["spec"]
    account_name = spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = account_name
    account = store.get(SERVICE_ACCOUNTS, metadata["namespace"], account_name)
    if account is None:
        where = f"{metadata['namespace']}/{account_name}"
        why = f'error looking up service account {where}: serviceaccount "{account_name}" not found'
        raise forbidden(kind, metadata.get("name", ""), why)
    wanted = spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True))
    if wanted:
        _mount_token(spec)
    give_role(account, spec)
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = list(account["imagePullSecrets"])
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    spec["tolerations"] = _tolerations(spec.get("tolerations", []))


def _mount_token(spec: Object) -> None:
    """The volume from which a container reads its service account's token."""
    mounts = [
        container.setdefault("volumeMounts", [])
        for container in [*spec.get("initContainers", []), *spec.get("containers", [])]
    ]
    missing = [mount for mount in mounts if TOKEN_PATH not in [item.get("mountPath") for item in mount]]
    if not missing:
        return
    volume = f"kube-api-access-{suffix()}"
    for mount in missing:
        mount.append({"name": volume, "readOnly": True, "mountPath": TOKEN_PATH})
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    spec.setdefault("volumes", []).append(
        {"name": volume, "projected": {"sources": sources, "defaultMode": 420}}
    )


def _tolerations(given: list[Object]) -> list[Object]:
    """Every pod tolerates a node that is away for five minutes."""
    result = list(given)
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(
            item.get("key", key) == key and item.get("effect", "NoExecute") == "NoExecute" for item in given
        ):
            result.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    return result
