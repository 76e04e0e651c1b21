"""Child processes, with real ones."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.processes import MARKER, Process, end_survivors, survivors, unprivileged
from lab.waiting import wait_until

# Says "ready" once the signal is ignored.
STUBBORN = "trap '' TERM INT; echo ready; while :; do sleep 60; done"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(MARKER, str(tmp_path))
    yield tmp_path
    end_survivors(tmp_path)


def start(state: Path, *args: str, drop_privileges: bool = False) -> Process:
    env = {"PATH": os.environ["PATH"]}
    return Process.start("probe", args, log=state / "probe.log", env=env, drop_privileges=drop_privileges)


def says(state: Path, text: str) -> None:
    wait_until(lambda: text in (state / "probe.log").read_text(), what=text, timeout=20, pause=0.01)


def test_stop_ends_a_willing_process(state: Path) -> None:
    process = start(state, "sleep", "60")
    assert process.poll() is None
    process.stop()
    assert process.poll() == -signal.SIGTERM
    process.stop()


def test_stop_kills_an_unwilling_process_and_its_children(state: Path) -> None:
    process = start(state, "sh", "-c", STUBBORN)
    says(state, "ready")
    process.stop(timeout=0.05)
    assert process.poll() == -signal.SIGKILL
    wait_until(lambda: not survivors(state), what="the inner sleep to end", timeout=20, pause=0.01)


def test_output_goes_to_a_log_that_only_the_owner_reads(state: Path) -> None:
    start(state, "sh", "-c", "echo out; echo err >&2")
    says(state, "out\nerr\n")
    assert stat.S_IMODE((state / "probe.log").stat().st_mode) == 0o600


def test_environment_is_the_given_one_and_the_marker(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", "yes")
    start(state, "env")
    says(state, f"{MARKER}={state}")
    assert "LEAK" not in (state / "probe.log").read_text()


def test_survivors_are_those_of_this_laboratory(state: Path) -> None:
    ours = start(state, "sleep", "60")
    other = subprocess.Popen(["sleep", "60"], env={**os.environ, MARKER: f"{state}-other"})
    try:
        # The launcher has become the program once it is found under its name.
        assert survivors(state) == [ours.pid]
        assert end_survivors(state) == [ours.pid]
        assert ours.poll() is not None
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_postgres_is_asked_before_it_is_killed(state: Path) -> None:
    script = "trap 'echo asked; exit' INT; echo ready; while :; do sleep 0.01; done"
    subprocess.Popen(
        ["/usr/lib/postgresql/15/bin/postgres", "-c", script],
        executable="/bin/sh",
        stdout=(state / "probe.log").open("wb"),
    )
    says(state, "ready")
    end_survivors(state)
    says(state, "asked")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_child_gets_its_death_signal_when_the_parent_is_killed(state: Path, number: signal.Signals) -> None:
    # The child is started from a thread that ends: it must live on, and die with the process only.
    script = f"""
import os, pathlib, signal, threading
log = pathlib.Path({str(state / "probe.log")!r})
from lab.processes import Process
from lab.waiting import wait_until
def start():
    args = ["sh", "-c", "trap 'echo interrupted; exit' INT; while :; do echo tick; sleep 0.01; done"]
    Process.start("child", args, log=log, env=dict(os.environ), death_signal=signal.{number.name})
    wait_until(log.read_text, what="the child", timeout=20, pause=0.01)
thread = threading.Thread(target=start)
thread.start()
thread.join()
wait_until(lambda: len(os.listdir("/proc/self/task")) <= 2, what="the thread to end", timeout=20, pause=0.01)
print("started", flush=True)
signal.pause()
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout
    assert parent.stdout.readline() == b"started\n"
    (state / "probe.log").write_text("")
    says(state, "tick\ntick\ntick\n")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not survivors(state), what="the child to end", timeout=20, pause=0.01)
    assert ("interrupted" in (state / "probe.log").read_text()) == (number is signal.SIGINT)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_privileges_are_dropped(state: Path) -> None:
    start(state, "sh", "-c", "id -u; id -g; id -G; echo end", drop_privileges=True)
    says(state, "end")
    assert (state / "probe.log").read_text() == "65534\n65534\n65534\nend\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs things as nobody")
def test_root_of_a_container_finds_what_runs_as_nobody(state: Path) -> None:
    server = start(state, "tail", "-F", str(state / "absent"), drop_privileges=True)
    says(state, "absent")
    code = (
        "import sys; from pathlib import Path; from lab.processes import survivors;"
        "print(survivors(Path(sys.argv[1])))"
    )
    without_ptrace = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", "env", "-u", MARKER]
    found = subprocess.check_output([*without_ptrace, sys.executable, "-c", code, str(state)], text=True)
    assert found == f"[{server.pid}]\n"


def test_unprivileged_is_for_root_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert unprivileged() == (65534, 65534)
