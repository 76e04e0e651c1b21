"""A network of the laboratory's own, in which every pod has a real address.

An API server accepts no loopback addresses of pods, and proxies to none. In a network namespace a whole
network can lie on the loopback device, and nothing in it leaves the machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence

from lab.network import gate
from lab.network.host import free_address
from lab.network.relay import Relay

#: Addresses for measurements between networks (RFC 2544); no other network uses them.
NETWORK = "198.18.0.0/16"
#: The node's own address.
NODE = "198.18.0.1"
_MASK = "255.255.0.0"
#: Where a person reaches the pods.
_OUTSIDE = "127.60.0.0/16"
# linux/sockios.h, linux/if.h
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
_IFF_UP = 0x1


class NamespaceError(Exception):
    """This machine does not allow a private network; the text says what to do."""


def require() -> None:
    """Raises NamespaceError where namespaces cannot be made."""
    if shutil.which("unshare") is None:
        raise NamespaceError("A real control plane needs the program unshare (Debian: util-linux).")
    tried = [*_unshare(), "--mount", "true"]
    done = subprocess.run(tried, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NamespaceError(
            "This machine refuses namespaces of network and files "
            f"({' '.join(tried)}: {done.stderr.strip()}), without which pods "
            "cannot have addresses and files of their own. As root, allow them: "
            "sysctl -w user.max_user_namespaces=10000; on Ubuntu also "
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; in a container, start it with "
            "--privileged. Or use the kind that needs none: LAB_KUBERNETES=embedded."
        )


def inside() -> bool:
    """Whether this process was started by `enter`."""
    return gate.DESCRIPTOR in os.environ


def enter(module: str) -> None:
    """Become `python -m module` in a new network; its process id stays the same."""
    command = [*_unshare(), "--", sys.executable, "-m", module]
    os.environ[gate.DESCRIPTOR] = str(gate.start())
    os.execvp(command[0], command)


def _unshare() -> Sequence[str]:
    # An ordinary user may do so as the master of a user namespace in which the user stays who they are.
    user = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    return ["unshare", *user, "--net"]


class PrivateNetwork:
    """The namespace that this process is in, with its gate."""

    pods = NETWORK
    node = NODE

    def __init__(self, outside: gate.Gate) -> None:
        _configure_loopback()
        self._gate = outside
        self._published: dict[tuple[str, int], str] = {}
        self._lock = threading.Lock()
        self._relay = Relay()

    def port(self) -> int:
        """A port that is free outside; in here it is, too, as nothing has chosen one before."""
        listener = self._gate.listen("127.0.0.1", 0)
        port = int(listener.getsockname()[1])
        self._forward(listener, "127.0.0.1", port)
        return port

    def address(self, network: str, port: int) -> str:
        """An address that is free on `port` inside and outside."""
        if network == NETWORK:
            return free_address(network, port)

        def take(address: str, port: int) -> None:
            self._forward(self._gate.listen(address, port), address, port)

        return free_address(network, port, take)

    def outside(self, address: str, port: int) -> str:
        """A pod's port, at an address of the machine's loopback."""
        with self._lock:
            if (address, port) not in self._published:

                def take(host: str, port: int) -> None:
                    self._forward(self._gate.listen(host, port), address, port)

                self._published[address, port] = f"{free_address(_OUTSIDE, port, take)}:{port}"
            return self._published[address, port]

    def _forward(self, listener: socket.socket, address: str, port: int) -> None:
        """Serve `listener`, which is outside, by connections to `address` in here."""
        self._relay.open(listener, (address, port))


def _configure_loopback() -> None:
    """Bring the loopback device up, and put the network on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        for request, value in ((_SIOCSIFADDR, NODE), (_SIOCSIFNETMASK, _MASK)):
            address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s", b"lo:pods", address))
