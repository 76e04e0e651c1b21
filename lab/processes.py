"""Child processes: started, stopped, and found again after a crash."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.waiting import wait_until

#: Every process of a laboratory has this in its environment; the value is the laboratory's state directory.
MARKER = "EKS_OBSERVABILITY_LAB"
NOBODY = 65534

# The kernel sends a parent-death signal when the *thread* that forked ends, so one thread that lives as
# long as this process starts all children.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def unprivileged() -> tuple[int, int] | None:
    """User and group id for servers that refuse to run as root; None when this process is not root."""
    return (NOBODY, NOBODY) if os.geteuid() == 0 else None


class Process:
    """A child process that does not outlive this one."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path, log_start: int) -> None:
        self.name = name
        self.log = log
        #: Where its own output begins in the log.
        self.log_start = log_start
        #: Who gets the signals, where the process only waits for a child of its own.
        self.target: int | None = None
        self._popen = popen

    @classmethod
    def start(
        cls,
        name: str,
        args: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
        drop_privileges: bool = False,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> Process:
        """Start `args` with the environment `env` and the laboratory's marker; output goes to `log`.

        `drop_privileges` runs it as nobody where this process is root. `death_signal` is what the child gets
        when this process dies without having stopped it.
        """
        launcher = ["setpriv", "--pdeathsig", death_signal.name.removeprefix("SIG")]
        identity = unprivileged()
        if drop_privileges and identity:
            launcher += ["--reuid", str(identity[0]), "--regid", str(identity[1]), "--clear-groups"]
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output:
            log_start = os.fstat(output.fileno()).st_size
            popen = _spawner.submit(
                subprocess.Popen,
                [*launcher, "--", *args],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_marked(env),
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,
            ).result()
        return cls(name, popen, log, log_start)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Exit code (negative: the signal that ended it), or None while it runs."""
        return self._popen.poll()

    def stop(self, signal: signal.Signals = signal.SIGTERM, timeout: float = 10) -> None:
        """Send `signal`; after `timeout` seconds kill the process and its group. Twice is harmless."""
        if self.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.target or self.pid, signal)
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            _kill_group(self.pid)
            self._popen.wait()


def _marked(env: Mapping[str, str]) -> dict[str, str]:
    own = os.environ.get(MARKER)
    return {**env, **({MARKER: own} if own else {})}


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def survivors(state: Path) -> list[int]:
    """Process ids of all processes of the laboratory at `state`, this one excepted."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return sorted(pid for pid in pids if pid != os.getpid() and _belongs(pid, state))


def _belongs(pid: int, state: Path) -> bool:
    try:
        return f"{MARKER}={state}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except PermissionError:
        # In a container, root may not look into what runs as nobody; that has the path among its arguments.
        return os.geteuid() == 0 and any(part.startswith(f"{state}/") for part in command_line(pid))
    except OSError:
        # It has ended.
        return False


def end_survivors(state: Path, timeout: float = 5) -> list[int]:
    """End what is left of the laboratory at `state`; returns the process ids that were found.

    PostgreSQL is asked first (SIGINT), so that it frees its shared memory; what still runs is killed.
    """
    found = survivors(state)
    servers = [pid for pid in found if Path(command_line(pid)[0]).name == "postgres"]
    _signal(servers, signal.SIGINT)
    with contextlib.suppress(TimeoutError):
        wait_until(
            lambda: set(servers).isdisjoint(survivors(state)), what="PostgreSQL to end", timeout=timeout
        )
    _signal(survivors(state), signal.SIGKILL)
    wait_until(lambda: not survivors(state), what=f"processes of {state} to end", timeout=timeout)
    return found


def command_line(pid: int) -> list[str]:
    """The program and the arguments of a process; one empty text when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return [""]


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
