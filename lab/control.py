"""How `lab status` asks the daemon for what changes while it runs: a Unix socket that answers JSON."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAME = "control.sock"
log = logging.getLogger("lab.control")


def serve(state: Path, answer: Callable[[], dict[str, Any]]) -> None:
    """Answer everybody who connects with `answer()`, from a thread that ends with the process."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(state / NAME))
    listener.listen()
    threading.Thread(target=_serve, args=(listener, answer), name="control", daemon=True).start()


def _serve(listener: socket.socket, answer: Callable[[], dict[str, Any]]) -> None:
    while True:
        connection, _peer = listener.accept()
        with connection:
            try:
                connection.sendall(json.dumps(answer(), default=str).encode())
            except Exception:
                # One question that failed must not silence the daemon.
                log.exception("no answer")


def ask(state: Path, timeout: float = 10) -> dict[str, Any]:
    """The daemon's answer; OSError or ValueError when there is none within `timeout` seconds."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(str(state / NAME))
        with connection.makefile("rb") as stream:
            answer: dict[str, Any] = json.loads(stream.read())
    return answer
