"""Servers that are started again when they die, as the service manager of a real machine does."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from lab.processes import Process

#: Seconds between the end of a server and its next start.
PAUSE = 1.0
log = logging.getLogger(__name__)


class Guarded:
    """One server."""

    def __init__(self, name: str, command: Sequence[str], log_file: Path) -> None:
        self.name = name
        self._command = command
        self._log_file = log_file
        self._stopped = threading.Event()
        self._process = self._launch()
        self._guard = threading.Thread(target=self._watch, name=f"guard-{name}", daemon=True)
        self._guard.start()

    def stop(self) -> None:
        """End it for good. Nothing of it is kept, so it need not be asked."""
        self._stopped.set()
        self._guard.join()
        self._process.stop(signal.SIGKILL)

    def _launch(self) -> Process:
        return Process.start(self.name, self._command, log=self._log_file, env={"PATH": os.defpath})

    def _watch(self) -> None:
        while not self._stopped.wait(0.1):
            code = self._process.poll()
            if code is None:
                continue
            log.warning("%s ended with %s; it is started again in %g s", self.name, code, PAUSE)
            if not self._stopped.wait(PAUSE):
                self._process = self._launch()
