# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one polling loop of this collection. PRIVATE: it may change at any time."""

from __future__ import annotations

import dataclasses
import itertools
import random
import time
import typing as t
from collections.abc import Callable, Iterable, Iterator

Seen = t.TypeVar("Seen")


class TimedOut(Exception):  # noqa: N818 - it tells of an outcome that callers expect
    """The time is over; `last` is what the probe saw last."""

    def __init__(self, timeout: float, last: t.Any) -> None:
        super().__init__(f"not done after {timeout:g} s; last seen: {last}")
        self.timeout = timeout
        self.last = last


def growing(first: float, longest: float) -> Iterator[float]:
    """Doubling pauses in seconds: a quick end is seen soon, and a long wait asks rarely."""
    pause = first
    while pause < longest:
        yield pause
        pause *= 2
    yield from itertools.repeat(longest)


def wait_until(
    probe: Callable[[], tuple[bool, Seen]],
    *,
    timeout: float,
    pause: float | Iterable[float] = 5.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Seen:
    """Ask `probe` until it says done, and return what it saw then.

    `probe` returns (done, what it saw). It is asked at least once, and once more when the time is over.
    `pause` is the time between two questions in seconds, or a row of such times.
    Raises TimedOut with what the probe saw last; what the probe raises passes through.
    """
    pauses = iter(itertools.repeat(pause) if isinstance(pause, (int, float)) else pause)
    deadline = clock() + timeout
    while True:
        done, seen = probe()
        if done:
            return seen
        left = deadline - clock()
        if left <= 0:
            raise TimedOut(timeout, seen)
        sleep(min(next(pauses), left))


@dataclasses.dataclass(frozen=True)
class Patience:
    """One deadline for all the waits of a run: `timeout` seconds from its making."""

    timeout: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    deadline: float = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deadline", self.clock() + self.timeout)

    def until(self, probe: Callable[[], tuple[bool, Seen]], *, longest_pause: float = 10.0) -> Seen:
        """As wait_until, with what is left of the time; pauses grow to `longest_pause` seconds.

        Each is up to a quarter shorter or longer, so that many runs do not ask at the same moments.
        """
        pauses = growing(0.1, longest_pause)
        return wait_until(
            probe,
            timeout=max(0.0, self.deadline - self.clock()),
            pause=(pause * (0.75 + self.jitter() / 2) for pause in pauses),
            clock=self.clock,
            sleep=self.sleep,
        )
