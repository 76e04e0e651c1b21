"""The laboratory's Kubernetes: one interface, and the kinds of cluster behind it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from lab.certificates import Authority
from lab.network import HOST, Network
from lab.programs import Programs
from lab.settings import Settings


class Kubernetes(Protocol):
    """A Kubernetes API for the laboratory's other parts."""

    @property
    def server(self) -> str:
        """URL of the API."""

    @property
    def authority(self) -> Path:
        """PEM file with the certificates that clients trust."""

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the administrator."""

    def start(self) -> None:
        """Return when the API answers."""

    def stop(self) -> None:
        """Stop what `start` started."""

    def kubeconfig_for(self, user: str) -> Path:
        """Kubeconfig of another user, for example `system:node:lab`."""

    def jwks(self) -> dict[str, Any]:
        """The public keys of service-account tokens, as a JSON Web Key Set."""


KINDS = ("embedded", "control-plane", "kubeconfig")


def open_kubernetes(
    settings: Settings,
    authority: Authority,
    network: Network = HOST,
    programs: Programs | None = None,
) -> Kubernetes:
    """The kind of cluster that the settings name; ValueError when there is no such kind."""
    # Each kind brings libraries of its own; only those of the chosen one are loaded.
    if settings.kubernetes == "embedded":
        from lab.kubernetes.embedded import EmbeddedKubernetes

        return EmbeddedKubernetes(settings, authority)
    if settings.kubernetes == "control-plane" and programs and programs.control_plane:
        from lab.kubernetes.control_plane import ControlPlaneKubernetes

        return ControlPlaneKubernetes(settings, authority, network, programs.control_plane)
    if settings.kubernetes == "kubeconfig":
        from lab.kubernetes.kubeconfig import KubeconfigKubernetes

        return KubeconfigKubernetes(settings, os.environ)
    raise ValueError(
        f"LAB_KUBERNETES is {settings.kubernetes!r}; the laboratory knows the kinds {', '.join(KINDS)}."
    )
