"""Durations are read as Kubernetes spells them, and written as Go does it."""

from __future__ import annotations

import pytest

from lab.standins.api.times import as_go_writes


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("1h", "1h0m0s", id="hours have minutes and seconds"),
        pytest.param("90s", "1m30s", id="seconds become minutes"),
        pytest.param("2h0m5s", "2h0m5s", id="what is written so already"),
        pytest.param("1d", "24h0m0s", id="there are no days"),
        pytest.param("1.5s", "1.5s", id="fractions"),
        pytest.param("500ms", "500ms", id="less than a second"),
        pytest.param("0", "0s", id="nothing"),
    ],
)
def test_as_go_writes(text: str, written: str) -> None:
    assert as_go_writes(text) == written
