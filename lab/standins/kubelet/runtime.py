"""What it takes to run a container, whichever way it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.processes import Process
from lab.standins.api.objects import Object


class StartError(Exception):
    """A container's command is not in its image."""


@dataclass(frozen=True)
class Start:
    """A container that is to run: all references in it have been resolved."""

    name: str
    pod: Object
    container: Object
    arguments: Sequence[str]
    environment: Mapping[str, str]
    #: Where each mount path is.
    mounts: Mapping[str, Path]
    address: str
    home: Path
    log: Path


class Runtime(Protocol):
    """Runs containers as processes."""

    def knows(self, image: str) -> bool:
        """Whether an image can be run."""

    def start(self, start: Start) -> Process:
        """Run a container. Raises StartError, ConfigError and OSError."""

    def leave(self, address: str) -> None:
        """No process of the pod at an address runs any more."""
