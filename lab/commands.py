"""What `up` and `down` do."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from lab.network import private
from lab.processes import MARKER, end_survivors
from lab.programs import ProgramsError, Versions, ensure, ensure_yace
from lab.settings import CHECKOUT, Settings
from lab.state import Condition, State, process_identity, write_json
from lab.waiting import wait_until

#: Seconds a start may take. Usual are three to thirty; the rest is for slow machines.
START_TIMEOUT = 300.0
#: Seconds the daemon gets to stop everything in order.
STOP_TIMEOUT = 30.0
DAEMON = "lab.supervisor"
DAEMON_LOG = "lab.log"
LAST_LINES = 20


class StartError(Exception):
    """The laboratory did not start; the text says why, and ends with the last lines of the log."""


class Progress:
    """Prints one line a step, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self, line: str) -> None:
        print(f"{time.monotonic() - self._begun:6.1f} s  {line}", flush=True)


def up(settings: Settings, progress: Callable[[str], None]) -> None:
    """Have the laboratory run. Raises StartError, StateError, ProgramsError."""
    state = State(settings)
    with state.lock(create=True, busy=lambda: progress("waiting for another lab command to end")):
        condition = state.condition()
        if condition is Condition.RUNNING:
            _insist_on_settings(state)
            progress("already running")
            return
        with _terminable(), _cleaning_up(state, progress):
            daemon = None
            if condition is Condition.STARTING:
                progress("an interrupted command left it starting")
            else:
                if condition is Condition.CRASHED:
                    progress("the last laboratory crashed: removing what is left of it")
                end_survivors(settings.state)
                daemon = _launch(state, progress)
            _follow(state, daemon, progress)
        progress("ready")


def down(settings: Settings, progress: Callable[[str], None]) -> None:
    """Stop everything and remove the state. Harmless where nothing runs. Raises StateError."""
    state = State(settings)
    with state.lock(create=False, busy=lambda: progress("waiting for another lab command to end")) as exists:
        if not exists or state.condition() is Condition.NONE:
            # Somebody may have removed the state of a laboratory that runs.
            left = end_survivors(settings.state)
            progress(f"stopped {len(left)} processes whose state was gone" if left else "not running")
            return
        progress("stopping")
        _stop(state)
        state.remove()
        progress("stopped; nothing is left")


def get_programs(progress: Callable[[str], None], program: str | None = None) -> None:
    """Have the one program, else those of every pinned control plane, so that nobody waits for a build."""
    if program:
        ensure_yace(progress)
        return
    for versions in Versions.pinned():
        ensure(progress, control_plane=versions)


def _insist_on_settings(state: State) -> None:
    record = state.record()
    wanted = json.loads(json.dumps(dataclasses.asdict(state.settings), default=str))
    running = record.settings if record else wanted
    other = [f"{name}={running.get(name)}" for name in wanted if running.get(name) != wanted[name]]
    if other:
        raise StartError(f"It runs already, with other settings: {', '.join(other)}. Bring it down first.")


def _launch(state: State, progress: Callable[[str], None]) -> subprocess.Popen[bytes]:
    plane = _control_plane(state.settings)
    state.claim()
    programs = ensure(progress, control_plane=plane)
    write_json(state.directory / "programs.json", programs.to_json())
    state.make_link()
    progress(f"starting in {state.directory}")
    with (state.settings.logs / DAEMON_LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", DAEMON],
            cwd=CHECKOUT,
            env=_daemon_environment(state),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _control_plane(settings: Settings) -> Versions | None:
    """The programs of a real control plane, where one is wanted and possible."""
    if settings.kubernetes != "control-plane":
        return None
    private.require()
    return Versions.choose(settings.kubernetes_version, settings.external_secrets_version)


def _daemon_environment(state: State) -> dict[str, str]:
    # The settings of the user for AWS and psql are not meant for the laboratory.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PG"))}
    if state.settings.kubernetes != "kubeconfig":
        # All is on this machine, where no proxy gets to; another cluster may be behind one.
        kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    return {**kept, MARKER: str(state.directory)}


def _follow(state: State, daemon: subprocess.Popen[bytes] | None, progress: Callable[[str], None]) -> None:
    """Show how the start goes on until everything is ready."""
    shown: set[tuple[str, str]] = set()

    def ready() -> bool:
        record = state.record()
        for step in (record.parts if record else {}).items():
            if step not in shown:
                shown.add(step)
                progress(": ".join(step))
        if record and record.failure:
            raise StartError(record.failure)
        ended = daemon.poll() is not None if daemon else state.condition() is Condition.CRASHED
        if ended:
            raise StartError("the daemon ended before everything was ready")
        return state.settings.endpoints.exists()

    wait_until(ready, what="the laboratory to start", timeout=START_TIMEOUT, pause=0.02)


@contextlib.contextmanager
def _cleaning_up(state: State, progress: Callable[[str], None]) -> Iterator[None]:
    """Leave no process behind where the start fails or is interrupted; its logs stay for who failed."""
    try:
        yield
    except (StartError, TimeoutError) as error:
        _stop(state)
        raise StartError(f"{error}\n{_last_lines(state)}") from error
    except (KeyboardInterrupt, ProgramsError):
        progress("stopping what was started")
        _stop(state)
        state.remove()
        raise


def _last_lines(state: State) -> str:
    path = state.settings.logs / DAEMON_LOG
    try:
        lines = path.read_text(errors="replace").splitlines()[-LAST_LINES:]
    except OSError as error:
        return f"{path}: {error}"
    return "\n".join([f"Last lines of {path}:", *(f"  {line}" for line in lines)])


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM end the start as the interrupt key does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(state: State) -> None:
    """End the daemon, which stops everything in order, and then whatever is left."""
    record = state.record()
    if record and process_identity(record.pid) == record.identity:
        os.kill(record.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            wait_until(
                lambda: process_identity(record.pid) != record.identity,
                what="the laboratory to stop",
                timeout=STOP_TIMEOUT,
                pause=0.02,
            )
    end_survivors(state.directory)
