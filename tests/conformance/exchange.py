"""Requests as data, and a client that sends them to an API server."""

from __future__ import annotations

import base64
import json
import re
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
import yaml

#: Short names of content types.
MEDIA = {
    "apply": "application/apply-patch+yaml",
    "json": "application/json",
    "json patch": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "yaml": "application/yaml",
}
_NAME = re.compile(r"<([a-z][a-z ]*)>")
#: Far longer than any answer takes, so that a watch which says nothing fails the test instead of hanging it.
_TIMEOUT = urllib3.Timeout(connect=20, read=60)


@dataclass(frozen=True)
class Request:
    """One request. `<name>` in its path and body stands for a value of the server it is sent to."""

    id: str
    send: str
    body: Any = None
    #: A body that is no document.
    text: str | None = None
    media: str = "json"
    accept: str = "application/json"
    token: str | None = None
    #: Values of the answer that later requests use: name -> dotted path.
    keep: Mapping[str, str] = field(default_factory=dict)
    #: A controller of the real server does this in its own time: repeat until the answers are equal.
    until: bool = False
    #: A watch: read so many events, then hang up.
    events: int = 0

    @classmethod
    def read(cls, group: str, entry: Mapping[str, Any]) -> Request:
        """A request of a file; `as` is no name that Python allows."""
        fields = {("media" if key == "as" else key): value for key, value in entry.items() if key != "it"}
        return cls(id=f"{group}: {entry['it']}", **fields)


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    media: str
    warnings: list[str]
    body: Any


class Server:
    """An API server as the user of a kubeconfig sees it, and the values that requests to it refer to."""

    def __init__(self, kubeconfig: Path) -> None:
        cluster, user = _current_context(yaml.safe_load(kubeconfig.read_text()))
        self._address = str(cluster["server"])
        self._authorization = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        # Whoever shows a certificate is its owner, whatever the token says.
        self._pool, self._anonymous = (
            urllib3.PoolManager(ssl_context=_ssl_context(cluster, who), retries=False) for who in (user, {})
        )
        self._values: dict[str, str] = {}

    def know(self, **values: str) -> None:
        """Forget the values of one group of requests, and begin another one with these."""
        self._values = values

    def send(self, request: Request) -> Answer:
        """Send a request, and keep of the answer what later ones need."""
        method, path = self._filled(request.send).split(" ", 1)
        headers = {"Accept": request.accept, "User-Agent": "conformance/1", **self._authorization}
        content = self._content(request)
        if content is not None:
            headers["Content-Type"] = MEDIA.get(request.media, request.media)
        pool = self._pool
        if request.token is not None:
            pool = self._anonymous
            headers["Authorization"] = f"Bearer {self._filled(request.token)}"
        response = pool.request(
            method,
            self._address + path,
            body=content,
            headers=headers,
            timeout=_TIMEOUT,
            preload_content=not request.events,
        )
        answer = Answer(
            response.status,
            response.headers.get("Content-Type", ""),
            response.headers.getlist("Warning"),
            _events(response, request.events) if request.events else _document(response.data),
        )
        for name, place in request.keep.items():
            self._values[name] = _dig(answer.body, place)
        return answer

    def _content(self, request: Request) -> bytes | None:
        if request.text is not None:
            return request.text.encode()
        if request.body is None:
            return None
        return self._filled(json.dumps(request.body, ensure_ascii=False)).encode()

    def _filled(self, text: str) -> str:
        return _NAME.sub(lambda match: self._filled(self._values[match[1]]), text)


def _events(response: urllib3.BaseHTTPResponse, count: int) -> list[Any]:
    """The first lines of a watch; everything when it is none after all."""
    rest, events = b"", []
    for chunk in response.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        events += map(_document, lines)
        if len(events) >= count:
            break
    response.close()
    return events[:count] or [_document(rest)]


def _document(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode()


def _dig(body: Any, place: str) -> str:
    """A value of an answer; a word instead of it when the answer is another one than it should be."""
    for key in place.split("."):
        body = body.get(key, "missing") if isinstance(body, dict) else "missing"
    return str(body)


def _current_context(config: Any) -> tuple[Any, Any]:
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    return cluster, _named(config["users"], context["user"])["user"]


def _named(entries: Any, name: str) -> Any:
    return next(entry for entry in entries if entry["name"] == name)


def _ssl_context(cluster: Any, user: Any) -> ssl.SSLContext:
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    if "client-certificate-data" in user:
        # OpenSSL reads certificates of clients from files only.
        with tempfile.NamedTemporaryFile() as file:
            for name in ("client-certificate-data", "client-key-data"):
                file.write(base64.b64decode(user[name]))
            file.flush()
            context.load_cert_chain(file.name)
    elif "client-certificate" in user:
        context.load_cert_chain(user["client-certificate"], user["client-key"])
    return context
