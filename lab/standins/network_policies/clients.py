"""Whose connection it is: from the address at its other end to a process."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

Address = tuple[str, int]


def process_behind(client: Address, server: Address, among: Iterable[int]) -> int | None:
    """The process, one of `among`, that holds the client's end of a connection on this machine."""
    link = f"socket:[{_inode(client, server)}]"
    return next((pid for pid in among if link in _sockets(pid)), None)


def _inode(client: Address, server: Address) -> str | None:
    # Each line has local address, remote address, six other fields, and the inode.
    ends = f" {_written(client)} {_written(server)} "
    _before, found, line = Path("/proc/net/tcp").read_text().partition(ends)
    return line.split(maxsplit=7)[6] if found else None


def _written(address: Address) -> str:
    """An address as the kernel writes it: the four bytes as one number of this machine."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"


def _sockets(pid: int) -> set[str]:
    """What the descriptors of a process lead to; one that is closed meanwhile is left out."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.add(os.readlink(entry.path))
    return found
