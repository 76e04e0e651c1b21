"""The gate between a private network and the machine: a small process that stays outside.

A socket belongs to the network in which it was made, also when it is handed to a process in another. So the
gate makes listening sockets on the machine's loopback and hands them in, and the laboratory serves them.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading

#: Environment variable with the number of the laboratory's end of the connection.
DESCRIPTOR = "LAB_GATE"
_LONGEST = 1024


class Gate:
    """The laboratory's end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls) -> Gate:
        """The gate that `start` left for this process."""
        return cls(socket.socket(fileno=int(os.environ.pop(DESCRIPTOR))))

    def listen(self, address: str, port: int) -> socket.socket:
        """A listening socket outside; port 0 is any. Raises OSError when the address is taken."""
        with self._lock:
            self._connection.sendall(json.dumps([address, port]).encode())
            answer, descriptors, _flags, _peer = socket.recv_fds(self._connection, _LONGEST, 1)
        if not descriptors:
            raise OSError(answer.decode() or "the gate to the machine's network has ended")
        return socket.socket(fileno=descriptors[0])


def start() -> int:
    """Start a gate in this process' network; returns the descriptor of the laboratory's end."""
    inside, outside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with outside:
        subprocess.Popen(
            [sys.executable, "-m", "lab.network.gate", str(outside.fileno())],
            pass_fds=[outside.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    os.set_inheritable(inside.fileno(), True)
    return inside.detach()


def serve(connection: socket.socket) -> None:
    """Answer until the laboratory ends."""
    while request := connection.recv(_LONGEST):
        address, port = json.loads(request)
        try:
            listener = socket.create_server((address, port), backlog=128)
        except OSError as error:
            connection.sendall(str(error).encode())
            continue
        with listener:
            socket.send_fds(connection, [b"ok"], [listener.fileno()])


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
