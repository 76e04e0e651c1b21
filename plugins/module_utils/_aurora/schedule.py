# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which capacity range a schedule asks for at a moment: plain data in, plain data out."""

from __future__ import annotations

import datetime
import re
import typing as t
import zoneinfo
from collections.abc import Mapping, Sequence

from .window import DAYS

RANGE = ("min_capacity", "max_capacity", "seconds_until_auto_pause")
KEYS = frozenset({"name", "days", "begin", "end", *RANGE})
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


class ScheduleError(ValueError):
    """An entry that cannot be read; the text says which, and what it takes."""


def capacity_at(
    usual: Mapping[str, t.Any],
    schedule: Sequence[Mapping[str, t.Any]],
    now: datetime.datetime,
    timezone: str = "UTC",
) -> dict[str, t.Any]:
    """The range (ACU, seconds) of the first entry whose time it is, else the usual one, with its name.

    What an entry leaves out is as usual. A time without a zone is UTC.
    """
    entries = [_Entry(index, each) for index, each in enumerate(schedule)]
    if now.tzinfo is None:
        now = now.replace(tzinfo=datetime.UTC)
    local = now.astimezone(_zone(timezone))
    for entry in entries:
        if entry.contains(local):
            return {"name": entry.name, **_range(usual), **_range(entry.values)}
    return {"name": "usual", **_range(usual)}


def _range(values: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {name: values[name] for name in RANGE if values.get(name) is not None}


def _zone(name: str) -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ScheduleError(
            f"{name!r} is no time zone that this machine knows, such as Europe/Berlin"
        ) from None


class _Entry:
    """An entry that has been read."""

    def __init__(self, index: int, values: Mapping[str, t.Any]) -> None:
        self.values = values
        self.name = str(values.get("name") or f"entry {index + 1}")
        unknown = sorted(set(values) - KEYS)
        if unknown:
            raise ScheduleError(
                f"{self.name} has {', '.join(unknown)}; an entry takes {', '.join(sorted(KEYS))}"
            )
        days = [str(day).lower()[:3] for day in values.get("days") or DAYS]
        wrong = sorted(set(days) - set(DAYS))
        if wrong:
            raise ScheduleError(f"{self.name} has the days {', '.join(wrong)}; they are {', '.join(DAYS)}")
        self.days = {DAYS.index(day) for day in days}
        self.begin, self.end = self._minute("begin", "00:00"), self._minute("end", "24:00")

    def _minute(self, key: str, default: str) -> int:
        text = str(self.values.get(key) or default)
        if not TIME.fullmatch(text):
            raise ScheduleError(f"{self.name} has the {key} {text}; write a time as '07:00'")
        hour, minute = text.split(":")
        return int(hour) * 60 + int(minute)

    def contains(self, local: datetime.datetime) -> bool:
        """A time that ends the next morning belongs to the day on which it begins."""
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.begin < self.end:
            return today in self.days and self.begin <= minute < self.end
        evening = today in self.days and minute >= self.begin
        return evening or ((today - 1) % 7 in self.days and minute < self.end)
