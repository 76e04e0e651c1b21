"""Limits, leaks and negative counters."""

from __future__ import annotations

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import Secrets
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.hygiene import (
    Limits,
    label_values,
    no_leak,
    no_negative_counter,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse

PAGE = parse(b'a{x="1",y="long value"} 1\na{x="2",y="z"} 1\na{x="3",y="z"} 1\nb 1\n')


@pytest.mark.parametrize(
    ("limits", "observed"),
    [
        pytest.param(Limits(), "4 samples", id="small enough"),
        pytest.param(Limits(samples=3), "4 samples", id="too many samples"),
        pytest.param(Limits(samples_per_family=2), "3 samples of a", id="too many in a family"),
        pytest.param(Limits(values_per_label=2), "3 values of label x of a", id="too many values"),
        pytest.param(Limits(label_value_length=9), "10 characters in label y of a", id="too long a value"),
        pytest.param(Limits(0, 0, 0, 0), "4 samples", id="without limits"),
        pytest.param(Limits(4, 3, 10, 3), "4 samples", id="exactly as much as allowed"),
    ],
)
def test_limits(limits: Limits, observed: str) -> None:
    check = limits.judge(PAGE, label_values(PAGE))
    assert check.observed == observed
    assert (check.status == "pass") == (limits in (Limits(), Limits(0, 0, 0, 0), Limits(4, 3, 10, 3)))


def test_a_leak_is_named_and_not_repeated() -> None:
    page = parse(b'a{dsn="postgresql://app:word@db"} 1\na{dsn="none"} 1\nb{dsn="none"} 1\n')
    leak = no_leak(label_values(page), Secrets())
    assert (leak.status, leak.observed) == ("fail", "a, label dsn")
    assert no_leak(label_values(PAGE), Secrets()).status == "pass"
    assert no_leak(label_values(PAGE), Secrets(("long value",))).observed == "a, label y"


def test_negative_counters() -> None:
    page = parse(b"# TYPE a counter\na -1\n# TYPE b gauge\nb -1\n# TYPE c counter\nc 0\n")
    assert (no_negative_counter(page).status, no_negative_counter(page).observed) == ("fail", "a")
