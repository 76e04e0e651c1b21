"""Waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.waiting import wait_until


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("lab.waiting.time.monotonic", lambda: now[0])
    monkeypatch.setattr("lab.waiting.time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


def probe(*answers: Any) -> Callable[[], Any]:
    rest: Iterator[Any] = iter(answers)

    def ask() -> Any:
        answer = next(rest, answers[-1])
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def test_gives_the_first_true_answer() -> None:
    assert wait_until(probe(None, "", OSError("refused"), 7, 8), what="seven", timeout=1) == 7


@pytest.mark.parametrize(
    ("answer", "last"),
    [
        pytest.param(None, "last: None", id="an answer"),
        pytest.param(ConnectionRefusedError("no"), "last: ConnectionRefusedError: no", id="an exception"),
    ],
)
def test_timeout_names_what_and_the_last_answer(answer: object, last: str) -> None:
    with pytest.raises(TimeoutError, match=f"Waited 2 s for the moon; {last}"):
        wait_until(probe(answer), what="the moon", timeout=2)


def test_other_exceptions_are_not_waited_for() -> None:
    with pytest.raises(KeyError):
        wait_until(probe(KeyError("x"), 1), what="a key", timeout=1)
