"""Which connection to a pod NetworkPolicies admit, and whose connection it is."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lab.network.relay import Relay
from lab.standins.network_policies.clients import process_behind
from lab.standins.network_policies.decision import Connection, admitted

Object = dict[str, Any]
NAMESPACES = {"monitoring": {"team": "sre"}, "observability": {}, "default": {}}
FROM_MONITORING: Object = {"namespaceSelector": {"matchLabels": {"team": "sre"}}}
FROM_PROMETHEUS: Object = {"podSelector": {"matchLabels": {"app": "prometheus"}}}


def pod(namespace: str, app: str, address: str = "127.60.0.1") -> Object:
    ports = [{"name": "metrics", "containerPort": 9187}]
    return {
        "metadata": {"namespace": namespace, "name": app, "labels": {"app": app}},
        "spec": {"containers": [{"ports": ports}]},
        "status": {"podIP": address},
    }


def policy(*ingress: Object, namespace: str = "observability", **spec: Any) -> Object:
    found = {"podSelector": {"matchLabels": {"app": "exporter"}}, "ingress": list(ingress), **spec}
    return {"metadata": {"namespace": namespace, "name": "p"}, "spec": found}


@pytest.mark.parametrize(
    ("policies", "verdict"),
    [
        pytest.param([], True, id="no policy"),
        pytest.param([policy()], False, id="a policy without a rule lets nobody in"),
        pytest.param([policy({})], True, id="an empty rule lets everybody in"),
        pytest.param([policy(podSelector={})], False, id="an empty selector means every pod"),
        pytest.param([policy(podSelector={"matchLabels": {"app": "web"}})], True, id="of another pod"),
        pytest.param([policy(namespace="default")], True, id="of another namespace"),
        pytest.param([policy(policyTypes=["Egress"])], True, id="of outgoing connections only"),
        pytest.param([policy({"from": [FROM_MONITORING]})], True, id="from the client's namespace"),
        pytest.param(
            [policy({"from": [{"namespaceSelector": {"matchLabels": {"team": "web"}}}]})],
            False,
            id="from another namespace",
        ),
        pytest.param([policy({"from": [{"namespaceSelector": {}}]})], True, id="from every namespace"),
        pytest.param([policy({"from": [FROM_PROMETHEUS]})], False, id="from pods of the own namespace only"),
        pytest.param(
            [policy({"from": [{**FROM_MONITORING, **FROM_PROMETHEUS}]})], True, id="from pods of a namespace"
        ),
        pytest.param(
            [policy({"from": [{**FROM_MONITORING, "podSelector": {"matchLabels": {"app": "x"}}}]})],
            False,
            id="from other pods of the namespace",
        ),
        pytest.param([policy({"from": [{"ipBlock": {"cidr": "127.60.0.0/16"}}]})], True, id="from a network"),
        pytest.param(
            [policy({"from": [{"ipBlock": {"cidr": "127.60.0.0/16", "except": ["127.60.9.0/24"]}}]})],
            False,
            id="from a network, with an exception",
        ),
        pytest.param([policy({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]})], False, id="another network"),
        pytest.param([policy({"ports": [{"port": 9187}]})], True, id="at a port by number"),
        pytest.param([policy({"ports": [{"port": "metrics"}]})], True, id="at a port by name"),
        pytest.param([policy({"ports": [{"port": "web"}]})], False, id="at a port with another name"),
        pytest.param([policy({"ports": [{"port": 9000, "endPort": 9999}]})], True, id="in a range of ports"),
        pytest.param([policy({"ports": [{"port": 9000, "endPort": 9100}]})], False, id="in another range"),
        pytest.param([policy({"ports": [{"protocol": "TCP"}]})], True, id="at every port of a protocol"),
        pytest.param([policy({"ports": [{"port": 9187, "protocol": "UDP"}]})], False, id="another protocol"),
        pytest.param([policy(), policy({"from": [FROM_MONITORING]})], True, id="policies add up"),
        pytest.param(
            [policy({"from": [FROM_MONITORING], "ports": [{"port": 80}]})], False, id="peer and port count"
        ),
    ],
)
def test_policies_as_the_api_describes_them(policies: list[Object], verdict: bool) -> None:
    client, target = pod("monitoring", "prometheus", "127.60.9.9"), pod("observability", "exporter")
    assert admitted(policies, Connection(client, target, 9187, NAMESPACES)) is verdict


def test_a_pod_reaches_itself() -> None:
    exporter = pod("observability", "exporter")
    assert admitted([policy()], Connection(exporter, exporter, 9187, NAMESPACES))


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(100):
                connection.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()
    listener.close()


def said(connection: socket.socket) -> bytes:
    connection.sendall(b"hello")
    return connection.recv(100)


def test_a_door_opens_and_closes_for_those_who_may_pass(echo: tuple[str, int]) -> None:
    relay, allowed = Relay(), True
    listener = socket.create_server(("127.0.0.1", 0))
    place = listener.getsockname()
    door = relay.open(listener, echo, lambda _client: allowed)
    with socket.create_connection(place, 5) as admitted_once:
        assert said(admitted_once) == b"hello"
        relay.review()
        assert said(admitted_once) == b"hello"
        allowed = False
        relay.review()
        assert admitted_once.recv(1) == b""
    with socket.create_connection(place, 0.3) as refused, pytest.raises(TimeoutError):
        said(refused)
    relay.close(door)
    with pytest.raises(ConnectionError):
        socket.create_connection(place, 5)


def test_a_server_that_is_not_there_ends_the_connection() -> None:
    relay = Relay()
    nowhere = socket.create_server(("127.0.0.1", 0))
    there = nowhere.getsockname()
    nowhere.close()
    listener = socket.create_server(("127.0.0.1", 0))
    relay.open(listener, there)
    with socket.create_connection(listener.getsockname(), 5) as client:
        assert client.recv(1) == b""


def test_a_connection_belongs_to_the_process_that_made_it(echo: tuple[str, int]) -> None:
    connect = f"s = socket.create_connection({echo!r})"
    program = f"import socket; {connect}; print(s.getsockname()[1], flush=True); input()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        client = ("127.0.0.1", int(process.stdout.readline()))
        assert process_behind(client, echo, [os.getpid(), process.pid]) == process.pid
        assert process_behind(client, echo, [os.getpid()]) is None
        process.communicate("\n")
