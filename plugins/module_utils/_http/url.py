# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server that is reached directly. PRIVATE: it may change at any time."""

from __future__ import annotations

import http.client
import ssl
import typing as t
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Limits,
    Query,
    Response,
    read_body,
    within,
)


def tls_context(*, validate_certs: bool, ca_cert: str | None) -> ssl.SSLContext:
    """Whom a client trusts. Raises FetchError when the file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=ca_cert)
    except OSError as error:
        raise FetchError(f"Could not use the CA certificates in {ca_cert}: {error}") from error
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class UrlSource:
    """One server and the one connection to it, kept open between requests.

    Redirects are not followed: headers may carry a credential that belongs to this server only.
    """

    def __init__(
        self, url: str, *, context: ssl.SSLContext, headers: Mapping[str, str], limits: Limits
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FetchError(f"{self._shown(url)} is not a URL of the form http[s]://host[:port][/path]")
        if parts.username or parts.password:
            raise FetchError(f"Give the credentials for {self._shown(url)} as a header, not in the URL")
        self._name = self._shown(url).rstrip("/")
        self._base = parts.path.rstrip("/")
        self._headers = dict(headers)
        self._limits = limits
        if parts.scheme == "https":
            self._connect: t.Callable[[], http.client.HTTPConnection] = lambda: http.client.HTTPSConnection(
                parts.hostname or "", parts.port, context=context, timeout=limits.seconds
            )
        else:
            self._connect = lambda: http.client.HTTPConnection(
                parts.hostname or "", parts.port, timeout=limits.seconds
            )
        self._connection: http.client.HTTPConnection | None = None

    @property
    def name(self) -> str:
        return self._name

    @staticmethod
    def _shown(url: str) -> str:
        """The URL without user, password and query, any of which may be a secret."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def fetch(self, path: str, query: Query = (), *, accept: str = "application/json") -> Response:
        target = (self._base + path or "/") + ("?" + urlencode(query) if query else "")
        headers = {"Accept": accept, "Accept-Encoding": "identity", **self._headers}
        kept, self._connection = self._connection, None
        if kept is not None:
            try:
                return self._ask(kept, target, headers)
            except (http.client.RemoteDisconnected, ConnectionError):
                kept.close()  # The server had closed the idle connection, which is its right.
        try:
            return self._ask(self._connect(), target, headers)
        except http.client.IncompleteRead as error:
            raise FetchError(f"{self._name} broke off in the middle of its answer") from error
        except (OSError, http.client.HTTPException) as error:
            raise FetchError(f"Could not get an answer from {self._name}: {_reason(error)}") from error

    def _ask(self, connection: http.client.HTTPConnection, target: str, headers: dict[str, str]) -> Response:
        """The connection is kept only when the whole answer was read."""

        def work() -> Response:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            body = read_body(answer.read1, self._limits.size, self._name)
            if answer.length:
                raise http.client.IncompleteRead(body, answer.length)
            if answer.status in (301, 302, 303, 307, 308):
                raise FetchError(
                    f"{self._name} answered {answer.status} and points to "
                    f"{self._shown(answer.headers.get('Location', ''))}: give that address instead"
                )
            return Response(answer.status, answer.headers.get("Content-Type", ""), body)

        response = within(self._limits.seconds, work, self._name)
        self._connection = connection
        return response


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); give the CA as ca_cert"
    return str(error) or type(error).__name__
