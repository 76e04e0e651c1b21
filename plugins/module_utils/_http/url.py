# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server that is reached directly. PRIVATE: it may change at any time."""

from __future__ import annotations

import base64
import http.client
import ssl
import typing as t
from collections.abc import Mapping
from urllib.parse import SplitResult, urlencode, urlsplit

from ansible_collections.eks_observability.stack.plugins.module_utils._http.exchange import (
    exchange,
    joined,
    sendable,
    shown,
    told,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Limits,
    Query,
    Response,
)


def tls_context(
    *,
    validate_certs: bool,
    ca_cert: str | None,
    client_cert: str | None = None,
    client_key: str | None = None,
) -> ssl.SSLContext:
    """Whom a client trusts, and who it is itself. Raises FetchError when a file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=ca_cert)
    except OSError as error:
        raise FetchError(f"Could not use the CA certificates in {ca_cert}: {error}") from error
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_key and not client_cert:
        raise FetchError(f"The client key {client_key} is of no use without client_cert")
    if client_cert:
        try:
            # Without a password, one for the key would be asked for on the terminal.
            context.load_cert_chain(client_cert, client_key, password="")
        except OSError as error:
            raise FetchError(f"Could not use the client certificate in {client_cert}: {error}") from error
    return context


def basic_auth(username: str, password: str) -> dict[str, str]:
    """The header that carries user and password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def _parts(url: str) -> tuple[SplitResult, int]:
    """The parts of a URL and its port. Raises FetchError."""
    form = "http[s]://host[:port][/path][?query]"
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        # The port may be a part of a password with a slash in it, so nothing is repeated.
        raise FetchError(f"The URL is not of the form {form}: its host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(f"{shown(url)} is not a URL of the form {form}")
    if parts.username or parts.password:
        raise FetchError(f"Give the credentials for {shown(url)} as options, not in the URL")
    return parts, port


class UrlSource:
    """One server and the one connection to it, kept open between requests."""

    def __init__(
        self, url: str, *, context: ssl.SSLContext, headers: Mapping[str, object], limits: Limits
    ) -> None:
        parts, port = _parts(url)
        self._name = shown(url).rstrip("/")
        self._base = parts.path.rstrip("/")
        self._query = parts.query
        self._headers = sendable(headers)
        self._limits = limits
        host = parts.hostname or ""
        if parts.scheme == "https":
            self._connect: t.Callable[[], http.client.HTTPConnection] = lambda: http.client.HTTPSConnection(
                host, port, context=context, timeout=limits.seconds
            )
        else:
            self._connect = lambda: http.client.HTTPConnection(host, port, timeout=limits.seconds)
        self._connection: http.client.HTTPConnection | None = None

    @property
    def name(self) -> str:
        return self._name

    def fetch(self, path: str, query: Query = (), *, accept: str = "application/json") -> Response:
        target = joined(self._base + path or "/", self._query, urlencode(query))
        headers = {"Accept": accept, **self._headers}
        kept, self._connection = self._connection, None
        with told(self._name):
            if kept is not None:
                try:
                    return self._ask(kept, target, headers)
                except (http.client.RemoteDisconnected, ConnectionError):
                    kept.close()  # The server had closed the idle connection, which is its right.
            return self._ask(self._connect(), target, headers)

    def _ask(self, connection: http.client.HTTPConnection, target: str, headers: dict[str, str]) -> Response:
        """The connection is kept only when the whole answer was read."""
        response = exchange(connection, target, headers, self._limits, self._name)
        self._connection = connection
        return response
