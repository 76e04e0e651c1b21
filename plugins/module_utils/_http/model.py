# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking an HTTP server with a bound on bytes and seconds. PRIVATE: it may change at any time."""

from __future__ import annotations

import queue
import threading
import typing as t
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Query = Sequence[tuple[str, str]]
T = t.TypeVar("T")

MEBIBYTE = 1024 * 1024
CHUNK = 64 * 1024


class FetchError(Exception):
    """The answer could not be had; the text is a sentence for the user, without a secret in it."""


@dataclass(frozen=True)
class Limits:
    """What one answer may cost at most."""

    size: int = 32 * MEBIBYTE
    seconds: float = 30.0


@dataclass(frozen=True)
class Response:
    """A complete answer."""

    status: int
    content_type: str
    body: bytes

    def text(self, length: int = 200, hide: Callable[[str], str] = str) -> str:
        """The beginning of the body in one line, for messages; `hide` takes secrets out before it is cut."""
        line = " ".join(hide(self.body.decode("utf-8", "replace")).split())
        return line if len(line) <= length else line[:length] + "..."


class Source(t.Protocol):
    """A server, however it is reached."""

    @property
    def name(self) -> str:
        """What the server is called in messages."""

    def fetch(self, path: str, query: Query = (), *, accept: str = "application/json") -> Response:
        """GET `path`, which is appended to the address of the source. Raises FetchError."""


def read_body(read: Callable[[int], bytes], limit: int, name: str) -> bytes:
    """All that `read` gives. Raises FetchError when that is more than `limit` bytes."""
    body = bytearray()
    while chunk := read(CHUNK):
        body += chunk
        if len(body) > limit:
            raise FetchError(f"{name} sent more than {limit} bytes: this is no metrics page or API answer")
    return bytes(body)


def too_slow(name: str, seconds: float) -> FetchError:
    """What is said of an answer that takes longer than it may."""
    return FetchError(f"{name} did not finish its answer within {seconds:g} s")


def within(seconds: float, work: Callable[[], T], name: str) -> T:
    """Do `work`, and give up after `seconds`, whatever it waits for: a connection, a header, a slow drip.

    Socket timeouts bound one read, not the sum of them. The thread that is given up dies with the process.
    Raises FetchError when the time is over; what `work` raises passes through.
    """
    outcome: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise too_slow(name, seconds) from None
    if error is not None:
        raise error
    return t.cast(T, result)
