# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a port of a pod, by way of its kubelet. PRIVATE: it may change at any time."""

from __future__ import annotations

import contextlib
import copy
import os
import socket
import typing as t

from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    CHUNK,
    FetchError,
    Response,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    Forward,
    Tunnel,
    first_line,
    refusal,
)

# Seconds for the near end to hear that the connection is over.
CLOSING = 2.0


class _Tunnel:
    def __init__(self, forwarded: t.Any, port: int) -> None:
        self._forwarded = forwarded
        self._port = port

    def socket(self) -> socket.socket:
        # Its own object is none that TLS could be put upon.
        return socket.socket(fileno=os.dup(self._forwarded.socket(self._port).fileno()))

    def error(self) -> str | None:
        said: str | None = self._forwarded.error(self._port)
        return said

    def close(self) -> None:
        """The thread behind the near end would die of a reset, so it hears the end and is heard out."""
        near = self._forwarded.socket(self._port)
        near.settimeout(CLOSING)
        with contextlib.suppress(OSError):
            near.shutdown(socket.SHUT_WR)
            while near.recv(CHUNK):
                pass
        self._forwarded.close()


def forwarder(api_client: t.Any) -> Forward:
    """Port-forwarding with the credentials of a client of the package kubernetes."""

    def forward(namespace: str, pod: str, port: int) -> Tunnel:
        # Imported here because nobody else has to load a client for WebSockets.
        from kubernetes.client import ApiException, CoreV1Api
        from kubernetes.stream import portforward

        # The package makes its client one for WebSockets meanwhile. What gave up waiting still does.
        connect = CoreV1Api(copy.copy(api_client)).connect_get_namespaced_pod_portforward
        try:
            return _Tunnel(portforward(connect, pod, namespace, ports=str(port)), port)
        except ApiException as error:
            raise FetchError(refused(f"port-forward to Pod {namespace}/{pod}", error)) from error

    return forward


def refused(tried: str, error: Exception) -> str:
    """The package hides the answer of the API server behind the exception that it made of it."""
    answer = error.__context__
    body: bytes | None = getattr(answer, "resp_body", None)
    if body:
        return refusal(tried, Response(getattr(answer, "status_code", 0), "", body))
    return f"Could not {tried}: {first_line(answer if isinstance(answer, Exception) else error)}"
