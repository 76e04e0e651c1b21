"""Containers as plain processes, which see the machine's own files.

Each pod has a loopback address of its own instead of a network, with a door at each port. A program must be
told to listen behind the door; and where it is told a mount path, it gets the place where that is.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.processes import Process
from lab.programs import Programs
from lab.programs.on_demand import expected_yace
from lab.standins.api.objects import Object
from lab.standins.kubelet.runtime import Start, StartError
from lab.standins.kubelet.substitution import MOUNTS, localized
from lab.standins.network_policies.enforcement import Doors, hidden

EXPORTER = "quay.io/prometheuscommunity/postgres-exporter"
POSTGRES = "docker.io/library/postgres"
YACE = "quay.io/prometheuscommunity/yet-another-cloudwatch-exporter"
PROMETHEUS = "quay.io/prometheus/prometheus"
CONFIG_RELOADER = "quay.io/prometheus-operator/prometheus-config-reloader:v0.93.1"

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PORT = re.compile(r":(\d+)$")
_CHECKOUT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Image:
    """A program, its name in the image, and what becomes of its arguments and mounts here."""

    program: Sequence[str]
    entrypoint: str
    #: The port at which it listens unless its arguments name another one; None when it does not listen.
    default_port: int | None
    #: What the process needs to know of the laboratory, given where its mount paths are.
    environment: Callable[[Mapping[str, str]], dict[str, str]]
    #: The flag that names another one.
    listen: str = "--web.listen-address"

    @property
    def is_there(self) -> bool:
        """Whether the program can be run: some are built on demand."""
        return os.access(self.program[0], os.X_OK)

    def command(
        self, container: Object, arguments: Sequence[str], address: str
    ) -> tuple[list[str], int | None]:
        """Command line of a container that listens on `address`, and at which port. Raises StartError."""
        command = container.get("command") or [self.entrypoint]
        if PurePosixPath(command[0]).name != PurePosixPath(self.entrypoint).name:
            raise StartError(f'exec: "{command[0]}": stat {command[0]}: no such file or directory: unknown')
        words = [*self.program, *command[1:], *arguments]
        return (
            (words, None)
            if self.default_port is None
            else listen_on(words, address, self.default_port, self.listen)
        )


@dataclass(frozen=True)
class Toolbox:
    """Programs, of which a container's command names one; a shell among them finds the others."""

    programs: Mapping[str, Path]
    is_there: bool = True

    def command(
        self, container: Object, arguments: Sequence[str], address: str
    ) -> tuple[list[str], int | None]:
        """Command line of a container, which runs to its end and listens nowhere. Raises StartError."""
        given: list[str] = container.get("command") or [""]
        command, *rest = [*given, *arguments]
        name = PurePosixPath(command).name
        if name not in self.programs:
            raise StartError(f'exec: "{command}": stat {command}: no such file or directory: unknown')
        return [str(self.programs[name]), *rest], None

    def environment(self, paths: Mapping[str, str]) -> dict[str, str]:
        """Where the programs are."""
        places = dict.fromkeys(str(program.parent) for program in self.programs.values())
        return {"PATH": ":".join([*places, PATH])}


class PlainRuntime:
    """Runs the images of the embedded kind."""

    def __init__(self, images: Mapping[str, Image | Toolbox], doors: Doors) -> None:
        self._images = images
        self._doors = doors

    def knows(self, image: str) -> bool:
        """Whether it is one of the images given, and its program is there: some are built on demand."""
        return image in self._images and self._images[image].is_there

    def start(self, start: Start) -> Process:
        """Run a container, its mount paths replaced. Raises StartError."""
        image = self._images[start.container["image"]]
        paths = {path: str(place) for path, place in start.mounts.items()}
        arguments = [localized(one, paths) for one in start.arguments]
        given = {name: localized(value, paths) for name, value in start.environment.items()}
        base = {"PATH": PATH, "HOME": str(start.home), "HOSTNAME": start.pod["metadata"]["name"]}
        command, port = image.command(start.container, arguments, hidden(start.address))
        if port is not None:
            self._doors.open(start.pod, start.address, port)
        process = Process.start(
            start.name,
            command,
            log=start.log,
            env={**base, **image.environment(paths), **given},
            cwd=start.home,
        )
        self._doors.enter(start.pod, start.address, process.pid)
        return process

    def leave(self, address: str) -> None:
        """Close the doors of a pod."""
        self._doors.close(address)


def known_images(programs: Programs) -> dict[str, Image | Toolbox]:
    """Every image that the laboratory can run, by its reference."""
    reloader = [sys.executable, "-m", "lab.standins.kubelet.config_reloader"]
    postgres = {"psql": programs.postgres.path.with_name("psql"), "sh": Path("/bin/sh")}
    yace = expected_yace()
    return {
        f"{EXPORTER}:v{programs.exporter.version}": Image(
            [str(programs.exporter.path)], "/bin/postgres_exporter", 9187, _nothing
        ),
        f"{YACE}:v{yace.version}": Image([str(yace.path)], "/bin/yace", 5000, _nothing, "--listen-address"),
        f"{PROMETHEUS}:v{programs.prometheus.version}": Image(
            [str(programs.prometheus.path)], "/bin/prometheus", 9090, _nothing
        ),
        CONFIG_RELOADER: Image(reloader, "/bin/prometheus-config-reloader", None, _mounts),
        f"{POSTGRES}:{programs.postgres.version.partition('.')[0]}-alpine": Toolbox(postgres),
    }


def listen_on(
    arguments: Sequence[str], address: str, default_port: int, listen: str
) -> tuple[list[str], int]:
    """The arguments with the listen address that was asked for moved to `address`, and its port."""
    kept, port, words = [], default_port, iter(arguments)
    for word in words:
        flag, _equals, value = word.partition("=")
        if flag != listen:
            kept.append(word)
        elif found := _PORT.search(value or next(words, "")):
            port = int(found[1])
    return [*kept, f"{listen}={address}:{port}"], port


def _nothing(paths: Mapping[str, str]) -> dict[str, str]:
    return {}


def _mounts(paths: Mapping[str, str]) -> dict[str, str]:
    return {"PYTHONPATH": str(_CHECKOUT), MOUNTS: json.dumps(paths)}
