"""A small client of the Kubernetes API: the verbs that a controller needs, and nothing else."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import urllib3
import yaml

from lab.standins.api.kinds import POD, SERVICE_ACCOUNT, Kind
from lab.standins.api.objects import Object

MERGE_PATCH = "application/merge-patch+json"
#: Seconds after which the server ends a watch; the client then opens the next one.
WATCH_SECONDS = 600


class ApiError(Exception):
    """The API refused a request or could not be reached (`status` 0)."""

    def __init__(self, what: str, status: int, reason: str, message: str) -> None:
        super().__init__(f"{what}: {message or reason} ({status or 'no answer'})")
        self.status = status
        self.reason = reason
        self.message = message


class Api:
    """The Kubernetes API as one user; safe for use by several threads."""

    def __init__(self, kubeconfig: Path, agent: str) -> None:
        """Read the current context of `kubeconfig`; `agent` is the name by which fields are owned."""
        cluster, user = _current_context(yaml.safe_load(kubeconfig.read_text()))
        self.server = str(cluster["server"])
        self.authority = _authority(cluster)
        self._pool = urllib3.PoolManager(
            maxsize=16,
            ssl_context=_ssl_context(self.authority, user),
            timeout=urllib3.Timeout(connect=5, read=30),
            headers=urllib3.make_headers(user_agent=agent) | _authorization(user),
            retries=False,
        )
        self._watches: set[urllib3.BaseHTTPResponse] = set()
        self.closed = False
        self._lock = threading.Lock()

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None when there is none."""
        try:
            return self._request("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def find(
        self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        """All objects, or those of a namespace, or those with all of `labels`."""
        return self.find_with_version(kind, namespace, labels)[0]

    def find_with_version(
        self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> tuple[list[Object], str]:
        """The objects and the resource version from which a watch continues."""
        selector = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
        answer = self._request(
            "GET", kind.path(namespace), query={"labelSelector": selector} if selector else None
        )
        # Items of a list carry neither kind nor apiVersion.
        items = [{"apiVersion": kind.api, "kind": kind.name, **item} for item in answer.get("items") or []]
        return items, str(answer["metadata"]["resourceVersion"])

    def create(self, kind: Kind, body: Object, manager: str | None = None) -> Object:
        """Create an object and return it as stored."""
        query = {"fieldManager": manager} if manager else None
        return self._request("POST", kind.path(body["metadata"].get("namespace")), body, query=query)

    def ensure(self, kind: Kind, body: Object) -> Object:
        """Create an object unless there is one of its name; what is there stays as it is."""
        try:
            return self.create(kind, body)
        except ApiError as error:
            if error.status != 409:
                raise
        metadata = body["metadata"]
        return self._request("GET", kind.path(metadata.get("namespace"), metadata["name"]))

    def replace(self, kind: Kind, body: Object, manager: str | None = None) -> Object:
        """Write a whole object; a resourceVersion in it must be the current one."""
        metadata = body["metadata"]
        query = {"fieldManager": manager} if manager else None
        return self._request("PUT", kind.path(metadata.get("namespace"), metadata["name"]), body, query=query)

    def patch(
        self,
        kind: Kind,
        name: str,
        namespace: str | None,
        patch: Object,
        part: str | None = None,
        manager: str | None = None,
    ) -> Object:
        """Merge `patch` into an object, or into a `part` (subresource) of it."""
        query = {"fieldManager": manager} if manager else None
        path = kind.path(namespace, name, part)
        return self._request("PATCH", path, patch, query=query, content_type=MERGE_PATCH)

    def set_status(self, kind: Kind, observed: Object, status: Object) -> None:
        """Merge `status` into the object's status; nothing is sent when that changes nothing."""
        current = observed.get("status") or {}
        if any(current.get(key) != value for key, value in status.items()):
            metadata = observed["metadata"]
            self.patch(kind, metadata["name"], metadata.get("namespace"), {"status": status}, "status")

    def delete(self, kind: Kind, name: str, namespace: str | None = None, grace: int | None = None) -> None:
        """Delete an object; no error when there is none. `grace` is seconds."""
        options = {} if grace is None else {"gracePeriodSeconds": grace}
        try:
            self._request("DELETE", kind.path(namespace, name), options)
        except ApiError as error:
            if error.status != 404:
                raise

    def bind(self, namespace: str, pod: str, node: str) -> None:
        """Assign a pod to a node."""
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod}, "target": target}
        self._request("POST", POD.path(namespace, pod, "binding"), body)

    def token(
        self,
        namespace: str,
        account: str,
        audiences: Sequence[str] = (),
        seconds: int = 3600,
        pod: Object | None = None,
    ) -> str:
        """A token of a service account, made by the API's TokenRequest; it ends with `pod` if given."""
        spec: Object = {"expirationSeconds": seconds, **({"audiences": list(audiences)} if audiences else {})}
        if pod:
            names = {key: pod["metadata"][key] for key in ("name", "uid")}
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", **names}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        answer = self._request("POST", SERVICE_ACCOUNT.path(namespace, account, "token"), body)
        return str(answer["status"]["token"])

    def watch(self, kind: Kind, version: str) -> Iterator[tuple[str, Object]]:
        """Changes after `version`, until the server or `close` ends it.

        Each is (ADDED|MODIFIED|DELETED|BOOKMARK|ERROR, object).
        """
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(WATCH_SECONDS)}
        response = self._send("GET", kind.path(), query=query, stream=True)
        try:
            with self._lock:
                if self.closed:
                    return
                self._watches.add(response)
            yield from _events(response)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(f"watch {kind.plural}", 0, type(error).__name__, str(error)) from error
        finally:
            with self._lock:
                self._watches.discard(response)
            response.close()

    def close(self) -> None:
        """End all watches, also those that wait in another thread; there will be no more."""
        with self._lock:
            self.closed = True
            for response in self._watches:
                # One that has just ended by itself cannot be ended.
                with contextlib.suppress(OSError, RuntimeError, ValueError):
                    response.shutdown()

    def _request(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        response = self._send(method, path, body, query=query, content_type=content_type)
        answer: Object = json.loads(response.data)
        return answer

    def _send(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        what = f"{method} {path}"
        headers = {**self._pool.headers, "Accept": "application/json", "Content-Type": content_type}
        try:
            response = self._pool.request(
                method,
                self.server + path + (f"?{urllib.parse.urlencode(query)}" if query else ""),
                body=None if body is None else json.dumps(body).encode(),
                headers=headers,
                preload_content=not stream,
                # A watch is silent for as long as nothing changes.
                timeout=urllib3.Timeout(connect=5, read=WATCH_SECONDS + 30) if stream else None,
            )
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(what, 0, type(error).__name__, str(error)) from error
        if response.status >= 400:
            raise _error(what, response)
        return response


def _events(response: urllib3.BaseHTTPResponse) -> Iterator[tuple[str, Object]]:
    rest = b""
    for chunk in response.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in filter(None, lines):
            event = json.loads(line)
            yield event["type"], event["object"]


def _error(what: str, response: urllib3.BaseHTTPResponse) -> ApiError:
    try:
        status = json.loads(response.data)
        return ApiError(what, response.status, status.get("reason", ""), status.get("message", ""))
    except (ValueError, AttributeError):
        return ApiError(what, response.status, response.reason or "", response.data.decode(errors="replace"))


def _current_context(config: Object) -> tuple[Object, Object]:
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster: Object = _named(config["clusters"], context["cluster"])["cluster"]
    user: Object = _named(config["users"], context["user"])["user"]
    return cluster, user


def _named(entries: Sequence[Object], name: str) -> Object:
    return next(entry for entry in entries if entry["name"] == name)


def _authorization(user: Object) -> dict[str, str]:
    return {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}


def _authority(cluster: Object) -> str:
    if "certificate-authority-data" in cluster:
        return base64.b64decode(cluster["certificate-authority-data"]).decode()
    return Path(cluster["certificate-authority"]).read_text()


def _ssl_context(authority: str, user: Object) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority)
    if "client-certificate" in user:
        context.load_cert_chain(user["client-certificate"], user["client-key"])
    return context
