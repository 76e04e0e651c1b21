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
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
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
                fetched |= _from_suite(missing, Apt(root, archive, suite, progress), cache, reasons)
    missing = [each for each in wanted if each.name not in fetched]
    if missing:
        raise SourceError("\n".join(reasons))
    return fetched


def _from_suite(wanted: Sequence[Wanted], apt: Apt, cache: Cache, reasons: list[str]) -> dict[str, Program]:
    """What this suite gives of `wanted`; adds to `reasons` why something does not come from it."""
    fetched: dict[str, Program] = {}
    try:
        apt.download(wanted)
        trees = [apt.unpack(each) for each in wanted]
    except SourceError as error:
        reasons.append(f"Debian {apt.suite}: {error}")
        return fetched
    for each, (tree, executable) in zip(wanted, trees, strict=True):
        try:
            fetched[each.name] = cache.keep(each, tree, executable)
        except UnsuitableError as error:
            reasons.append(f"Debian {apt.suite}, package {each.package}: {error}")
    return fetched


class Apt:
    """An apt of our own in the directory `root`, which knows one suite of one archive."""

    def __init__(self, root: Path, archive: Archive, suite: str, progress: Callable[[str], None]) -> None:
        self.suite = suite
        self._progress = progress
        self._root = root
        self._packages = root / "packages"
        self._options = ("-q", "-c", str(root / "apt.conf"))
        for part in ("state", "lists/partial", "cache/archives/partial", "packages"):
            (root / part).mkdir(parents=True)
        signature = f"Signed-By: {archive.signed_by}\n" if archive.signed_by else ""
        (root / "debian.sources").write_text(
            f"Types: deb\nURIs: {archive.uri}\nSuites: {suite}\nComponents: main\n"
            f"Targets: Packages\n{signature}"
        )
        (root / "apt.conf").write_text(CONFIGURATION.format(root=root))

    def download(self, wanted: Sequence[Wanted]) -> None:
        """Fetch the packages. Raises SourceError."""
        self._apt_get("update")
        self._apt_get("download", *(str(each.package) for each in wanted), cwd=self._packages)

    def unpack(self, wanted: Wanted) -> tuple[Path, Path]:
        """Returns a directory with the program of a package alone, and its path in there."""
        (package,) = self._packages.glob(f"{wanted.package}_*.deb")
        unpacked, tree = self._root / f"{wanted.name}-all", self._root / wanted.name
        self._run("dpkg-deb", "-x", str(package), str(unpacked))
        tree.mkdir()
        executable = Path(wanted.binaries[0])
        (unpacked / "usr/bin" / executable).rename(tree / executable)
        shutil.rmtree(unpacked)
        return tree, executable

    def _apt_get(self, *arguments: str, cwd: Path | None = None) -> None:
        self._run("apt-get", *self._options, *arguments, cwd=cwd)

    def _run(self, *command: str, cwd: Path | None = None) -> None:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            # Messages are quoted to the user, in English like ours.
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=0o022,
        )
        complaints = []
        with process:
            try:
                for line in process.stdout or ():
                    if line.startswith("Get:"):
                        self._progress(f"  {line.strip()}")
                    elif line.startswith(("E:", "W:", "dpkg")):
                        complaints.append(line.strip())
            except BaseException:
                # An interrupted start leaves no download behind.
                process.kill()
                raise
        if process.returncode != 0:
            shown = " ".join(part for part in command if part not in self._options)
            reason = " ".join(complaints)[:400] or f"exit code {process.returncode}"
            raise SourceError(f"{shown}: {reason}")
