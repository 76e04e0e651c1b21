"""Quantities are written in the canonical form."""

from __future__ import annotations

import pytest

from lab.kubernetes.embedded.quantities import canonical


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("500m", "500m"),
        ("0.5", "500m"),
        ("1000m", "1"),
        (1, "1"),
        (2.5, "2500m"),
        ("0", "0"),
        ("1000", "1k"),
        ("1e3", "1e3"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("64Mi", "64Mi"),
        ("0.5Ki", "512"),
        ("-1", "-1"),
    ],
)
def test_canonical(given: str | float, written: str) -> None:
    assert canonical(given) == written


@pytest.mark.parametrize("given", ["", "much", "1 Gi", "1GB", "--1"])
def test_refused(given: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        canonical(given)
