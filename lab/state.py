"""The state directory: who owns it, what runs in it, and one command at a time."""

from __future__ import annotations

import contextlib
import enum
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.settings import Settings

SIGNATURE = ".eks-observability-lab"


class StateError(Exception):
    """The state directory cannot be used; the text says why and what to do."""


class Condition(enum.Enum):
    """What `lab status` finds."""

    NONE = "not running"
    STARTING = "starting"
    RUNNING = "running"
    CRASHED = "crashed"


@dataclass
class Record:
    """What the daemon writes down about itself (daemon.json)."""

    pid: int
    #: Tells this process from a later one with the same pid.
    identity: str
    settings: dict[str, Any]
    #: State of every part: starting, running, failed.
    parts: dict[str, str] = field(default_factory=dict)
    #: Why the start failed.
    failure: str | None = None


class State:
    """One laboratory's state directory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.directory = settings.state
        self._record = settings.state / "daemon.json"

    def record(self) -> Record | None:
        """What the daemon wrote, or None where there is nothing readable."""
        try:
            return Record(**json.loads(self._record.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write_record(self, record: Record) -> None:
        """Replace what is written about the daemon."""
        write_json(self._record, asdict(record))

    def condition(self) -> Condition:
        """What is the matter with this laboratory. Raises StateError for another user's."""
        if not (self.directory / SIGNATURE).exists():
            return Condition.NONE
        self._refuse_foreign()
        record = self.record()
        if record is None or record.failure or process_identity(record.pid) != record.identity:
            return Condition.CRASHED
        return Condition.RUNNING if self.settings.endpoints.exists() else Condition.STARTING

    def is_locked(self) -> bool:
        """Whether another command is at work (also when it is a caller of this one)."""
        try:
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            return not _try_lock(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def lock(self, *, create: bool, busy: Callable[[], None]) -> Iterator[bool]:
        """Be the only command that changes this laboratory; gives False where there is none.

        `create` makes a missing directory. `busy` is called when another command has to end first.
        The lock is on the directory itself, so that nothing is left behind when the laboratory is removed.
        """
        descriptor = self._lock(create=create, busy=busy)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _lock(self, *, create: bool, busy: Callable[[], None]) -> int | None:
        while True:
            try:
                if create:
                    self.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
                descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise StateError(f"{self.directory} cannot be the laboratory's directory: {error}") from error
            if not _try_lock(descriptor):
                busy()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever held the lock may have removed the directory meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), self.directory.lstat()):
                    return descriptor
            os.close(descriptor)

    def claim(self) -> None:
        """Make the directory ours and empty. Needs the lock. Raises StateError for a foreign one."""
        self._refuse_foreign()
        self._clear()
        self.directory.chmod(0o711)
        (self.directory / SIGNATURE).touch(mode=0o600)
        self.settings.logs.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove the directory and the link to it. Needs the lock."""
        self._refuse_foreign()
        self._clear()
        self.directory.rmdir()
        link = self.settings.link
        if link and link.is_symlink() and link.readlink() == self.directory:
            link.unlink()

    def make_link(self) -> None:
        """Point the checkout's link to the directory."""
        link = self.settings.link
        if link is None:
            return
        if link.exists() and not link.is_symlink():
            raise StateError(f"{link} is in the way of a link that the laboratory makes. Move it away.")
        fresh = link.with_name(f"{link.name}.{os.getpid()}")
        fresh.symlink_to(self.directory)
        fresh.replace(link)

    def _refuse_foreign(self) -> None:
        if self.directory.stat().st_uid != os.geteuid():
            raise StateError(f"{self.directory} belongs to another user. Set LAB_STATE to one of your own.")
        if any(self.directory.iterdir()) and not (self.directory / SIGNATURE).exists():
            raise StateError(
                f"{self.directory} holds files that are not a laboratory's. Set LAB_STATE to a new directory."
            )

    def _clear(self) -> None:
        # The signature goes last: an interrupted removal can then be repeated.
        entries = sorted(self.directory.iterdir(), key=lambda entry: entry.name == SIGNATURE)
        for entry in entries:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def process_identity(pid: int) -> str | None:
    """A text that no other process ever has on this machine; None when there is no such process."""
    try:
        # The name in parentheses may contain anything, spaces too.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    status, start = fields[0], fields[19]
    return None if status in "ZX" else f"{boot}/{pid}/{start}"


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` (mode 0600) so that a reader sees the old or the new text, never a part."""
    write_text(path, json.dumps(value, indent=2, default=str) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` (mode 0600) so that a reader sees the old or the new text, never a part."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
