# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of time and schedules of capacity."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.errors import AuroraError
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.schedule import (
    ScheduleError,
    capacity_at,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.window import Window


def moment(day: int, hour: int, minute: int = 0, offset: int = 0) -> datetime.datetime:
    """Of the week that begins with Monday, 2026-11-23."""
    zone = datetime.timezone(datetime.timedelta(hours=offset))
    return datetime.datetime(2026, 11, 23 + day, hour, minute, tzinfo=zone)


MON, TUE, SAT, SUN = 0, 1, 5, 6


@pytest.mark.parametrize(
    ("window", "now", "is_open"),
    [
        pytest.param("03:00-05:00", moment(TUE, 3), True, id="begins with its first minute"),
        pytest.param("03:00-05:00", moment(TUE, 5), False, id="ends before its last"),
        pytest.param("22:00-04:00", moment(TUE, 23), True, id="over midnight: the evening"),
        pytest.param("22:00-04:00", moment(TUE, 3, 59), True, id="over midnight: the morning"),
        pytest.param("22:00-04:00", moment(TUE, 12), False, id="over midnight: noon"),
        pytest.param("sun:03:00-sun:05:00", moment(SUN, 4), True, id="weekly: its day"),
        pytest.param("sun:03:00-sun:05:00", moment(MON, 4), False, id="weekly: another day"),
        pytest.param("sat:22:00-mon:04:00", moment(SUN, 12), True, id="weekly: over a whole day"),
        pytest.param("sun:22:00-mon:04:00", moment(MON, 1), True, id="weekly: over the end of the week"),
        pytest.param("Sun:03:00-SUN:05:00", moment(SUN, 4), True, id="in any letters"),
        pytest.param("03:00-05:00", moment(TUE, 4, offset=2), False, id="UTC, wherever one is"),
        pytest.param("00:00-00:00", moment(TUE, 4), True, id="all day"),
    ],
)
def test_a_window_is_open(window: str, now: datetime.datetime, is_open: bool) -> None:
    assert Window.parse(window).contains(now) is is_open


@pytest.mark.parametrize(
    "text", ["", "3-5", "03:00", "25:00-26:00", "sun:03:00-05:00", "someday:03:00-someday:05:00"]
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(AuroraError, match=r"is no window of time\. Write it as 22:00-04:00"):
        Window.parse(text)


USUAL = {"min_capacity": 0.5, "max_capacity": 4, "seconds_until_auto_pause": None}
OFFICE = {
    "name": "office",
    "days": ["mon", "tue"],
    "begin": "07:00",
    "end": "19:00",
    "min_capacity": 2,
    "max_capacity": 16,
}
NIGHT = {
    "name": "night",
    "begin": "22:00",
    "end": "05:00",
    "min_capacity": 0,
    "seconds_until_auto_pause": 600,
}


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        pytest.param([], moment(MON, 8), ("usual", 0.5, 4), id="no schedule"),
        pytest.param([OFFICE], moment(MON, 7), ("office", 2, 16), id="office hours"),
        pytest.param([OFFICE], moment(MON, 19), ("usual", 0.5, 4), id="after work"),
        pytest.param([OFFICE], moment(SAT, 8), ("usual", 0.5, 4), id="on a Saturday"),
        pytest.param(
            [NIGHT], moment(MON, 23), ("night", 0, 4), id="night: 0 is a value, the rest is as usual"
        ),
        pytest.param([NIGHT], moment(MON, 4), ("night", 0, 4), id="night: until the next morning"),
        pytest.param(
            [{**NIGHT, "days": ["mon"]}], moment(TUE, 4), ("night", 0, 4), id="the morning after its day"
        ),
        pytest.param(
            [{**NIGHT, "days": ["mon"]}], moment(MON, 4), ("usual", 0.5, 4), id="not the morning of its day"
        ),
        pytest.param(
            [OFFICE, {"name": "all", "max_capacity": 8}],
            moment(MON, 8),
            ("office", 2, 16),
            id="the first counts",
        ),
        pytest.param(
            [OFFICE, {"name": "all", "max_capacity": 8}], moment(SAT, 8), ("all", 0.5, 8), id="all the time"
        ),
    ],
)
def test_the_range_of_a_moment(
    schedule: t.Any, now: datetime.datetime, expected: tuple[str, float, float]
) -> None:
    found = capacity_at(USUAL, schedule, now)
    assert (found["name"], found["min_capacity"], found["max_capacity"]) == expected


def test_a_schedule_has_a_time_zone_and_a_naive_time_is_utc() -> None:
    six_in_utc = moment(MON, 6).replace(tzinfo=None)
    assert capacity_at(USUAL, [OFFICE], six_in_utc, "Europe/Berlin")["name"] == "office"
    assert capacity_at(USUAL, [OFFICE], six_in_utc)["name"] == "usual"


@pytest.mark.parametrize(
    ("entry", "zone", "words"),
    [
        pytest.param({"name": "x", "days": ["someday"]}, "UTC", "x has the days som", id="day"),
        pytest.param({"name": "x", "begin": "7"}, "UTC", "x has the begin 7", id="time"),
        pytest.param({"name": "x", "minimum": 1}, "UTC", "x has minimum; an entry takes", id="key"),
        pytest.param({}, "Berlin", "'Berlin' is no time zone", id="zone"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused(entry: t.Any, zone: str, words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        capacity_at(USUAL, [entry], moment(MON, 8), zone)
