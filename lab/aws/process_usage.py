"""CPU time and memory of a server and its children, from one look at /proc."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Positions in /proc/<pid>/stat after the name: parent, and CPU time of its own and of ended children.
_PARENT, _OWN, _ENDED = 1, slice(11, 13), slice(13, 15)


@dataclass(frozen=True)
class Usage:
    """What a family of processes has used so far, and holds now."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0


class Processes:
    """All processes of this machine at one moment."""

    def __init__(self) -> None:
        self._stats: dict[int, list[str]] = {}
        self._children: dict[int, list[int]] = defaultdict(list)
        for entry in Path("/proc").iterdir():
            # A process may end while we look.
            with contextlib.suppress(OSError):
                if entry.name.isdigit():
                    # The name in parentheses may contain spaces; what follows begins with the state.
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    self._stats[int(entry.name)] = fields
                    self._children[int(fields[_PARENT])].append(int(entry.name))

    def usage(self, pid: int | None) -> Usage:
        """What `pid` and its children use; nothing for a process that is gone."""
        if pid is None or pid not in self._stats:
            return Usage()
        family = [pid, *self._children[pid]]
        ticks = [int(value) for one in family for value in self._stats[one][_OWN]]
        ticks += [int(value) for value in self._stats[pid][_ENDED]]
        return Usage(sum(ticks) / _TICKS, sum(_private_bytes(one) for one in family))


def _private_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        _size, resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[:3]
        return (int(resident) - int(shared)) * _PAGE
    return 0
