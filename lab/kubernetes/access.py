"""Private files with access to a cluster."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path

import yaml


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner may read, in a directory that only its owner may enter."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content)


def kubeconfig_path(state: Path, user: str) -> Path:
    """Where a laboratory keeps the kubeconfig of a user, for example of `system:node:lab`."""
    return state / "kubeconfigs" / (user.replace(":", "-").replace("/", "-") + ".yaml")


def write_kubeconfig(
    path: Path, *, server: str, authority: Path, user: str, credentials: Mapping[str, str]
) -> None:
    """Write a kubeconfig with one context, `lab`; `credentials` are a kubeconfig's, such as `token`."""
    certificate = base64.b64encode(authority.read_bytes()).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "lab", "cluster": {"server": server, "certificate-authority-data": certificate}}
        ],
        "users": [{"name": user, "user": dict(credentials)}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
        "current-context": "lab",
    }
    write_private(path, yaml.safe_dump(document, sort_keys=False))
