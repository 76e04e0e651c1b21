"""Addresses on the machine's loopback."""

from __future__ import annotations

import socket
import threading

import pytest

from lab.network.host import HOST, free_address


def test_free_address_gives_each_address_once_and_no_taken_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.54.99.1", 0))
        port = taken.getsockname()[1]
        # Two addresses are in this network: one is taken.
        assert free_address("127.54.99.0/30", port) == "127.54.99.2"
        with pytest.raises(OSError, match="taken on all addresses"):
            free_address("127.54.99.0/30", port)


def test_free_address_can_be_bound_at_the_same_time_by_many() -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(HOST.address("127.54.0.0/16", 5432)))
        for _index in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 20


def test_everybody_reaches_a_pod_at_its_own_address() -> None:
    assert HOST.outside("127.60.0.7", 9187) == "127.60.0.7:9187"
