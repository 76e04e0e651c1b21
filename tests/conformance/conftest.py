"""The laboratories of the conformance tests, and what was done on them.

Each is started at most once. What takes long begins at once, and goes on beside the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible.plugins.loader import init_plugin_loader

from lab.network import private
from tests.conformance.external_secrets import Scene, make
from tests.conformance.faults import faults
from tests.conformance.journeys import Interrupted, Journey, interrupted_journey, journey
from tests.conformance.progress import Judged, Progress
from tests.conformance.quiet import quiet
from tests.conformance.scenarios import Verdict, verdict
from tests.e2e.laboratory import Laboratory

if TYPE_CHECKING:
    from tests.conformance.explanations import Explanations

#: The oldest of what lab/programs/versions.toml names.
OLDER = {"LAB_KUBERNETES_VERSION": "1.34.4", "LAB_EXTERNAL_SECRETS_VERSION": "0.17.0"}
CONTROL_PLANE = {"LAB_KUBERNETES": "control-plane"}


def pytest_configure() -> None:
    """Ansible must be the first to import from collections, or it does not find their filters."""
    init_plugin_loader()


class Started:
    """Laboratories that start when they are first wanted, also by several threads at a time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._pool = ThreadPoolExecutor()
        self._running: dict[str, Future[Judged]] = {}

    def begin(self, name: str, **environment: str) -> Future[Judged]:
        """Start a laboratory, unless that has been done."""
        if name not in self._running:
            laboratory = Judged(name, self._progress, **environment)
            self._running[name] = self._pool.submit(self._up, laboratory)
        return self._running[name]

    def end(self) -> None:
        """Stop all of them."""
        for future in self._running.values():
            if future.exception() is None:
                self._pool.submit(future.result().command, "down")
        self._pool.shutdown()

    @staticmethod
    def _up(laboratory: Judged) -> Judged:
        with laboratory.step("lab up"):
            up = laboratory.command("up", check=False)
        if up.returncode != 0:
            laboratory.command("down", check=False)
            raise RuntimeError(f"lab up ({laboratory.name}): {up.stdout}{up.stderr}")
        return laboratory


@pytest.fixture(scope="session")
def started(request: pytest.FixtureRequest) -> Iterator[Started]:
    private.require()
    laboratories = Started(Progress(request.config.pluginmanager.getplugin("terminalreporter")))
    yield laboratories
    laboratories.end()


@dataclass(frozen=True)
class UnderWay:
    """What goes on beside the tests."""

    usual: Future[Journey]
    interrupted: Future[Interrupted]
    verdicts: Mapping[str, Future[Verdict]]
    #: What external_secret_sync said of each fault on the oldest External Secrets.
    explanations: Future[Explanations]


@pytest.fixture(scope="session", autouse=True)
def under_way(started: Started) -> UnderWay:
    """Begin with all that takes long."""
    travelled = started.begin("usual", **CONTROL_PLANE)
    older = started.begin("older", **CONTROL_PLANE, **OLDER)
    plane = started.begin("plane", **CONTROL_PLANE)
    pool = ThreadPoolExecutor()
    verdicts = {
        name: pool.submit(lambda lab=lab: _verdict(lab.result()))
        for name, lab in {"usual": plane, "older": older}.items()
    }

    def explain() -> Explanations:
        wait([verdicts["older"]])
        return _explanations(older.result())

    explanations = pool.submit(explain)

    def interrupt() -> Interrupted:
        # Servers die last.
        wait([explanations])
        return interrupted_journey(older.result())

    return UnderWay(
        usual=pool.submit(lambda: journey(travelled.result())),
        interrupted=pool.submit(interrupt),
        verdicts=verdicts,
        explanations=explanations,
    )


def _verdict(lab: Judged) -> Verdict:
    with lab.step("requests"), quiet(lab):
        return verdict(Path(lab.endpoints["kubeconfig"]))


def _explanations(lab: Judged) -> Explanations:
    # It imports from a collection: see pytest_configure.
    from tests.conformance.explanations import explain_all

    with lab.step("faults of external secrets"):
        scene = Scene(lab, faults(oldest=True))
        make(scene)
        said = explain_all(scene)
        scene.unmake()
        return said


@pytest.fixture(scope="session")
def usual(under_way: UnderWay) -> Journey:
    """One stack on the usual versions, from an empty cluster to an empty cluster."""
    return under_way.usual.result()


@pytest.fixture(scope="session")
def interrupted(under_way: UnderWay) -> Interrupted:
    """One stack on the oldest versions, where servers die while it is built."""
    return under_way.interrupted.result()


@pytest.fixture(scope="session")
def verdicts(under_way: UnderWay) -> Mapping[str, Future[Verdict]]:
    """What came of the requests to API servers of each version."""
    return under_way.verdicts


@pytest.fixture(scope="session")
def oldest_explanations(under_way: UnderWay) -> Explanations:
    """What external_secret_sync said of each fault on the oldest External Secrets."""
    return under_way.explanations.result()


@pytest.fixture(scope="session")
def plane(started: Started, verdicts: Mapping[str, Future[Verdict]]) -> Laboratory:
    """A real control plane, on which tests compare what stand-ins do, once the requests are through."""
    wait([verdicts["usual"]])
    return started.begin("plane", **CONTROL_PLANE).result()


@pytest.fixture(scope="session")
def embedded(started: Started) -> Laboratory:
    """The embedded API with its stand-ins."""
    return started.begin("embedded").result()
