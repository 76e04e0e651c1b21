"""Containers that see the files and the user that their specification asks for.

A container's root is made of its program, the machine's libraries and its mounts; nothing else of the machine
is in it. All containers share the network: each listens on its pod's address, and not on all.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lab.processes import Process
from lab.standins.kubelet.environment import ConfigError
from lab.standins.kubelet.runtime import Start, StartError

_ROOT = 0
#: What Go programs and those of Debian need of the machine.
_LIBRARIES = ("/usr", "/lib", "/lib64", "/etc/ssl")
_BIND = re.compile(r"^(--?[\w.-]*addr(?:ess)?)=(?:0\.0\.0\.0)?:(\d+)$")
_SELF = re.compile(r"\b(?:localhost|127\.0\.0\.1):(\d+)")
_HOSTS = "127.0.0.1 localhost\n"


@dataclass(frozen=True)
class SandboxImage:
    """A program of this machine, and its place in the image."""

    program: Path
    entrypoint: str
    #: Flags by which it listens where its arguments do not say so, with the ports.
    listens: Mapping[str, int] = field(default_factory=dict)
    user: int = 65534


class SandboxRuntime:
    """Runs images with bubblewrap."""

    def __init__(
        self, bwrap: Path, images: Mapping[str, SandboxImage], environment: Mapping[str, str]
    ) -> None:
        """`environment` is that of every container, below its own."""
        self._bwrap = bwrap
        self._images = images
        self._environment = environment

    def knows(self, image: str) -> bool:
        """Whether it is one of the images given; a digest is not looked at."""
        return image.partition("@")[0] in self._images

    def start(self, start: Start) -> Process:
        """Run a container. Raises StartError and ConfigError."""
        image = self._images[start.container["image"].partition("@")[0]]
        hosts = start.home / "hosts"
        hosts.write_text(_HOSTS)
        reading, writing = os.pipe()
        try:
            command = [
                # The laboratory may have rights in its namespace, which a container does not inherit.
                *("setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--"),
                str(self._bwrap),
                *_identity(start, image),
                *_files(start, image, hosts),
                *("--info-fd", str(writing), "--"),
                *_command(start, image),
            ]
            process = Process.start(
                start.name,
                command,
                log=start.log,
                env={**self._environment, "HOSTNAME": start.pod["metadata"]["name"], **start.environment},
                cwd=start.home,
                pass_fds=[writing],
            )
        finally:
            os.close(writing)
        with os.fdopen(reading) as information:
            text = information.read()
        # Without an answer it has ended, and its log says why.
        process.target = json.loads(text)["child-pid"] if text else None
        return process

    def leave(self, address: str) -> None:
        """Nothing of a pod is left when its processes have ended."""


def _identity(start: Start, image: SandboxImage) -> Sequence[str]:
    pod = start.pod["spec"].get("securityContext") or {}
    wanted = {**pod, **(start.container.get("securityContext") or {})}
    user = wanted.get("runAsUser", image.user)
    if wanted.get("runAsNonRoot") and user == _ROOT:
        metadata = start.pod["metadata"]
        where = f'pod: "{metadata["name"]}_{metadata["namespace"]}({metadata["uid"]})"'
        raise ConfigError(
            "container has runAsNonRoot and image will run as root "
            f"({where}, container: {start.container['name']})"
        )
    group = wanted.get("runAsGroup", user)
    who = ["--unshare-user", "--uid", str(user), "--gid", str(group)]
    return [*who, "--cap-drop", "ALL", "--die-with-parent"]


def _files(start: Start, image: SandboxImage, hosts: Path) -> Sequence[str]:
    libraries = [word for path in _LIBRARIES for word in ("--ro-bind-try", path, path)]
    places = [
        *("--tmpfs", "/", "--dir", "/tmp", *libraries),
        *("--ro-bind", str(hosts), "/etc/hosts", "--ro-bind", "/proc", "/proc", "--dev", "/dev"),
        *("--ro-bind", str(image.program), image.entrypoint),
    ]
    mounts = {mount["mountPath"]: mount for mount in start.container.get("volumeMounts") or []}
    # A mount may lie in another one.
    for path in sorted(start.mounts, key=lambda path: len(PurePosixPath(path).parts)):
        kind = "--ro-bind" if mounts[path].get("readOnly") else "--bind"
        places += [kind, str(start.mounts[path]), path]
    context = start.container.get("securityContext") or {}
    locked = ["--remount-ro", "/"] if context.get("readOnlyRootFilesystem") else []
    return [*places, *locked, "--chdir", start.container.get("workingDir") or "/"]


def _command(start: Start, image: SandboxImage) -> Sequence[str]:
    command: list[str] = start.container.get("command") or [image.entrypoint]
    program, *arguments = [*command, *start.arguments]
    if PurePosixPath(program).name != PurePosixPath(image.entrypoint).name:
        raise StartError(f'exec: "{program}": stat {program}: no such file or directory: unknown')
    return [image.entrypoint, *listening(arguments, start.address, image.listens)]


def listening(arguments: Sequence[str], address: str, defaults: Mapping[str, int]) -> list[str]:
    """The arguments with every listening address, and every way to the pod itself, at `address`."""
    placed = [_SELF.sub(rf"{address}:\1", _BIND.sub(rf"\1={address}:\2", argument)) for argument in arguments]
    given = {argument.partition("=")[0] for argument in placed}
    return [
        *placed,
        *(f"{flag}={address}:{port}" for flag, port in defaults.items() if flag not in given),
    ]
