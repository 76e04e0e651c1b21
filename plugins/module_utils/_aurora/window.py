# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of time in UTC: every day, such as 22:00-04:00, or once a week, such as sat:22:00-sun:04:00."""

from __future__ import annotations

import dataclasses
import datetime
import re

from .errors import AuroraError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
MINUTES_A_WEEK = 7 * MINUTES_A_DAY
EDGE = r"(?:(mon|tue|wed|thu|fri|sat|sun):)?([01]\d|2[0-3]):([0-5]\d)"
WINDOW = re.compile(f"{EDGE}-{EDGE}", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Window:
    """From `begin` up to `end`, in minutes after the beginning of a day or of a week."""

    begin: int
    end: int
    cycle: int

    @classmethod
    def parse(cls, text: str) -> Window:
        """Raises AuroraError where `text` is no window."""
        found = WINDOW.fullmatch(text.strip())
        if not found or bool(found[1]) != bool(found[4]):
            raise AuroraError(
                f"reboot_window {text!r} is no window of time. Write it as 22:00-04:00 for every day, or as"
                " sat:22:00-sun:04:00 for once a week, in UTC"
            )
        cycle = MINUTES_A_WEEK if found[1] else MINUTES_A_DAY
        return cls(_minute(found[1], found[2], found[3]), _minute(found[4], found[5], found[6]), cycle)

    def contains(self, now: datetime.datetime) -> bool:
        """A window whose ends are the same is open all the time."""
        moment = now.astimezone(datetime.UTC)
        minute = (moment.weekday() * MINUTES_A_DAY + moment.hour * 60 + moment.minute) % self.cycle
        length = (self.end - self.begin) % self.cycle or self.cycle
        return (minute - self.begin) % self.cycle < length


def _minute(day: str | None, hour: str, minute: str) -> int:
    days = DAYS.index(day.lower()) if day else 0
    return days * MINUTES_A_DAY + int(hour) * 60 + int(minute)
