"""`up`, `status` and `down` with real processes; the daemon's parts are fakes (fake_daemon.py)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import commands, control
from lab.processes import end_survivors, survivors
from lab.programs import Program, Programs, ProgramsError
from lab.settings import CHECKOUT, Settings
from lab.state import Condition, State
from lab.status import gather, render
from lab.waiting import wait_until

PROGRAM = Program(Path("/usr/bin/true"), "15.4")
PROGRAMS = Programs(PROGRAM, PROGRAM, PROGRAM, PROGRAM)


class Laboratory:
    """One laboratory of the test, and what it said."""

    def __init__(self, settings: Settings, stopped: Path) -> None:
        self.settings = settings
        self.lines: list[str] = []
        self._stopped = stopped

    def up(self) -> None:
        commands.up(self.settings, self.lines.append)

    def down(self) -> None:
        commands.down(self.settings, self.lines.append)

    @property
    def condition(self) -> Condition:
        return State(self.settings).condition()

    @property
    def daemon(self) -> int:
        record = State(self.settings).record()
        assert record
        return record.pid

    @property
    def stopped(self) -> list[str]:
        return self._stopped.read_text().split() if self._stopped.exists() else []

    def kill_daemon(self) -> None:
        os.kill(self.daemon, signal.SIGKILL)
        wait_until(lambda: self.condition is Condition.CRASHED, what="the crash", timeout=20, pause=0.01)


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    state = tmp_path / "lab"
    monkeypatch.setenv("LAB_STATE", str(state))
    monkeypatch.setenv("FAKE_STOPPED", str(tmp_path / "stopped"))
    monkeypatch.setattr(commands, "DAEMON", "tests.unit.lab.core.fake_daemon")
    monkeypatch.setattr(commands, "ensure", lambda progress, control_plane: PROGRAMS)
    yield Laboratory(Settings.from_environment(), tmp_path / "stopped")
    end_survivors(state)


def test_up_starts_everything_and_down_leaves_nothing(laboratory: Laboratory, tmp_path: Path) -> None:
    laboratory.up()

    report, code = gather(laboratory.settings)
    assert (report["state"], code) == ("running", 0)
    assert report["parts"] == {"kubernetes": "running", "aws": "running", "stand-ins": "running"}
    assert list(report["processes"].values()) == ["sleep 600"] * 3
    assert set(report["logs"]["files"]) == {"lab.log", "kubernetes.log", "aws.log", "stand-ins.log"}
    assert "psql" in render(report)

    laboratory.down()

    assert laboratory.stopped == ["stand-ins", "aws", "kubernetes"]
    assert survivors(laboratory.settings.state) == []
    assert os.listdir(tmp_path) == ["stopped"]
    assert gather(laboratory.settings)[1] == 3


def test_up_twice_is_harmless(laboratory: Laboratory) -> None:
    laboratory.up()
    first = laboratory.daemon
    laboratory.up()
    assert laboratory.lines[-1] == "already running"
    assert laboratory.daemon == first


def test_two_ups_at_once_start_one_daemon(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    # A signal handler can be set in the main thread only.
    command = [sys.executable, "-c", PARALLEL_UP]
    running = [subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) for _name in "ab"]
    outputs = [process.communicate(timeout=30)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert sorted("already running" in output for output in outputs) == [False, True]


PARALLEL_UP = """
from tests.unit.lab.core.test_commands import PROGRAMS
from lab import commands
from lab.settings import Settings
commands.DAEMON = "tests.unit.lab.core.fake_daemon"
commands.ensure = lambda progress, control_plane: PROGRAMS
commands.up(Settings.from_environment(), print)
"""


def test_up_with_other_settings_says_so(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    laboratory.up()
    monkeypatch.setenv("LAB_TRANSITION_SECONDS", "9")
    with pytest.raises(commands.StartError, match=r"transition_seconds=0.3.*Bring it down"):
        commands.up(Settings.from_environment(), laboratory.lines.append)


def test_down_without_a_laboratory_is_harmless(laboratory: Laboratory) -> None:
    laboratory.down()
    assert laboratory.lines == ["not running"]


def test_down_ends_a_laboratory_whose_state_somebody_removed(laboratory: Laboratory) -> None:
    laboratory.up()
    shutil.rmtree(laboratory.settings.state)
    laboratory.down()
    assert survivors(laboratory.settings.state) == []
    assert "whose state was gone" in laboratory.lines[-1]


def test_processes_end_with_a_killed_daemon_and_status_says_crashed(laboratory: Laboratory) -> None:
    laboratory.up()
    laboratory.kill_daemon()
    state = laboratory.settings.state
    wait_until(lambda: not survivors(state), what="the children to end", timeout=20, pause=0.01)
    report, code = gather(laboratory.settings)
    assert (report["state"], code) == ("crashed", 1)
    assert set(report["parts"].values()) == {"ended"}


@pytest.mark.parametrize("command", ["up", "down"])
def test_a_crashed_laboratory_can_be_brought(laboratory: Laboratory, command: str) -> None:
    laboratory.up()
    crashed = laboratory.daemon
    laboratory.kill_daemon()
    getattr(laboratory, command)()
    if command == "up":
        assert laboratory.condition is Condition.RUNNING
        assert laboratory.daemon != crashed
    else:
        assert not laboratory.settings.state.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_daemon_stops_in_order_on_a_signal(laboratory: Laboratory, number: signal.Signals) -> None:
    laboratory.up()
    os.kill(laboratory.daemon, number)
    state = laboratory.settings.state
    wait_until(lambda: not survivors(state), what="everything to end", timeout=20, pause=0.01)
    assert laboratory.stopped == ["stand-ins", "aws", "kubernetes"]


def test_failed_start_says_why_and_stops_what_it_started(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAULT", "aws fails")
    with pytest.raises(
        commands.StartError, match=r"(?s)^aws: aws is broken\nLast lines of .*lab\.log:.*RuntimeError"
    ):
        laboratory.up()
    assert laboratory.stopped == ["kubernetes"]
    assert survivors(laboratory.settings.state) == []
    assert gather(laboratory.settings)[0]["failure"] == "aws: aws is broken"
    assert laboratory.condition is Condition.CRASHED


def test_after_a_failed_start_comes_a_good_one(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as fault:
        fault.setenv("FAKE_FAULT", "aws fails")
        with pytest.raises(commands.StartError):
            laboratory.up()
    laboratory.up()
    assert laboratory.condition is Condition.RUNNING


def test_interrupted_start_leaves_nothing(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_FAULT", "aws hangs")
    state = laboratory.settings.state

    def interrupt() -> None:
        wait_until(lambda: len(survivors(state)) == 3, what="the hanging part", timeout=20, pause=0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        laboratory.up()
    thread.join()
    assert survivors(state) == []
    assert not state.exists()


def test_missing_program_leaves_nothing(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(progress: Callable[[str], None], control_plane: object) -> Programs:
        raise ProgramsError("no postgres")

    monkeypatch.setattr(commands, "ensure", missing)
    with pytest.raises(ProgramsError):
        laboratory.up()
    assert not laboratory.settings.state.exists()


def test_files_tell_where_everything_is_and_keep_the_secret(laboratory: Laboratory) -> None:
    laboratory.up()
    state = laboratory.settings.state
    endpoints = json.loads((state / "endpoints.json").read_text())
    assert endpoints["aws_url"] == "http://127.0.0.1:1"
    assert endpoints["postgres_major"] == "15"
    assert Path(endpoints["database_ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert "endpoint_url = http://127.0.0.1:1\n" in Path(endpoints["aws_config_file"]).read_text()
    assert "fake-secret" in Path(endpoints["aws_credentials_file"]).read_text()
    assert "fake-secret" not in (state / "endpoints.json").read_text()
    modes = {
        name: stat.S_IMODE((state / name).stat().st_mode)
        for name in ("", "endpoints.json", "aws/credentials")
    }
    assert modes == {"": 0o711, "endpoints.json": 0o600, "aws/credentials": 0o600}


def test_a_user_s_aws_settings_and_proxies_do_not_reach_the_daemon(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    laboratory.up()
    environment = Path(f"/proc/{laboratory.daemon}/environ").read_text()
    assert "production" not in environment
    assert "proxy.example" not in environment


def test_a_daemon_that_does_not_answer_is_reported(laboratory: Laboratory) -> None:
    laboratory.up()
    (laboratory.settings.state / control.NAME).unlink()
    assert "does not answer" in render(gather(laboratory.settings)[0])
