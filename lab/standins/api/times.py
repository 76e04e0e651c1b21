"""Times and durations as objects of the API spell them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")


def seconds(text: str) -> float:
    """Seconds of a duration such as `1h0m0s` or `30s`. Raises ValueError."""
    if text == "0":
        return 0.0
    if not re.fullmatch(f"(?:{_PART.pattern})+", text):
        raise ValueError(f"{text!r} is not a duration such as 30s or 1h0m0s")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def as_go_writes(text: str) -> str:
    """A duration as Go writes it back: `1h` is `1h0m0s`, `90s` is `1m30s`. Raises ValueError."""
    whole = seconds(text)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [(hours, "h"), (minutes, "m")]
    shown = "".join(f"{number}{unit}" for number, unit in parts if number or (unit == "m" and hours))
    if 0 < whole < 1:
        return f"{whole * 1000:g}ms"
    return f"{shown}{rest:g}s"


def timestamp() -> str:
    """The present time."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_timestamp() -> str:
    """The present time with its microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
