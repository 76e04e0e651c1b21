"""The laboratories of the conformance tests, and what playbooks did on them.

Each is started at most once. The journeys take longest: they begin at once, and go on beside the other tests.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.network import private
from tests.conformance.journeys import Interrupted, Journey, interrupted_journey, journey
from tests.conformance.quiet import quiet
from tests.conformance.scenarios import Verdict, verdict
from tests.e2e.laboratory import Laboratory

#: The oldest of what lab/programs/versions.toml names.
OLDER = {"LAB_KUBERNETES_VERSION": "1.34.4", "LAB_EXTERNAL_SECRETS_VERSION": "0.17.0"}
CONTROL_PLANE = {"LAB_KUBERNETES": "control-plane"}


class Started:
    """Laboratories that start when they are first wanted, also by several threads at a time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor()
        self._running: dict[str, Future[Laboratory]] = {}

    def begin(self, name: str, **environment: str) -> Future[Laboratory]:
        """Start a laboratory, unless that has been done."""
        if name not in self._running:
            self._running[name] = self._pool.submit(self._up, name, environment)
        return self._running[name]

    def end(self) -> None:
        """Stop all of them."""
        for future in self._running.values():
            if future.exception() is None:
                self._pool.submit(future.result().command, "down")
        self._pool.shutdown()

    @staticmethod
    def _up(name: str, environment: dict[str, str]) -> Laboratory:
        state = Path(tempfile.mkdtemp(prefix=f"judge-{name}-"))
        shutil.rmtree(state)
        laboratory = Laboratory(state, **environment)
        up = laboratory.command("up", check=False)
        if up.returncode != 0:
            laboratory.command("down", check=False)
            raise RuntimeError(f"lab up ({name}): {up.stdout}{up.stderr}")
        return laboratory


@pytest.fixture(scope="session")
def started() -> Iterator[Started]:
    private.require()
    laboratories = Started()
    yield laboratories
    laboratories.end()


@dataclass(frozen=True)
class UnderWay:
    """What goes on beside the tests."""

    usual: Future[Journey]
    interrupted: Future[Interrupted]
    verdicts: Mapping[str, Future[Verdict]]


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

    def interruption() -> Interrupted:
        # Before servers die there.
        wait([verdicts["older"]])
        return interrupted_journey(older.result())

    return UnderWay(pool.submit(lambda: journey(travelled.result())), pool.submit(interruption), verdicts)


def _verdict(lab: Laboratory) -> Verdict:
    with quiet(lab):
        return verdict(Path(lab.endpoints["kubeconfig"]))


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
def plane(started: Started, verdicts: Mapping[str, Future[Verdict]]) -> Laboratory:
    """A real control plane, on which tests compare what stand-ins do, once the requests are through."""
    wait([verdicts["usual"]])
    return started.begin("plane", **CONTROL_PLANE).result()


@pytest.fixture(scope="session")
def embedded(started: Started) -> Laboratory:
    """The embedded API with its stand-ins."""
    return started.begin("embedded").result()
