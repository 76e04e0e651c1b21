"""The user whose rights docs/kubernetes-access.yml describes, as a service account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from kubernetes.utils import create_from_yaml

from lab.kubernetes.access import kubeconfig_path, write_kubeconfig
from tests.e2e.laboratory import ROOT, Laboratory

NAMESPACE = NAME = "deployer"
#: How the API server and its audit log call the user.
USER = f"system:serviceaccount:{NAMESPACE}:{NAME}"
_ACCESS = ROOT / "docs/kubernetes-access.yml"
_SECONDS = 3600


def deployer(lab: Laboratory) -> Path:
    """Give the rights to a new service account, and nothing else; returns its kubeconfig."""
    api = config.new_client_from_config(lab.endpoints["kubeconfig"])
    core = client.CoreV1Api(api)
    core.create_namespace({"metadata": {"name": NAMESPACE}})
    core.create_namespaced_service_account(NAMESPACE, {"metadata": {"name": NAME}})
    create_from_yaml(api, yaml_objects=list(map(_for_service_accounts, _objects())))
    asked = {"spec": {"expirationSeconds": _SECONDS}}
    token = core.create_namespaced_service_account_token(NAME, NAMESPACE, asked).status.token
    path = kubeconfig_path(lab.state, NAME)
    write_kubeconfig(
        path,
        server=lab.endpoints["kubernetes_url"],
        authority=lab.state / "certificates" / "ca.crt",
        user=NAME,
        credentials={"token": token},
    )
    return path


def _objects() -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = yaml.safe_load(_ACCESS.read_text())["items"]
    return objects


def _for_service_accounts(obj: dict[str, Any]) -> dict[str, Any]:
    """The binding's group becomes the one that all service accounts of a namespace are in."""
    for subject in obj.get("subjects", []):
        assert subject["kind"] == "Group"
        subject["name"] = f"system:serviceaccounts:{NAMESPACE}"
    return obj
