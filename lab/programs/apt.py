"""An apt of our own: packages are fetched and unpacked without root and without touching the system."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

# The hooks of the machine's own configuration are for its own packages. `Sandbox::User` root: nothing is
# installed, and the user _apt need not be able to read the cache.
CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Dir::State "{root}/state";
Dir::State::lists "{root}/lists";
Dir::Cache "{root}/cache";
"""
# With a source of its own it knows neither the machine's archives nor what is installed.
OWN_SOURCE = """\
Dir::State::status "/dev/null";
Dir::Etc::sourcelist "{root}/own.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""


class SourceError(Exception):
    """A source did not give what it was asked for; the text says what was tried."""


def require_apt() -> None:
    """Raises SourceError on a machine without apt."""
    absent = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    if absent:
        raise SourceError(f"Debian's packages, but this machine has no {' and no '.join(absent)}")


class Apt:
    """Keeps all its files in the directory `root`; every method raises SourceError.

    It knows the archives and the installed packages of the machine, or the deb822 text `source` alone.
    """

    def __init__(self, root: Path, progress: Callable[[str], None], source: str | None = None) -> None:
        self.root = root
        self._progress = progress
        self._packages = root / "packages"
        self._options = ("-q", "-c", str(root / "apt.conf"))
        for part in ("state", "lists/partial", "cache/archives/partial", "packages"):
            (root / part).mkdir(parents=True)
        configuration = CONFIGURATION
        if source is not None:
            (root / "own.sources").write_text(source)
            configuration += OWN_SOURCE
        (root / "apt.conf").write_text(configuration.format(root=root))

    def update(self) -> None:
        """Fetch what the archives have."""
        self._run("apt-get", *self._options, "update")

    def depends(self, package: str) -> list[str]:
        """What `apt-cache depends` tells of a package, in lines."""
        return self._run("apt-cache", *self._options, "depends", package)

    def simulate_install(self, package: str) -> list[str]:
        """What apt would do to install a package on this machine, in lines; it is not done."""
        return self._run(
            *("apt-get", *self._options, "--simulate", "--no-install-recommends", "install", package)
        )

    def download(self, packages: Iterable[str]) -> None:
        """Fetch packages, without what they depend on."""
        self._run("apt-get", *self._options, "download", *packages, cwd=self._packages)

    def unpack(self, package: str, directory: Path) -> None:
        """Unpack a downloaded package."""
        (archive,) = self._packages.glob(f"{package}_*.deb")
        self._run("dpkg-deb", "-x", str(archive), str(directory))

    def _run(self, *command: str, cwd: Path | None = None) -> list[str]:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            # Messages are parsed, and quoted to the user in English like ours.
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=0o022,
        )
        lines = []
        with process:
            try:
                for line in process.stdout or ():
                    lines.append(line.rstrip())
                    if line.startswith("Get:"):
                        self._progress(f"  {line.strip()}")
            except BaseException:
                # An interrupted start leaves no download behind.
                process.kill()
                raise
        if process.returncode != 0:
            complaints = [line for line in lines if line.startswith(("E:", "W:", "dpkg"))]
            shown = " ".join(part for part in command if part not in self._options)
            reason = " ".join(complaints)[:400] or f"exit code {process.returncode}"
            raise SourceError(f"{shown}: {reason}")
        return lines
