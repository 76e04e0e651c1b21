"""Debian's packages, unpacked into the cache: without root, and without touching the system."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.programs.cache import Cache
from lab.programs.model import Program
from lab.programs.sources import Archive, debian_archives
from lab.programs.wanted import UnsuitableError, Wanted

#: Newest first: a binary of sid may need a newer libc than this machine has.
SUITES = ("sid", "trixie")

# The hooks of the machine's own configuration are for its own packages. `Sandbox::User` root: nothing is
# installed, and the user _apt need not be able to read the cache.
CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{root}/state";
Dir::State::lists "{root}/lists";
Dir::State::status "/dev/null";
Dir::Cache "{root}/cache";
Dir::Etc::sourcelist "{root}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""


class SourceError(Exception):
    """A source did not give what it was asked for; the text says what was tried."""


def fetch(
    wanted: Sequence[Wanted], cache: Cache, work: Path, progress: Callable[[str], None]
) -> dict[str, Program]:
    """Fetch the `wanted` programs into the cache. Raises SourceError when one cannot be had."""
    absent = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    if absent:
        raise SourceError(f"Debian's packages, but this machine has no {' and no '.join(absent)}")
    archives = debian_archives()
    if not archives:
        raise SourceError("/etc/apt names no archive with Debian's component main")
    fetched: dict[str, Program] = {}
    reasons: list[str] = []
    for suite in SUITES:
        for archive in archives:
            missing = [each for each in wanted if each.name not in fetched]
            if missing:
                names = ", ".join(each.name for each in missing)
                progress(f"{names}: fetching from Debian {suite} ({archive.uri})")
                root = work / f"{suite}-{archives.index(archive)}"
                fetched |= _from_suite(missing, Apt(root, archive, suite), cache, reasons)
    missing = [each for each in wanted if each.name not in fetched]
    if missing:
        raise SourceError("; ".join(reasons))
    return fetched


def _from_suite(wanted: Sequence[Wanted], apt: Apt, cache: Cache, reasons: list[str]) -> dict[str, Program]:
    """What this suite gives of `wanted`; adds to `reasons` why something does not come from it."""
    fetched = {}
    try:
        apt.update()
        for each in wanted:
            try:
                tree, executable = apt.unpack(each)
                fetched[each.name] = cache.keep(each, tree, executable)
            except (UnsuitableError, SourceError) as error:
                reasons.append(f"{each.package} of {apt.suite}: {error}")
    except SourceError as error:
        reasons.append(str(error))
    return fetched


class Apt:
    """An apt of our own in the directory `root`, which knows one suite of one archive."""

    def __init__(self, root: Path, archive: Archive, suite: str) -> None:
        self.suite = suite
        self._root = root
        for part in ("state", "lists/partial", "cache/archives/partial", "packages"):
            (root / part).mkdir(parents=True)
        signature = f"Signed-By: {archive.signed_by}\n" if archive.signed_by else ""
        (root / "debian.sources").write_text(
            f"Types: deb\nURIs: {archive.uri}\nSuites: {suite}\nComponents: main\n"
            f"Targets: Packages\n{signature}"
        )
        (root / "apt.conf").write_text(CONFIGURATION.format(root=root))

    def update(self) -> None:
        """Fetch the list of packages. Raises SourceError."""
        self._apt_get("update", "--error-on=any")

    def unpack(self, wanted: Wanted) -> tuple[Path, Path]:
        """Fetch a package; returns a directory with its program alone, and the program's path in there."""
        assert wanted.package
        packages = self._root / "packages"
        self._apt_get("download", wanted.package, cwd=packages)
        (package,) = packages.glob(f"{wanted.package}_*.deb")
        unpacked, tree = self._root / f"{wanted.name}-all", self._root / wanted.name
        self._run("dpkg-deb", "-x", str(package), str(unpacked))
        tree.mkdir()
        executable = tree / wanted.package
        (unpacked / "usr/bin" / executable.name).rename(executable)
        shutil.rmtree(unpacked)
        return tree, Path(executable.name)

    def _apt_get(self, *arguments: str, cwd: Path | None = None) -> None:
        self._run("apt-get", "-q", "-c", str(self._root / "apt.conf"), *arguments, cwd=cwd)

    def _run(self, *command: str, cwd: Path | None = None) -> None:
        # Messages are quoted to the user, in English like ours.
        environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=0o022,
        )
        if done.returncode != 0:
            lines = [line for line in done.stdout.splitlines() if line.startswith(("E:", "W:", "dpkg"))]
            reason = " ".join(lines)[:400] or f"exit code {done.returncode}"
            raise SourceError(f"{' '.join(command)}: {reason}")
