"""The laboratory's addresses: on the machine's loopback, or in a network of the laboratory's own."""

from __future__ import annotations

from typing import Protocol

from lab.network.host import HOST
from lab.settings import Settings

__all__ = ["DATABASES", "HOST", "Network", "open_network"]

#: Addresses of databases. They are the same inside and outside of a private network.
DATABASES = "127.54.0.0/16"


class Network(Protocol):
    """Where the laboratory's servers listen, and where a person finds them."""

    @property
    def pods(self) -> str:
        """The network in which every pod has an address of its own."""

    @property
    def node(self) -> str:
        """The address of the one node."""

    def port(self) -> int:
        """A TCP port on 127.0.0.1 for a server that everybody reaches; 0 leaves the choice to the server."""

    def address(self, network: str, port: int) -> str:
        """An address in `network` for a server that everybody reaches at `port`; never the same twice."""

    def outside(self, address: str, port: int) -> str:
        """`host:port` at which a person reaches a pod's port."""


def open_network(settings: Settings) -> Network:
    """The network for the kind of Kubernetes that the settings name."""
    if settings.kubernetes == "control-plane":
        from lab.network.gate import Gate
        from lab.network.private import PrivateNetwork

        return PrivateNetwork(Gate.from_environment())
    return HOST
