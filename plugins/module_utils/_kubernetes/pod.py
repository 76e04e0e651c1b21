# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod's HTTP server, reached by port-forward. PRIVATE: it may change at any time.

The way leads through the kubelet of the pod's node: a NetworkPolicy or a security group that keeps the
control plane from the pods is not in it.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from ansible_collections.eks_observability.stack.plugins.module_utils._http.exchange import (
    exchange,
    joined,
    sendable,
    told,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Limits,
    Query,
    Response,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._http.url import tls_context
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    Forward,
    KubernetesError,
    Object,
    Reader,
    Tunnel,
)


@dataclass(frozen=True)
class Pod:
    """Where a Pod answers: by `name`, or any ready one with the labels of `selector`."""

    namespace: str
    port: str
    name: str | None = None
    selector: str | None = None
    scheme: str = "http"
    path: str = ""


class PodSource:
    """A Pod as a source, asked over a new connection each time.

    Of several ready ones it is the newest: two questions go to the same pod unless it was replaced.
    """

    def __init__(
        self, cluster: Reader, forward: Forward, pod: Pod, headers: Mapping[str, object], limits: Limits
    ) -> None:
        self._cluster = cluster
        self._forward = forward
        self._pod = pod
        self._headers = sendable(headers)
        self._limits = limits

    @property
    def name(self) -> str:
        pod = self._pod
        which = f"{pod.namespace}/{pod.name}" if pod.name else f"with {pod.selector} in {pod.namespace}"
        return f"Pod {which}, port {pod.port}"

    def fetch(self, path: str, query: Query = (), *, accept: str = "application/json") -> Response:
        try:
            found = self._found()
        except KubernetesError as error:
            raise FetchError(f"Could not find {self.name}: {error}") from error
        connection = _Connection(self._forward, self._pod, found["metadata"]["name"], self._port_of(found))
        target = joined(self._pod.path.rstrip("/") + path or "/", urlencode(query))
        try:
            with told(self.name):
                return exchange(
                    connection, target, {"Accept": accept, **self._headers}, self._limits, self.name
                )
        except FetchError as error:
            if said := connection.error():
                raise FetchError(f"{self.name} could not be reached by port-forward: {said}") from error
            raise
        finally:
            connection.hang_up()

    def _found(self) -> Object:
        """Raises FetchError and KubernetesError."""
        pod = self._pod
        pods = f"/api/v1/namespaces/{quote(pod.namespace, safe='')}/pods"
        if pod.name:
            found = self._cluster.get(f"{pods}/{quote(pod.name, safe='')}")
            if found is None:
                raise FetchError(f"There is no Pod {pod.namespace}/{pod.name}")
            return found
        listed = (self._cluster.get(pods, [("labelSelector", pod.selector or "")]) or {}).get("items", [])
        ready = [item for item in listed if _is_ready(item)]
        if not ready:
            names = ", ".join(item["metadata"]["name"] for item in listed)
            why = f"none of them is ready ({names})" if names else "there is none"
            raise FetchError(f"No Pod {pod.selector} in namespace {pod.namespace} can be asked: {why}")
        return max(ready, key=lambda item: (item["metadata"]["creationTimestamp"], item["metadata"]["name"]))

    def _port_of(self, found: Object) -> int:
        """The number of the port, which may have been given by name."""
        if self._pod.port.isdecimal():
            return int(self._pod.port)
        ports = {
            port.get("name", ""): int(port["containerPort"])
            for container in found["spec"]["containers"]
            for port in container.get("ports") or []
        }
        if self._pod.port not in ports:
            names = ", ".join(filter(None, ports)) or "none with a name"
            raise FetchError(f"{self.name} has no port of that name; its ports: {names}")
        return ports[self._pod.port]


def _is_ready(pod: Object) -> bool:
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


class _Connection(http.client.HTTPConnection):
    """HTTP through a tunnel that is opened at the first request."""

    def __init__(self, forward: Forward, pod: Pod, name: str, port: int) -> None:
        super().__init__("localhost", port)
        self._open: Callable[[], Tunnel] = lambda: forward(pod.namespace, name, port)
        self._scheme = pod.scheme
        self._tunnel: Tunnel | None = None

    def connect(self) -> None:
        self._tunnel = self._open()
        self.sock = self._tunnel.socket()
        if self._scheme == "https":
            # A pod has no name that a certificate could bear; the proxy of a Service does not look either.
            self.sock = tls_context(validate_certs=False, ca_cert=None).wrap_socket(self.sock)

    def error(self) -> str | None:
        said = self._tunnel.error() if self._tunnel else None
        if said and "refused" in said:
            return f"{said.strip()} (nothing listens on that port of the pod)"
        return said

    def hang_up(self) -> None:
        """Not close(), which http.client calls when the body of an answer is still to come."""
        # The tunnel first: it wakes who may still be reading, and closing what is read would wait for that.
        if self._tunnel:
            self._tunnel.close()
        self.close()
