# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod's HTTP server, reached through the API server's service proxy. PRIVATE: it may change at any time."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from ansible_collections.eks_observability.stack.plugins.module_utils._http.documents import read_json
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Limits,
    Query,
    Response,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import Ask

BLOCKED = (
    "a NetworkPolicy or security group stands between the control plane and the pod: open it, or go another"
    " way, by port-forward or to a URL"
)


@dataclass(frozen=True)
class Service:
    """Where a Service answers: `port` is a number or the name of a port, `path` stands before every path."""

    namespace: str
    name: str
    port: str
    scheme: str = "http"
    path: str = ""

    @property
    def proxy_path(self) -> str:
        scheme = "https:" if self.scheme == "https" else ""
        target = quote(f"{scheme}{self.name}:{self.port}", safe=":")
        namespace = quote(self.namespace, safe="")
        return f"/api/v1/namespaces/{namespace}/services/{target}/proxy{self.path.rstrip('/')}"


class ServiceSource:
    """A Service as a source; needs the right to `get` `services/proxy` and nothing else."""

    def __init__(self, ask: Ask, service: Service, limits: Limits) -> None:
        self._ask = ask
        self._service = service
        self._limits = limits

    @property
    def name(self) -> str:
        return f"Service {self._service.namespace}/{self._service.name}, port {self._service.port}"

    def fetch(self, path: str, query: Query = (), *, accept: str = "application/json") -> Response:
        response = self._ask(self._service.proxy_path + path, query, accept, self._limits)
        if message := _own_words(response):
            raise FetchError(f"{self.name} could not be reached through the Kubernetes API: {message}")
        return response


def _own_words(response: Response) -> str | None:
    """What the API server itself said, None when the answer is the pod's."""
    if response.status < 400:
        return None
    try:
        status = read_json(response.body)
    except ValueError:
        # A refused or timed-out connection to the pod is reported by the proxy as plain text.
        text = response.text()
        return _advice(text) if text.startswith("error trying to reach service") else None
    if not isinstance(status, dict) or status.get("kind") != "Status":
        return None
    return _advice(str(status.get("message", response.text())))


def _advice(message: str) -> str:
    for sign, advice in (
        ("no endpoints available", "no pod behind it is ready"),
        ("not found", "no such Service"),
        ("no service port", "the Service has no port of that name"),
        ("cannot get resource", 'grant "get" on "services/proxy" to the user of the kubeconfig'),
        ("i/o timeout", BLOCKED),
        ("deadline exceeded", BLOCKED),
        ("connection refused", "nothing listens on that port of the pod"),
    ):
        if sign in message:
            return f"{message} ({advice})"
    return message
