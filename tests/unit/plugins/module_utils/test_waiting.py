"""The polling loop: no test of it sleeps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import (
    Patience,
    TimedOut,
    growing,
    wait_until,
)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def counting(done_at: int) -> Iterator[tuple[bool, int]]:
    return ((number >= done_at, number) for number in itertools.count(1))


def test_what_is_there_at_once_is_not_waited_for(clock: Clock) -> None:
    probe = counting(done_at=1)
    assert wait_until(lambda: next(probe), timeout=10, clock=clock, sleep=clock.sleep) == 1
    assert clock.slept == []


def test_it_returns_what_the_probe_saw(clock: Clock) -> None:
    probe = counting(done_at=3)
    assert wait_until(lambda: next(probe), timeout=60, pause=5, clock=clock, sleep=clock.sleep) == 3
    assert clock.slept == [5, 5]


def test_a_timeout_carries_what_was_seen_last(clock: Clock) -> None:
    probe = counting(done_at=99)
    with pytest.raises(TimedOut, match=r"not done after 12 s; last seen: 4") as over:
        wait_until(lambda: next(probe), timeout=12, pause=5, clock=clock, sleep=clock.sleep)
    assert over.value.last == 4


def test_the_last_pause_ends_with_the_time(clock: Clock) -> None:
    probe = counting(done_at=99)
    with pytest.raises(TimedOut):
        wait_until(lambda: next(probe), timeout=12, pause=5, clock=clock, sleep=clock.sleep)
    assert clock.slept == [5, 5, 2]


def test_no_time_at_all_still_asks_once(clock: Clock) -> None:
    with pytest.raises(TimedOut):
        wait_until(lambda: (False, None), timeout=0, clock=clock, sleep=clock.sleep)
    assert wait_until(lambda: (True, "seen"), timeout=0, clock=clock, sleep=clock.sleep) == "seen"


def test_what_the_probe_raises_passes_through(clock: Clock) -> None:
    def probe() -> tuple[bool, None]:
        raise KeyError("gone")

    with pytest.raises(KeyError):
        wait_until(probe, timeout=10, clock=clock, sleep=clock.sleep)


def test_growing_pauses_double_up_to_the_longest() -> None:
    assert list(itertools.islice(growing(0.5, 3), 5)) == [0.5, 1, 2, 3, 3]


def test_patience_is_one_deadline_for_all_waits(clock: Clock) -> None:
    patience = Patience(10, clock, clock.sleep)
    first = counting(done_at=6)
    patience.until(lambda: next(first))
    spent = clock.now - 100
    with pytest.raises(TimedOut):
        patience.until(lambda: (False, None))
    assert spent < 10
    assert clock.now == 110
