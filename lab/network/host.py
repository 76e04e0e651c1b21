"""The machine's own loopback: everybody reaches everything as it is."""

from __future__ import annotations

import ipaddress
import random
import socket
import threading
from collections.abc import Callable

ATTEMPTS = 100

_giving = threading.Lock()
_given: set[str] = set()


class HostNetwork:
    """The network of a laboratory whose processes share the machine's loopback."""

    pods = "127.60.0.0/16"
    node = "127.0.0.1"

    def port(self) -> int:
        """Any: the server chooses."""
        return 0

    def address(self, network: str, port: int) -> str:
        """An address of the loopback on which `port` is free."""
        return free_address(network, port)

    def outside(self, address: str, port: int) -> str:
        """The same as inside."""
        return f"{address}:{port}"


def free_address(network: str, port: int, take: Callable[[str, int], None] | None = None) -> str:
    """An address in `network` on which TCP `port` is free; never the same twice in this process.

    `take` tries an address, and raises OSError for a taken one; it binds a socket for a moment unless given.
    """
    hosts = ipaddress.ip_network(network)
    last = ""
    for _attempt in range(ATTEMPTS):
        # At random: another laboratory on this machine searches at the same moment.
        address = str(hosts[random.randrange(1, hosts.num_addresses - 1)])
        with _giving:
            if address in _given:
                continue
            try:
                (take or _bind)(address, port)
            except OSError as error:
                last = f"{address}: {error}"
                continue
            _given.add(address)
            return address
    raise OSError(f"Port {port} is taken on all addresses tried in {network} (last: {last}).")


def _bind(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.bind((address, port))


HOST = HostNetwork()
