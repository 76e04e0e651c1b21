"""Expectations as data."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.expectation import Expectation
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse

PAGE = parse(
    b"# TYPE pool gauge\n"
    b'pool{state="in_use",pod="a"} 3\npool{state="idle",pod="a"} 0\npool{state="in_use",pod="b"} 5\n'
    b"# TYPE wait histogram\n"
    b'wait_bucket{le="+Inf"} 2\nwait_sum 1\nwait_count 2\n'
)


def wanted(**given: t.Any) -> Expectation:
    """As Ansible hands it over: left-out options are None."""
    left_out = {"type": None, "max_series": None, "value": None, "hint": None}
    return Expectation.from_dict({**left_out, "labels": {}, "min_series": 1, "match": "all", **given})


@pytest.mark.parametrize(
    ("given", "status", "observed"),
    [
        pytest.param({"name": "pool"}, "pass", "3, 0, 5", id="it is there"),
        pytest.param({"name": "pond"}, "fail", "no series", id="it is not there"),
        pytest.param({"name": "pond", "min_series": 0}, "pass", "no series", id="it may be missing"),
        pytest.param({"name": "pool", "type": "gauge"}, "pass", "3, 0, 5", id="type fits"),
        pytest.param({"name": "pool", "type": "counter"}, "fail", "type gauge", id="type differs"),
        pytest.param({"name": "wait_count", "type": "histogram"}, "pass", "2", id="a part of a histogram"),
        pytest.param(
            {"name": "pool", "labels": {"pod": "a"}, "min_series": 3}, "fail", "2 series", id="too few"
        ),
        pytest.param({"name": "pool", "max_series": 2}, "fail", "3 series", id="too many"),
        pytest.param(
            {"name": "pool", "labels": {"state": "busy"}}, "fail", "no series", id="label value differs"
        ),
        pytest.param({"name": "pool", "labels": {"state": "~in_.*"}}, "pass", "3, 5", id="label by pattern"),
        pytest.param(
            {"name": "pool", "labels": {"state": "~in"}}, "fail", "no series", id="a pattern fits whole"
        ),
        pytest.param({"name": "pool", "labels": {"zone": ""}}, "pass", "3, 0, 5", id="label absent"),
        pytest.param({"name": "pool", "value": {"op": ">", "number": 0}}, "fail", "3, 0, 5", id="all values"),
        pytest.param(
            {"name": "pool", "value": {"op": ">", "number": 0}, "match": "any"},
            "pass",
            "3, 0, 5",
            id="any value",
        ),
        pytest.param(
            {"name": "pool", "value": {"op": "<", "number": 0}, "match": "none"},
            "pass",
            "3, 0, 5",
            id="no value",
        ),
    ],
)
def test_judgement(given: dict[str, t.Any], status: str, observed: str) -> None:
    check = wanted(**given).judge(PAGE)
    assert (check.status, check.observed) == (status, observed)


def test_a_failure_says_everything() -> None:
    check = wanted(
        name="pool", labels={"state": "idle"}, value={"op": ">=", "number": 1}, hint="Nobody is idle."
    ).judge(PAGE)
    said = "pool{state=idle}: expected at least 1 series with all values >= 1, seen 0 (Nobody is idle.)"
    assert str(check) == said


def test_a_malformed_pattern_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="pool: label state is no regular expression"):
        wanted(name="pool", labels={"state": "~("})
