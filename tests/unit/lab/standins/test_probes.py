"""Probes and containers change state as the kubelet's do."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, cast

import pytest

from lab.processes import Process
from lab.standins.kubelet.containers import Container
from lab.standins.kubelet.pod_status import pod_status
from lab.standins.kubelet.probes import Prober, ask, port_of

Object = dict[str, Any]


@pytest.mark.parametrize(
    ("probe", "answers", "passing"),
    [
        pytest.param({}, [(0, True)], True, id="one success is enough"),
        pytest.param(
            {}, [(0, False), (0.2, False), (0.4, True)], True, id="the first success is not waited for"
        ),
        pytest.param({}, [(1, False), (1.2, False), (1.4, False)], None, id="one failure counts a period"),
        pytest.param({}, [(1, False), (11, False), (21, False)], False, id="three failures, a period apart"),
        pytest.param({"failureThreshold": 1}, [(0.9, False)], None, id="a process has a second to listen"),
        pytest.param({"failureThreshold": 1}, [(1, False)], False, id="thresholds are kept"),
        pytest.param({}, [(0, True), (10, False), (20, False)], True, id="two failures are forgiven"),
        pytest.param({}, [(0, True), (10, False), (20, False), (30, False)], False, id="three are not"),
        pytest.param({"successThreshold": 2}, [(0, True)], None, id="one success where two are wanted"),
    ],
)
def test_prober(probe: Object, answers: list[tuple[float, bool]], passing: bool | None) -> None:
    prober = Prober(probe, started=0)
    for now, success in answers:
        prober.answered(success, now)
    assert prober.passing is passing


def test_the_first_probe_waits_for_the_initial_delay() -> None:
    prober = Prober({"initialDelaySeconds": 5}, started=100)
    assert [prober.due(now) for now in (100, 104.9, 105)] == [False, False, True]


class Fake:
    """A process that ends when it is told to."""

    pid = 4711

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def stop(self, signal: int, timeout: float) -> None:
        self.code = -15


def started(spec: Object, *, init: bool = False) -> tuple[Container, Fake]:
    process = Fake()
    container = Container({"name": "one", "image": "x", **spec}, init=init)
    container.begin(cast(Process, process), 0)
    return container, process


def test_a_container_without_probes_is_ready_when_it_runs() -> None:
    container, _process = started({})
    assert (container.running, container.is_started, container.ready) == (True, True, True)


def test_other_probes_wait_for_the_startup_probe() -> None:
    container, _process = started({"startupProbe": {}, "readinessProbe": {}, "livenessProbe": {}})
    assert [kind for kind, _prober in container.due_probes(0)] == ["startup"]
    container.probers["startup"].answered(True, 0)
    assert [kind for kind, _prober in container.due_probes(0)] == ["liveness", "readiness"]
    assert (container.is_started, container.ready) == (True, False)


def test_a_crash_is_followed_by_a_restart_and_then_by_pauses() -> None:
    container, process = started({})
    process.code = 2
    assert container.poll(1)
    assert container.state["terminated"]["exitCode"] == 2
    assert container.startable("Always", 1), "the first restart comes at once"
    again = Fake()
    container.begin(cast(Process, again), 1)
    assert (container.restarts, container.last["terminated"]["exitCode"]) == (1, 2)
    again.code = -9
    container.poll(2)
    assert container.state["terminated"]["exitCode"] == 137
    assert container.backing_off("Always", 2)
    container.wait("CrashLoopBackOff", "")
    assert not container.startable("Always", 2.5)
    assert container.poll(3.1), "the end of the pause is news"
    assert container.startable("Always", 3.1)


@pytest.mark.parametrize(
    ("policy", "code", "startable"),
    [
        pytest.param("Never", 1, False, id="Never"),
        pytest.param("OnFailure", 0, False, id="OnFailure after success"),
        pytest.param("OnFailure", 1, True, id="OnFailure after failure"),
        pytest.param("Always", 0, True, id="Always"),
    ],
)
def test_restart_policy(policy: str, code: int, startable: bool) -> None:
    container, process = started({})
    process.code = code
    container.poll(1)
    assert container.startable(policy, 1) is startable


def test_an_init_container_runs_once() -> None:
    container, process = started({}, init=True)
    process.code = 0
    container.poll(1)
    assert (container.succeeded, container.ready, container.startable("Always", 1)) == (True, True, False)


@pytest.mark.parametrize(
    ("containers", "phase", "ready"),
    [
        pytest.param([started({})[0]], "Running", "True", id="all run"),
        pytest.param(
            [started({})[0], Container({"name": "two", "image": "x"})], "Pending", "False", id="one waits"
        ),
        pytest.param([started({"readinessProbe": {}})[0]], "Running", "False", id="not ready yet"),
    ],
)
def test_pod_status(containers: list[Container], phase: str, ready: str) -> None:
    status = pod_status({"spec": {}}, ("127.0.0.1", "127.60.0.1"), [], containers)
    conditions = {one["type"]: one["status"] for one in status["conditions"]}
    assert (status["phase"], conditions["Ready"], status["podIP"]) == (phase, ready, "127.60.0.1")


def test_a_pod_has_no_network_before_its_volumes() -> None:
    status = pod_status({"spec": {}}, ("127.0.0.1", None), [], [Container({"name": "one", "image": "x"})])
    conditions = {one["type"]: one["status"] for one in status["conditions"]}
    assert (conditions["PodReadyToStartContainers"], conditions["PodScheduled"]) == ("False", "True")
    assert not status.keys() & {"podIP", "podIPs"}


def test_ports_by_name() -> None:
    container = {"ports": [{"name": "metrics", "containerPort": 9187}]}
    assert [port_of(container, port) for port in (80, "81", "metrics")] == [80, 81, 9187]
    with pytest.raises(ValueError, match="couldn't find port: nope"):
        port_of(container, "nope")


def test_asking_where_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert ask({"tcpSocket": {"port": port}}, {}, "127.0.0.1") == refused
    url = f"http://127.0.0.1:{port}/ready"
    assert ask({"httpGet": {"port": port, "path": "/ready"}}, {}, "127.0.0.1") == f'Get "{url}": {refused}'


def test_a_process_that_dies_is_noticed(tmp_path: Path) -> None:
    container = Container({"name": "one", "image": "x"})
    container.begin(Process.start("one", ["/bin/sleep", "60"], log=tmp_path / "log", env={}), 0)
    assert not container.poll(1)
    container.kill(grace=5)
    assert container.state["terminated"]["exitCode"] == 143
