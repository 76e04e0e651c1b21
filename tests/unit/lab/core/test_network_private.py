"""A network of the laboratory's own, reached from outside through its gate."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.network import private
from lab.network.private import NamespaceError
from tests.unit.lab.core.private_peer import PORT

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def peer() -> Iterator[dict[str, Any]]:
    try:
        private.require()
    except NamespaceError as error:
        pytest.skip(str(error))
    command = [sys.executable, "-m", "tests.unit.lab.core.private_peer"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield {**json.loads(process.stdout.readline()), "pid": process.pid}
        process.communicate()


def ask(address: str, port: int, content: bytes) -> bytes:
    with socket.create_connection((address, port), timeout=10) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def test_a_pod_is_reached_at_an_address_of_this_machine(peer: dict[str, Any]) -> None:
    host, _colon, port = peer["outside"].partition(":")
    assert host.startswith("127.60.")
    assert ask(host, int(port), b"hello") == b"hello"
    assert peer["again"] == peer["outside"]
    assert peer["pod"].startswith("198.18.")


def test_a_database_has_the_same_address_inside_and_outside(peer: dict[str, Any]) -> None:
    assert ask(peer["database"], PORT, b"hello") == b"hello"


def test_much_passes_whole_in_many_connections_at_once(peer: dict[str, Any]) -> None:
    content = bytes(range(256)) * 4096 * 4
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _one: ask(peer["database"], PORT, content), range(8)))
    assert answers == [content] * 8


def test_a_connection_to_nobody_ends(peer: dict[str, Any]) -> None:
    """As long as the server inside does not listen, a client sees an end and no silence."""
    # A reset is an end, too.
    with (
        socket.create_connection(("127.0.0.1", peer["port"]), timeout=10) as connection,
        contextlib.suppress(ConnectionResetError),
    ):
        assert connection.recv(1) == b""


def test_the_process_keeps_its_id_when_it_enters(peer: dict[str, Any]) -> None:
    assert "private_peer" in Path(f"/proc/{peer['pid']}/cmdline").read_text()
    outside, inside = (Path(f"/proc/{pid}/ns/net").readlink() for pid in ("self", peer["pid"]))
    assert outside != inside


def test_a_machine_that_allows_no_namespaces_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "_unshare", lambda: ["false"])
    with pytest.raises(NamespaceError, match=r"max_user_namespaces.*LAB_KUBERNETES=embedded"):
        private.require()
