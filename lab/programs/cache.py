"""Where fetched programs are kept: `<cache>/<program>/<version>/`, complete or not there at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from lab.programs.model import Program
from lab.programs.wanted import UnsuitableError, Wanted, version_key

#: The link to the executable in an entry.
EXECUTABLE = "executable"


def cache_directory(environ: Mapping[str, str]) -> Path:
    """LAB_CACHE, else a directory of the system for root, else one of the user."""
    if given := environ.get("LAB_CACHE"):
        return Path(given).absolute()
    if os.geteuid() == 0:
        # Not below root's home: servers that run as nobody have to be able to read it.
        return Path("/var/cache/eks-observability")
    home = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "eks-observability"


class Cache:
    """Fetched programs. Raises OSError where the directory cannot be written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def newest(self, wanted: Wanted) -> Program | None:
        """The newest kept version that runs here."""
        entries = (self.directory / wanted.name).glob("[0-9]*")
        for entry in sorted(entries, key=lambda each: version_key(each.name), reverse=True):
            # A cache may be shared with a machine of another kind.
            if program := self.kept(wanted, entry.name):
                return program
        return None

    def kept(self, wanted: Wanted, version: str) -> Program | None:
        """This version, if it is kept and runs here."""
        with contextlib.suppress(UnsuitableError):
            return wanted.try_out(self.directory / wanted.name / version / EXECUTABLE)
        return None

    @contextlib.contextmanager
    def lock(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Be the only one who fetches; calls `waiting` when another does so now."""
        _make(self.directory)
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def workshop(self) -> Iterator[Path]:
        """A directory for work in progress; needs the lock. What an interrupted run left is removed."""
        for remains in self.directory.glob("tmp-*"):
            shutil.rmtree(remains)
        directory = Path(tempfile.mkdtemp(prefix="tmp-", dir=self.directory))
        directory.chmod(0o755)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def keep(self, wanted: Wanted, tree: Path, executable: Path) -> Program:
        """Try the `executable` (a path below `tree`), then keep `tree`; raises UnsuitableError."""
        (tree / EXECUTABLE).symlink_to(executable)
        version = wanted.try_out(tree / EXECUTABLE).version
        entry = self.directory / wanted.name / version
        _make(entry.parent)
        if entry.exists():
            # It did not run, else nothing would have been fetched.
            shutil.rmtree(entry)
        tree.chmod(0o755)
        tree.rename(entry)
        return wanted.try_out(entry / EXECUTABLE)


def _make(directory: Path) -> None:
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
