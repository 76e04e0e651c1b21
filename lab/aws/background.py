"""Work that goes on after AWS has answered, while a status tells of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)


class Background:
    """Runs work in threads; each piece takes at least `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="aurora")

    def run(self, work: Callable[[], object], done: Callable[[Exception | None], None]) -> None:
        """Do `work`, then call `done` with the error that it raised, if any."""
        self._threads.submit(self._run, work, done)

    def _run(self, work: Callable[[], object], done: Callable[[Exception | None], None]) -> None:
        started, failure = time.monotonic(), None
        try:
            work()
        except Exception as error:
            # Whatever it was, the status has to show it.
            log.exception("background work failed")
            failure = error
        self._stopping.wait(max(0.0, self._seconds - (time.monotonic() - started)))
        try:
            done(failure)
        except Exception:
            log.exception("the end of background work failed")

    def stop(self) -> None:
        """Wait for what runs; forget what has not begun."""
        self._stopping.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
