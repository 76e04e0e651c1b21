"""All requests, in groups; each group has a namespace of its own and runs from top to bottom."""

from __future__ import annotations

import copy
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.certificates import Authority
from lab.kubernetes.embedded import EmbeddedKubernetes
from lab.settings import Settings
from tests.conformance.comparison import Comparison, Declared, Difference, undeclared
from tests.conformance.exchange import Request, Server
from tests.conformance.role_objects import role_requests

_FOLDER = Path(__file__).parent
_CONTROLLER_SECONDS = 20
_PAUSE_SECONDS = 0.05
#: Paths of the API groups in the namespace of the group of requests.
_PATHS = {
    "core": "/api/v1/namespaces/<namespace>",
    "apps": "/apis/apps/v1/namespaces/<namespace>",
    "batch": "/apis/batch/v1/namespaces/<namespace>",
    "networking": "/apis/networking.k8s.io/v1/namespaces/<namespace>",
    "rbac": "/apis/rbac.authorization.k8s.io/v1/namespaces/<namespace>",
    "external secrets": "/apis/external-secrets.io/v1/namespaces/<namespace>",
    "monitoring": "/apis/monitoring.coreos.com/v1/namespaces/<namespace>",
}
#: What a new namespace gets from controllers; before that, a list would show chance.
_FURNISHED = (
    Request("furniture: service account", "GET <core>/serviceaccounts/default"),
    Request("furniture: root certificate", "GET <core>/configmaps/kube-root-ca.crt"),
)


@dataclass(frozen=True)
class Group:
    """Requests that build on each other."""

    name: str
    requests: tuple[Request, ...]
    #: Spends its time waiting for controllers, so that others may run meanwhile.
    waits: bool = False


def groups() -> list[Group]:
    """The groups of all files, and what the roles send."""
    found = [_group(path) for path in sorted((_FOLDER / "requests").glob("*.yml"))]
    return [*found, Group("roles", role_requests())]


def declared() -> list[Declared]:
    """The differences that are known."""
    entries = yaml.load((_FOLDER / "differences.yml").read_text(), yaml.CSafeLoader)
    return [Declared(**entry) for entry in entries]


def _group(path: Path) -> Group:
    document: Mapping[str, Any] = yaml.load(path.read_text(), yaml.CSafeLoader)
    requests = tuple(Request.read(path.stem, entry) for entry in document["requests"])
    return Group(path.stem, requests, document.get("waits", False))


class Judge:
    """Sends every request to a real server and to the embedded one, and says what differs."""

    def __init__(self, real: Path, embedded: Path) -> None:
        """Both are kubeconfigs."""
        self._kubeconfigs = (real, embedded)
        self._suffix = secrets.token_hex(3)
        #: What the real one warned of, by the request's id.
        self.warnings: dict[str, list[str]] = {}
        version = Server(real).send(Request("version", "GET /version")).body
        # EKS adds a plus.
        self.minor = int(version["minor"].rstrip("+"))
        self.known = [entry for entry in declared() if entry.concerns(self.minor)]

    def differences(self, all_groups: Sequence[Group]) -> dict[str, list[Difference]]:
        """All differences of the answers to each request, by its id."""
        with ThreadPoolExecutor() as pool:
            waiting = [pool.submit(self._judge, group) for group in all_groups if group.waits]
            results = [self._judge(group) for group in all_groups if not group.waits]
            results += [future.result() for future in waiting]
        return {name: found for result in results for name, found in result.items()}

    def _judge(self, group: Group) -> dict[str, list[Difference]]:
        servers = [Server(kubeconfig) for kubeconfig in self._kubeconfigs]
        for server in servers:
            self._prepare(server, group)
        trial = Trial(servers, self.known)
        result = {request.id: trial.differences(request) for request in group.requests}
        self.warnings |= trial.warnings
        for server in servers:
            server.send(Request("end", "DELETE /api/v1/namespaces/<namespace>"))
        return result

    def _prepare(self, server: Server, group: Group) -> None:
        server.know(namespace=f"{group.name}-{self._suffix}", **_PATHS)
        server.send(Request("begin", "POST /api/v1/namespaces", {"metadata": {"name": "<namespace>"}}))
        for request in _FURNISHED:
            if not _wait(lambda request=request: server.send(request).status == 200):
                raise RuntimeError(f"{request.id} of group {group.name} did not appear")


@dataclass(frozen=True)
class Verdict:
    """What came of all requests."""

    #: Minor version of the real API server, and the differences that it is known to have.
    minor: int
    known: Sequence[Declared]
    #: By the request's id; so are the warnings of the real API server.
    differences: Mapping[str, list[Difference]]
    warnings: Mapping[str, list[str]]


def verdict(real: Path) -> Verdict:
    """Send all requests to the cluster of a kubeconfig, and to an embedded API made for that.

    Everything is sent, in order, whichever tests are chosen: requests build on each other.
    """
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(state=Path(directory))
        server = EmbeddedKubernetes(settings, Authority.create(settings.state / "certificates"))
        server.start()
        try:
            judge = Judge(real, server.kubeconfig)
            differences = judge.differences(groups())
            return Verdict(judge.minor, judge.known, differences, judge.warnings)
        finally:
            server.stop()


class Trial:
    """The requests of one group, one after the other."""

    def __init__(self, servers: Sequence[Server], known: Sequence[Declared]) -> None:
        self._servers = servers
        self._known = known
        self._comparison = Comparison()
        #: What the first server warned of, by the request's id.
        self.warnings: dict[str, list[str]] = {}

    def differences(self, request: Request) -> list[Difference]:
        """All differences of the answers to one request."""
        found: list[Difference] = []

        def settled() -> bool:
            nonlocal found
            # What an attempt saw counts only if it is the last one.
            attempt = copy.deepcopy(self._comparison) if request.until else self._comparison
            answers = [server.send(request) for server in self._servers]
            self.warnings[request.id] = answers[0].warnings
            found = attempt.differences(*answers)
            accepted = not undeclared(request.id, found, self._known)
            if accepted:
                self._comparison = attempt
            return accepted

        if request.until:
            _wait(settled)
        else:
            settled()
        return found


def _wait(settled: Callable[[], bool]) -> bool:
    """Repeat until it is so, or until that has lasted too long."""
    end = time.monotonic() + _CONTROLLER_SECONDS
    while not (done := settled()) and time.monotonic() < end:
        time.sleep(_PAUSE_SECONDS)
    return done
