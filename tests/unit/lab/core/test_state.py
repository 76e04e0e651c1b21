"""The state directory: conditions, ownership, lock, link."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from lab.settings import Settings
from lab.state import Condition, Record, State, StateError, process_identity, write_json
from lab.waiting import wait_until


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(Settings(state=tmp_path / "lab", link=tmp_path / ".lab"))


def claim(state: State) -> None:
    with state.lock(create=True, busy=pytest.fail):
        state.claim()


def record(identity: str | None, failure: str | None = None) -> Record:
    return Record(pid=os.getpid(), identity=identity or "", settings={}, failure=failure)


OWN = process_identity(os.getpid())


@pytest.mark.parametrize(
    ("written", "ready", "expected"),
    [
        pytest.param(None, False, Condition.CRASHED, id="nothing written: the start died"),
        pytest.param(record(OWN), False, Condition.STARTING, id="alive and not ready"),
        pytest.param(record(OWN), True, Condition.RUNNING, id="alive and ready"),
        pytest.param(record("earlier boot"), True, Condition.CRASHED, id="pid belongs to another process"),
        pytest.param(record(OWN, "no port"), False, Condition.CRASHED, id="start failed"),
    ],
)
def test_condition(state: State, written: Record | None, ready: bool, expected: Condition) -> None:
    claim(state)
    if written:
        state.write_record(written)
    if ready:
        write_json(state.settings.endpoints, {})
    assert state.condition() is expected


def test_condition_without_a_directory(state: State) -> None:
    assert state.condition() is Condition.NONE


def test_an_ended_process_has_no_identity() -> None:
    process = subprocess.Popen(["true"])
    wait_until(lambda: process_identity(process.pid) is None, what="a zombie", timeout=20, pause=0.01)
    process.wait()
    assert process_identity(process.pid) is None


def test_a_directory_with_other_files_is_never_emptied(state: State) -> None:
    state.directory.mkdir()
    precious = state.directory / "precious"
    precious.write_text("mine")
    with state.lock(create=True, busy=pytest.fail):
        with pytest.raises(StateError, match="LAB_STATE"):
            state.claim()
        with pytest.raises(StateError, match="LAB_STATE"):
            state.remove()
    assert precious.read_text() == "mine"


def test_a_link_in_place_of_the_directory_is_refused(state: State, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    state.directory.symlink_to(tmp_path / "other")
    with pytest.raises(StateError, match="cannot be"), state.lock(create=True, busy=pytest.fail):
        pytest.fail("locked")


def test_claim_empties_the_remains_of_a_laboratory(state: State) -> None:
    claim(state)
    (state.directory / "postgres").mkdir()
    (state.directory / "postgres" / "data").touch()
    claim(state)
    assert sorted(path.name for path in state.directory.iterdir()) == [".eks-observability-lab", "logs"]


def test_remove_removes_the_directory_and_its_link(state: State, tmp_path: Path) -> None:
    claim(state)
    state.make_link()
    assert (tmp_path / ".lab").resolve() == state.directory
    with state.lock(create=False, busy=pytest.fail):
        state.remove()
    assert list(tmp_path.iterdir()) == []


def test_link_replaces_a_stale_link_and_refuses_a_file(state: State, tmp_path: Path) -> None:
    link = tmp_path / ".lab"
    link.symlink_to("/nowhere")
    state.make_link()
    assert link.readlink() == state.directory
    link.unlink()
    link.touch()
    with pytest.raises(StateError, match="in the way"):
        state.make_link()


def test_lock_of_an_absent_laboratory_makes_nothing(state: State) -> None:
    with state.lock(create=False, busy=pytest.fail) as exists:
        assert not exists
    assert not state.directory.exists()


def test_lock_waits_and_survives_the_removal_of_the_directory(state: State) -> None:
    waiting, order = threading.Event(), list[str]()

    def second() -> None:
        with state.lock(create=True, busy=waiting.set):
            order.append("second")
            state.claim()

    with state.lock(create=True, busy=pytest.fail):
        state.claim()
        assert state.is_locked()
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(20)
        order.append("first")
        state.remove()
    thread.join()
    assert order == ["first", "second"]
    assert state.condition() is Condition.CRASHED
    assert not state.is_locked()
