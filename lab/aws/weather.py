"""Bad days of AWS: requests that are throttled, and answers that are lost after the deed."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_FILE = "aws-weather.json"


@contextmanager
def bad_weather(state: Path, **shares: float) -> Iterator[None]:
    """Have the laboratory of a state directory throttle requests and lose answers, until this is left."""
    part = state / f"{_FILE}.part"
    part.write_text(json.dumps(shares), encoding="utf-8")
    part.replace(state / _FILE)
    try:
        yield
    finally:
        (state / _FILE).unlink()


@dataclass
class Weather:
    """Shares of requests, as a file in the state directory has them: {"throttled": 0.3, "lost": 0.1}.

    The file is looked for with each request, so the weather changes while a laboratory runs; `seed` in it
    makes it repeatable. Only answers to requests that change something are lost.
    """

    state: Path
    _seen: str = field(default="", init=False)
    _shares: dict[str, float] = field(default_factory=dict, init=False)
    _random: random.Random = field(default_factory=random.Random, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def throttles(self) -> bool:
        """Whether this request is one too many."""
        return self._happens("throttled")

    def loses_answer(self) -> bool:
        """Whether the connection is cut before the answer."""
        return self._happens("lost")

    def _happens(self, what: str) -> bool:
        with self._lock:
            self._look()
            return what in self._shares and self._random.random() < self._shares[what]

    def _look(self) -> None:
        try:
            text = (self.state / _FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            text = ""
        if text != self._seen:
            self._seen = text
            self._shares = json.loads(text) if text else {}
            self._random.seed(self._shares.get("seed"))
