# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question and its answer over a connection of http.client. PRIVATE: it may change at any time."""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Limits,
    Response,
    read_body,
    too_slow,
    within,
)

Read = Callable[[int], bytes]
REDIRECTS = (301, 302, 303, 307, 308)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def exchange(
    connection: http.client.HTTPConnection, target: str, headers: Mapping[str, str], limits: Limits, name: str
) -> Response:
    """GET `target`, within the limits.

    Redirects are not followed: headers may carry a credential that belongs to this server only.
    """

    def work() -> Response:
        connection.request("GET", target, headers={"Accept-Encoding": "gzip", **headers})
        answer = connection.getresponse()
        read = _timely(answer.read1, limits.seconds, name)
        body = read_body(_decoded(read, answer, name), limits.size, name)
        if answer.length:
            raise http.client.IncompleteRead(body, answer.length)
        if answer.status in REDIRECTS:
            raise FetchError(
                f"{name} answered {answer.status} and points to "
                f"{shown(answer.headers.get('Location', ''))}: give that address instead"
            )
        return Response(answer.status, answer.headers.get("Content-Type", ""), body)

    return within(limits.seconds, work, name)


def sendable(headers: Mapping[str, object]) -> dict[str, str]:
    """The headers as text. Raises FetchError for one that cannot be sent, without its value.

    What is no name may be a whole header, credential and all, so it is not repeated either.
    """
    for name, value in headers.items():
        if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
            raise FetchError("What is given as the name of a header is none: it has letters, digits and -")
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise FetchError(f"The value of the header {name} is no text")
        if not HEADER_VALUE.fullmatch(str(value)):
            raise FetchError(
                f"The value of the header {name} has a character that it cannot have: a line end?"
            )
    return {name: str(value) for name, value in headers.items()}


def joined(path: str, *queries: str) -> str:
    """What is asked of a server: a path, and the queries that are not empty."""
    query = "&".join(filter(None, queries))
    return f"{path}?{query}" if query else path


@contextlib.contextmanager
def told(name: str) -> Iterator[None]:
    """What goes wrong on the way becomes a FetchError about the server called `name`."""
    try:
        yield
    except http.client.IncompleteRead as error:
        raise FetchError(f"{name} broke off in the middle of its answer") from error
    except zlib.error as error:
        raise FetchError(f"{name} sent what is not gzip, though it says so: {error}") from error
    except http.client.InvalidURL:
        raise _malformed(name) from None
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"Could not get an answer from {name}: {_reason(error)}") from error
    except (TypeError, ValueError):
        raise _malformed(name) from None


def shown(url: str) -> str:
    """The URL without user, password and query, any of which may be a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _malformed(name: str) -> FetchError:
    """Of what http.client refuses to send; its words repeat header and query, which may be secrets."""
    return FetchError(f"Could not ask {name}: a header or the address has a character that it cannot have")


def _timely(read: Read, seconds: float, name: str) -> Read:
    """Ends the thread that reads an endless answer when nobody waits for it any more."""
    deadline = time.monotonic() + seconds

    def read_in_time(size: int) -> bytes:
        if time.monotonic() > deadline:
            raise too_slow(name, seconds)
        return read(size)

    return read_in_time


def _decoded(read: Read, answer: http.client.HTTPResponse, name: str) -> Read:
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return read
    if encoding != "gzip":
        raise FetchError(f"{name} answered in the encoding {encoding}, which nobody asked for")
    return _Unpacked(read)


class _Unpacked:
    """A reader of gzip, piece by piece: a small body may unpack to one without end."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def __call__(self, size: int) -> bytes:
        while not self._gzip.eof:
            packed = self._gzip.unconsumed_tail or self._read(size)
            if piece := self._gzip.decompress(packed, size):
                return piece
            if not packed and not self._gzip.eof:
                raise http.client.IncompleteRead(b"")
        if self._gzip.unused_data or self._read(1):
            raise zlib.error("something follows its end")
        return b""


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); give the CA as ca_cert"
    if isinstance(error, ssl.SSLError) and error.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED":
        return "it wants a certificate of its client; give client_cert and client_key"
    return str(error) or type(error).__name__
