"""Small HTTP servers that misbehave in a chosen way."""

from __future__ import annotations

import contextlib
import ssl
import threading
import typing as t
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
Behaviour = Callable[[BaseHTTPRequestHandler], None]


def page(body: bytes | str, content_type: str = TEXT_FORMAT, status: int = 200, **headers: str) -> Behaviour:
    """Answer with this body."""
    data = body.encode() if isinstance(body, str) else body

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data)

    return behave


def zipped(*pieces: bytes) -> Behaviour:
    """Answer with these bytes as the body, and say that it is gzip."""
    return page(b"".join(pieces), **{"Content-Encoding": "gzip"})


def bomb(piece: bytes) -> Behaviour:
    """Send a small gzip stream that unpacks to pieces without end."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
        request.send_response(200)
        request.send_header("Content-Type", TEXT_FORMAT)
        request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        with contextlib.suppress(OSError):
            while True:
                request.wfile.write(packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH))
        request.close_connection = True

    return behave


def truncated(body: bytes) -> Behaviour:
    """Promise more than is sent, then hang up."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", TEXT_FORMAT)
        request.send_header("Content-Length", str(len(body) + 100))
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = True

    return behave


def endless(request: BaseHTTPRequestHandler) -> None:
    """Send as fast as the client reads, until it hangs up."""
    request.send_response(200)
    request.send_header("Content-Type", TEXT_FORMAT)
    request.end_headers()
    with contextlib.suppress(OSError):
        while True:
            request.wfile.write(b"# endless\n" * 10_000)
    request.close_connection = True


def dripping(stop: threading.Event, length: int | None = None) -> Behaviour:
    """Send a byte now and then, never an end."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", TEXT_FORMAT)
        if length is not None:
            request.send_header("Content-Length", str(length))
        request.end_headers()
        with contextlib.suppress(OSError):
            while not stop.wait(0.02):
                request.wfile.write(b"#")
        request.close_connection = True

    return behave


def dripping_header(stop: threading.Event) -> Behaviour:
    """Never get through with the headers."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not stop.wait(0.02):
                request.wfile.write(b"x")
        request.close_connection = True

    return behave


class Server:
    """A running server: `url`, the paths that were asked for, and how many connections were made."""

    def __init__(self, answer: Behaviour, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server.connections += 1

            def do_GET(self) -> None:
                server.requests.append(self.path)
                server.headers.append(dict(self.headers.items()))
                answer(self)

            def log_message(self, format: str, *args: t.Any) -> None:
                """Keep the output of the tests clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            # The handshake is left to the thread of the connection.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def serve(
    answer: Behaviour, context: ssl.SSLContext | None = None
) -> contextlib.AbstractContextManager[Server]:
    """A server that gives this answer to every GET, over TLS when there is a context."""
    return Server(answer, context).running()
