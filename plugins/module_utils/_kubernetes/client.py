# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading from the Kubernetes API, and annotating what is there. PRIVATE: it may change at any time."""

from __future__ import annotations

import socket
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.eks_observability.stack.plugins.module_utils._http.documents import read_json
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Limits,
    Query,
    Response,
    read_body,
    within,
)

Object = dict[str, t.Any]
Ask = Callable[[str, Query, str, Limits], Response]
"""ask(path, query, accept, limits) -> any answer of the API server, also one that says no."""


Send = Callable[[str, str, Object, str, Limits], Response]
"""send(method, path, body, content type, limits) -> any answer of the API server."""


class Tunnel(t.Protocol):
    """An open connection to a port of a pod."""

    def socket(self) -> socket.socket:
        """The near end."""

    def error(self) -> str | None:
        """What the kubelet said when it closed the far end."""

    def close(self) -> None:
        """Close both ends."""


Forward = Callable[[str, str, int], Tunnel]
"""forward(namespace, pod, port) -> a new connection. Raises FetchError."""


LIMITS = Limits()
#: Too many requests, and what a control plane says while it is overloaded or renewed.
PASSING = (429, *range(500, 600))
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


class KubernetesError(Exception):
    """The API server did not do what was asked; the text is a sentence for the user.

    `passing` is whether another request may be answered: this one was not, or by a server that was busy.
    """

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


class Reader(t.Protocol):
    """What the modules need of a cluster."""

    def get(self, path: str, query: Query = (), accept: str = JSON) -> Object | None:
        """The object or list at `path`, None where there is none. Raises KubernetesError."""


class Writer(Reader, t.Protocol):
    """A reader that may annotate."""

    def annotate(self, path: str, annotations: Mapping[str, str]) -> None:
        """Set annotations of the object at `path`. Raises KubernetesError."""


class Kubernetes:
    """A cluster, seen through three functions; without `send` it is only read."""

    def __init__(self, ask: Ask, send: Send | None = None, forward: Forward | None = None) -> None:
        self.ask = ask
        self._send = send
        self._forward = forward

    def get(self, path: str, query: Query = (), accept: str = JSON) -> Object | None:
        try:
            response = self.ask(path, query, accept, LIMITS)
        except FetchError as error:
            raise KubernetesError(str(error), passing=True) from error
        if response.status == 404:
            return None
        if response.status != 200:
            raise KubernetesError(refusal(f"GET {path}", response), passing=response.status in PASSING)
        try:
            return t.cast(Object, read_json(response.body))
        except ValueError:
            raise KubernetesError(
                f"GET {path} was answered with {response.text()!r}: this is no Kubernetes API"
            ) from None

    def forward(self, namespace: str, pod: str, port: int) -> Tunnel:
        """Raises FetchError."""
        if self._forward is None:
            raise FetchError(
                f"Port {port} of Pod {namespace}/{pod} was not opened: this cluster is only read"
            )
        return self._forward(namespace, pod, port)

    def annotate(self, path: str, annotations: Mapping[str, str]) -> None:
        if self._send is None:
            raise KubernetesError(f"PATCH {path} was not sent: this connection only reads")
        body = {"metadata": {"annotations": dict(annotations)}}
        try:
            response = self._send("PATCH", path, body, MERGE_PATCH, LIMITS)
        except FetchError as error:
            raise KubernetesError(str(error)) from error
        if response.status != 200:
            raise KubernetesError(refusal(f"PATCH {path}", response))


def refusal(tried: str, response: Response) -> str:
    """What the API server said, in one sentence."""
    try:
        message = read_json(response.body).get("message") or response.text()
    except (ValueError, AttributeError):
        message = response.text()
    advice = {
        401: ": the credentials are not valid (any more)",
        403: ": grant this right to the user of the kubeconfig",
    }.get(response.status, "")
    return f"The Kubernetes API answered {tried} with {response.status} ({message}){advice}"


def connect(params: Mapping[str, t.Any], seconds: float = 30.0) -> Kubernetes:
    """The cluster that the options of kubernetes.core (kubeconfig, context, host, ...) name.

    Raises KubernetesError when no such cluster answers within `seconds`.
    """
    # Imported here because the kubernetes package costs half a second that a plain URL does not need.
    from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.port_forward import (
        forwarder,
    )
    from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import has_at_least

    if not has_at_least("kubernetes", "24.2.0"):
        raise KubernetesError("The Python package kubernetes >= 24.2.0 is needed: pip install kubernetes")
    options = {name: params[name] for name in AUTH_ARG_SPEC if params.get(name) is not None}
    try:
        client = within(seconds, lambda: get_api_client(**options).client, "The Kubernetes API")
    except Exception as error:  # Each of kubernetes.core, kubernetes and urllib3 raises families of its own.
        raise KubernetesError(f"Could not reach the Kubernetes API: {first_line(error)}") from error
    send = _sender(client)

    def ask(path: str, query: Query, accept: str, limits: Limits) -> Response:
        return send("GET", path, {"query_params": list(query), "header_params": {"Accept": accept}}, limits)

    def write(method: str, path: str, body: Object, content_type: str, limits: Limits) -> Response:
        options = {"header_params": {"Accept": JSON}, "body": body, "content_type": content_type}
        return send(method, path, options, limits)

    return Kubernetes(ask, write, forwarder(client.client))


def _sender(client: t.Any) -> Callable[[str, str, dict[str, t.Any], Limits], Response]:
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    name = f"The Kubernetes API at {client.configuration.host}"

    def send(method: str, path: str, options: dict[str, t.Any], limits: Limits) -> Response:
        def work() -> Response:
            answer = client.request(method, path, **options, serialize=False, _request_timeout=limits.seconds)
            content = read_body(answer.read, limits.size, name)
            return Response(answer.status, answer.headers.get("Content-Type", ""), content)

        try:
            return within(limits.seconds, work, name)
        except ApiException as error:
            text = error.body if isinstance(error.body, bytes) else str(error.body or error.reason).encode()
            answered = error.headers or {}
            return Response(error.status or 0, answered.get("Content-Type", ""), text)
        except (HTTPError, OSError) as error:
            raise FetchError(f"{name} does not answer: {first_line(error)}") from error

    return send


def first_line(error: Exception) -> str:
    """What went wrong, without the retries and headers that libraries wrap around it."""
    cause = getattr(error, "reason", None) or error
    return (str(cause) or type(cause).__name__).splitlines()[0]
