"""Containers as plain processes, which see the machine's own files.

Each pod has a loopback address of its own instead of a network, so a program must be told to listen there;
and where it is told a mount path, it gets the place where that is.
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

EXPORTER = "quay.io/prometheuscommunity/postgres-exporter"
YACE = "quay.io/prometheuscommunity/yet-another-cloudwatch-exporter"
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


class PlainRuntime:
    """Runs the images of the embedded kind."""

    def __init__(self, images: Mapping[str, Image]) -> None:
        self._images = images

    def knows(self, image: str) -> bool:
        """Whether it is one of the images given, and its program is there: some are built on demand."""
        return image in self._images and os.access(self._images[image].program[0], os.X_OK)

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


def known_images(programs: Programs) -> dict[str, Image]:
    """Every image that the laboratory can run, by its reference."""
    exporter = Image([str(programs.exporter.path)], "/bin/postgres_exporter", _listening(9187), _nothing)
    prometheus = Image([str(programs.prometheus.path)], "/bin/prometheus", _listening(9090), _nothing)
    cloudwatch = expected_yace()
    yace = Image([str(cloudwatch.path)], "/bin/yace", _listening(5000, "--listen-address"), _nothing)
    reloader = Image(
        [sys.executable, "-m", "lab.standins.kubelet.config_reloader"],
        "/bin/prometheus-config-reloader",
        _unchanged,
        _mounts,
    )
    return {
        f"{EXPORTER}:v{programs.exporter.version}": exporter,
        f"{PROMETHEUS}:v{programs.prometheus.version}": prometheus,
        f"{YACE}:v{cloudwatch.version}": yace,
        CONFIG_RELOADER: reloader,
    }


def _listening(default_port: int, flag: str = _LISTEN) -> Callable[[Sequence[str], str], list[str]]:
    def localized(arguments: Sequence[str], address: str) -> list[str]:
        return listen_on(arguments, address, default_port, flag)

    return localized


def listen_on(arguments: Sequence[str], address: str, default_port: int, listen: str = _LISTEN) -> list[str]:
    """The arguments with the listen address that was asked for moved to `address`, port unchanged."""
    kept, port, words = [], default_port, iter(arguments)
    for word in words:
        flag, _equals, value = word.partition("=")
        if flag != listen:
            kept.append(word)
        elif found := _PORT.search(value or next(words, "")):
            port = int(found[1])
    return [*kept, f"{listen}={address}:{port}"]


def _unchanged(arguments: Sequence[str], address: str) -> list[str]:
    return list(arguments)


def _nothing(paths: Mapping[str, str]) -> dict[str, str]:
    return {}


def _mounts(paths: Mapping[str, str]) -> dict[str, str]:
    return {"PYTHONPATH": str(_CHECKOUT), MOUNTS: json.dumps(paths)}
