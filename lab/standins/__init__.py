"""What a cluster with External Secrets and kube-prometheus-stack runs.

On the embedded API these are small stand-ins, each a client of the Kubernetes API and nothing else, under the
user name of what it stands in for. On a real control plane they are the real operators, and only the kubelet
and the dashboard sidecar are stand-ins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.network import HOST

if TYPE_CHECKING:
    from lab.kubernetes import Kubernetes
    from lab.network import Network
    from lab.programs import Programs
    from lab.settings import Settings
    from lab.standins.running import Running


class Standins:
    """All stand-ins of one laboratory. On a cluster of the user's own there are none."""

    def __init__(
        self,
        settings: Settings,
        kubernetes: Kubernetes,
        programs: Programs,
        aws_url: str,
        network: Network = HOST,
    ) -> None:
        self._settings = settings
        self._kubernetes = kubernetes
        self._programs = programs
        self._aws_url = aws_url
        self._network = network
        self._running: Running | None = None

    def start(self) -> None:
        """Start everything; returns when all loops run and Prometheus is ready. Raises TimeoutError."""
        if self._settings.kubernetes == "kubeconfig":
            return
        # Not at the top: the config reloader, a small program of this package, would load all of it, too.
        from lab.standins.running import Running

        self._running = Running(
            self._settings, self._kubernetes, self._programs, self._aws_url, self._network
        )
        self._running.start()

    def stop(self) -> None:
        """End all loops and all pods."""
        if self._running:
            self._running.stop()
            self._running = None

    def addresses(self) -> dict[str, object]:
        """Where they answer: {"prometheus": URL, "exporters": {"namespace/pod": URL}}."""
        return self._running.addresses() if self._running else {}
