"""Durations as text."""

from __future__ import annotations

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._durations import (
    GO,
    PROMETHEUS,
    seconds,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("5s", 5, id="seconds"),
        pytest.param("1m30s", 90, id="minutes and seconds"),
        pytest.param("1.5h", 5400, id="a fraction"),
        pytest.param("500ms", 0.5, id="milliseconds"),
        pytest.param("2d", 172_800, id="days"),
        pytest.param("1y1w", 32_140_800, id="years and weeks"),
        pytest.param("0", 0, id="zero needs no unit"),
        pytest.param("", None, id="nothing"),
        pytest.param("5", None, id="a number without unit"),
        pytest.param("5 s", None, id="a space"),
        pytest.param("-5s", None, id="a sign"),
    ],
)
def test_seconds(text: str, expected: float | None) -> None:
    assert seconds(text, PROMETHEUS) == expected


def test_go_knows_no_days() -> None:
    assert (seconds("1h", GO), seconds("1d", GO)) == (3600, None)
