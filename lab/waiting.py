"""The one way to wait in the laboratory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    probe: Callable[[], T | None],
    *,
    what: str,
    timeout: float,
    pause: float = 0.1,
    tolerate: tuple[type[Exception], ...] = (OSError,),
) -> T:
    """Call `probe` until it returns something true, and return that.

    An exception of the kinds in `tolerate` counts as "not yet".
    `timeout` and `pause` are seconds. Raises TimeoutError, which names `what` and the last answer.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            answer = probe()
            if answer:
                return answer
            last = repr(answer)
        except tolerate as error:
            last = f"{type(error).__name__}: {error}"
        if time.monotonic() >= deadline:
            raise TimeoutError(f"Waited {timeout:g} s for {what}; last: {last}")
        time.sleep(pause)
