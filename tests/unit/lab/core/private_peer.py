"""Enters a private network and echoes there until its input ends. Prints where it can be reached."""

from __future__ import annotations

import json
import socket
import sys
import threading

from lab.network import DATABASES, private
from lab.network.gate import Gate

PORT = 5432


def echo(listener: socket.socket) -> None:
    while True:
        connection, _peer = listener.accept()
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        content = b""
        while chunk := connection.recv(65536):
            content += chunk
        connection.sendall(content)


def main() -> None:
    if not private.inside():
        private.enter("tests.unit.lab.core.private_peer")
    network = private.PrivateNetwork(Gate.from_environment())
    pod, database = network.address(network.pods, PORT), network.address(DATABASES, PORT)
    for address in (pod, database):
        listener = socket.create_server((address, PORT))
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
    again = network.outside(pod, PORT)
    found = {"pod": pod, "outside": network.outside(pod, PORT), "again": again, "database": database}
    print(json.dumps({**found, "port": network.port(), "node": network.node}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
