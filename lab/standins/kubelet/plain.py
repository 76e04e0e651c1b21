"""Containers as plain processes, which see the machine's own files.

Each pod has a loopback address of its own instead of a network, so a program must be told to listen there;
and where it is told a mount path, it gets the place where that is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.processes import Process
from lab.programs import Programs
from lab.standins.api.objects import Object
from lab.standins.kubelet.runtime import Start, StartError
from lab.standins.kubelet.substitution import MOUNTS, localized

EXPORTER = "quay.io/prometheuscommunity/postgres-exporter"
POSTGRES = "docker.io/library/postgres"
PROMETHEUS = "quay.io/prometheus/prometheus"
CONFIG_RELOADER = "quay.io/prometheus-operator/prometheus-config-reloader:v0.93.1"

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LISTEN = "--web.listen-address"
_PORT = re.compile(r":(\d+)$")
_CHECKOUT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Image:
    """A program, its name in the image, and how its arguments become those of a process here."""

    program: Sequence[str]
    entrypoint: str
    localized: Callable[[Sequence[str], str], list[str]]
    #: What the process needs to know of the laboratory, given where its mount paths are.
    environment: Callable[[Mapping[str, str]], dict[str, str]]

    def command(self, container: Object, arguments: Sequence[str], address: str) -> list[str]:
        """Command line for a container of this image on `address`. Raises StartError."""
        command = container.get("command") or [self.entrypoint]
        if PurePosixPath(command[0]).name != PurePosixPath(self.entrypoint).name:
            raise StartError(f'exec: "{command[0]}": stat {command[0]}: no such file or directory: unknown')
        return [*self.program, *self.localized([*command[1:], *arguments], address)]


@dataclass(frozen=True)
class Toolbox:
    """Programs, of which a container's command names one; a shell among them finds the others."""

    programs: Mapping[str, Path]

    def command(self, container: Object, arguments: Sequence[str], address: str) -> list[str]:
        """Command line for a container of this image. Raises StartError."""
        given: list[str] = container.get("command") or [""]
        command, *rest = [*given, *arguments]
        name = PurePosixPath(command).name
        if name not in self.programs:
            raise StartError(f'exec: "{command}": stat {command}: no such file or directory: unknown')
        return [str(self.programs[name]), *rest]

    def environment(self, paths: Mapping[str, str]) -> dict[str, str]:
        """Where the programs are."""
        places = dict.fromkeys(str(program.parent) for program in self.programs.values())
        return {"PATH": ":".join([*places, PATH])}


class PlainRuntime:
    """Runs the images of the embedded kind."""

    def __init__(self, images: Mapping[str, Image | Toolbox]) -> None:
        self._images = images

    def knows(self, image: str) -> bool:
        """Whether it is one of the images given."""
        return image in self._images

    def start(self, start: Start) -> Process:
        """Run a container, its mount paths replaced. Raises StartError."""
        image = self._images[start.container["image"]]
        paths = {path: str(place) for path, place in start.mounts.items()}
        arguments = [localized(one, paths) for one in start.arguments]
        given = {name: localized(value, paths) for name, value in start.environment.items()}
        base = {"PATH": PATH, "HOME": str(start.home), "HOSTNAME": start.pod["metadata"]["name"]}
        return Process.start(
            start.name,
            image.command(start.container, arguments, start.address),
            log=start.log,
            env={**base, **image.environment(paths), **given},
            cwd=start.home,
        )


def known_images(programs: Programs) -> dict[str, Image | Toolbox]:
    """Every image that the laboratory can run, by its reference."""
    exporter = Image([str(programs.exporter.path)], "/bin/postgres_exporter", _listening(9187), _nothing)
    prometheus = Image([str(programs.prometheus.path)], "/bin/prometheus", _listening(9090), _nothing)
    reloader = Image(
        [sys.executable, "-m", "lab.standins.kubelet.config_reloader"],
        "/bin/prometheus-config-reloader",
        _unchanged,
        _mounts,
    )
    postgres = Toolbox({"psql": programs.postgres.path.with_name("psql"), "sh": Path("/bin/sh")})
    return {
        f"{EXPORTER}:v{programs.exporter.version}": exporter,
        f"{PROMETHEUS}:v{programs.prometheus.version}": prometheus,
        CONFIG_RELOADER: reloader,
        f"{POSTGRES}:{programs.postgres.version.partition('.')[0]}-alpine": postgres,
    }


def _listening(default_port: int) -> Callable[[Sequence[str], str], list[str]]:
    def localized(arguments: Sequence[str], address: str) -> list[str]:
        return listen_on(arguments, address, default_port)

    return localized


def listen_on(arguments: Sequence[str], address: str, default_port: int) -> list[str]:
    """The arguments with the listen address that was asked for moved to `address`, port unchanged."""
    kept, port, words = [], default_port, iter(arguments)
    for word in words:
        flag, _equals, value = word.partition("=")
        if flag != _LISTEN:
            kept.append(word)
        elif found := _PORT.search(value or next(words, "")):
            port = int(found[1])
    return [*kept, f"{_LISTEN}={address}:{port}"]


def _unchanged(arguments: Sequence[str], address: str) -> list[str]:
    return list(arguments)


def _nothing(paths: Mapping[str, str]) -> dict[str, str]:
    return {}


def _mounts(paths: Mapping[str, str]) -> dict[str, str]:
    return {"PYTHONPATH": str(_CHECKOUT), MOUNTS: json.dumps(paths)}
