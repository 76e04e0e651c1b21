"""Laboratories that tell what they are at: their tests wait long for them."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.laboratory import Laboratory, Run


class Progress:
    """A line in the tests' own output for everything that took long; seen at once with --capture=sys."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        self._lock = threading.Lock()
        self._begun = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tell of what happens inside once it is over."""
        begun = time.monotonic()
        yield
        now = time.monotonic()
        with self._lock:
            self._reporter.ensure_newline()
            self._reporter.write_line(f"{now - self._begun:5.0f} s  {name} ({now - begun:.0f} s)")
            self._reporter.flush()


class Judged(Laboratory):
    """A laboratory with a name."""

    def __init__(self, name: str, progress: Progress, **environment: str) -> None:
        state = Path(tempfile.mkdtemp(prefix=f"judge-{name}-"))
        shutil.rmtree(state)
        super().__init__(state, **environment)
        self.name = name
        self._progress = progress

    def step(self, name: str) -> Any:
        """A context in which something is done on the laboratory."""
        return self._progress.step(f"{self.name}: {name}")

    def play(self, playbook: str, *arguments: str, **options: Any) -> Run:
        """As any laboratory does, and tells of it."""
        shown = " ".join(word for word in (playbook, *arguments) if not word.startswith("{"))
        with self.step(shown):
            return super().play(playbook, *arguments, **options)
