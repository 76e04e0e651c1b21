"""Expectations on series."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.loading import load
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse

PAGE = parse(
    b"# TYPE pool gauge\n"
    b'pool{state="in_use",pod="a"} 3\npool{state="idle",pod="a"} 0\npool{state="in_use",pod="b"} 5\n'
    b"# TYPE wait histogram\n"
    b'wait_bucket{le="+Inf"} 2\nwait_sum 1\nwait_count 2\n'
    b"# TYPE load gauge\nload NaN\n"
    b"used 7\nfree 4\n"
)


def judged(**given: t.Any) -> Check:
    profile = load({"expect": [given]}, {})
    (check,) = profile.judge(profile.pages(PAGE, None))
    return check


def value(op: str, number: float) -> dict[str, t.Any]:
    return {"op": op, "number": number}


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
            {"name": "pool", "labels": {"pod": "a"}, "min_series": 3},
            "fail",
            "2 series: pool{pod=a,state=in_use}, pool{pod=a,state=idle}",
            id="too few",
        ),
        pytest.param(
            {"name": "pool", "max_series": 2},
            "fail",
            "3 series: pool{pod=a,state=in_use}, pool{pod=a,state=idle}, pool{pod=b,state=in_use}",
            id="too many",
        ),
        pytest.param(
            {"name": "used", "max_series": 0, "min_series": 0}, "fail", "1 series: used", id="none is allowed"
        ),
        pytest.param(
            {"name": "pool", "labels": {"state": "busy"}},
            "fail",
            "no such series: state is idle, in_use",
            id="label value differs",
        ),
        pytest.param({"name": "pool", "labels": {"state": "~in_.*"}}, "pass", "3, 5", id="label by pattern"),
        pytest.param(
            {"name": "pool", "labels": {"state": "~in"}},
            "fail",
            "no such series: state is idle, in_use",
            id="a pattern fits whole",
        ),
        pytest.param({"name": "pool", "labels": {"zone": ""}}, "pass", "3, 0, 5", id="label absent"),
        pytest.param(
            {"name": "pool", "required_labels": ["pod", "zone"]},
            "fail",
            "3 series without label zone",
            id="label required",
        ),
        pytest.param(
            {"name": "pool", "forbidden_labels": ["zone", "pod"]},
            "fail",
            "3 series with label pod",
            id="label forbidden",
        ),
        pytest.param({"name": "pool", "value": value(">", 0)}, "fail", "3, 0, 5", id="all values"),
        pytest.param(
            {"name": "pool", "value": value(">", 0), "match": "any"}, "pass", "3, 0, 5", id="any value"
        ),
        pytest.param(
            {"name": "pool", "value": value("<", 0), "match": "none"}, "pass", "3, 0, 5", id="no value"
        ),
        pytest.param({"name": "load"}, "fail", "a gauge that is NaN", id="a gauge without a number"),
        pytest.param({"name": "load", "nan": True}, "pass", "nan", id="a gauge that may have none"),
        pytest.param({"name": "pond", "severity": "warn"}, "warn", "no series", id="a warning"),
        pytest.param(
            {"id": "d", "kind": "difference", "of": "used", "minus": "free", "value": value("<=", 3)},
            "pass",
            "3",
            id="difference kept",
        ),
        pytest.param(
            {"id": "d", "kind": "difference", "of": "used", "minus": "pool", "value": value(">=", 0)},
            "fail",
            "-1",
            id="difference of sums not kept",
        ),
    ],
)
def test_judgement(given: dict[str, t.Any], status: str, observed: str) -> None:
    check = judged(**given)
    assert (check.status, check.observed) == (status, observed)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, "at least 1 series pool", id="one"),
        pytest.param({"min_series": 0}, "any series pool", id="any number"),
        pytest.param({"min_series": 2, "max_series": 3}, "at least 2, at most 3 series pool", id="a range"),
        pytest.param({"min_series": 0, "max_series": 0}, "no series pool", id="none"),
        pytest.param(
            {"type": "gauge", "fresh": "changes"},
            "at least 1 series pool of type gauge that change between two scrapes",
            id="type and freshness",
        ),
    ],
)
def test_what_is_expected(given: dict[str, t.Any], expected: str) -> None:
    assert judged(name="pool", **given).expected == expected


def test_all_faults_are_named_at_once() -> None:
    check = judged(name="pool", type="counter", required_labels=["zone"], max_series=9)
    assert check.observed == "type gauge; 3 series without label zone"


def test_a_failure_says_everything() -> None:
    check = judged(
        id="idle", name="pool", labels={"state": "idle"}, value=value(">=", 1), hint="Nobody is idle."
    )
    said = "idle: expected at least 1 series pool{state=idle} with all values >= 1, seen 0 (Nobody is idle.)"
    assert str(check) == said


@pytest.mark.parametrize(
    ("kind", "before", "after", "observed"),
    [
        pytest.param("grows", "a 1\n", "a 2\n", None, id="it grows"),
        pytest.param("grows", "a 2\n", "a 2\n", "2, then 2", id="it stands"),
        pytest.param("grows", "b 1\n", "a 2\n", "no series, then 2", id="it is new"),
        pytest.param("grows", 'a{x="1"} 1\na{x="2"} 5\n', 'a{x="1"} 2\na{x="2"} 5\n', None, id="the sum"),
        pytest.param("changes", "a 2\n", "a 1\n", None, id="it changes"),
        pytest.param("changes", "a 2\n", "a 2\n", "2 at both scrapes", id="it does not change"),
        pytest.param(
            "grows",
            "process_start_time_seconds 1\na 5\n",
            "process_start_time_seconds 2\na 1\n",
            None,
            id="a restart",
        ),
    ],
)
def test_freshness(kind: str, before: str, after: str, observed: str | None) -> None:
    profile = load({"expect": [{"name": "a", "fresh": kind}]}, {})
    (check,) = profile.judge(profile.pages(parse(after.encode()), parse(before.encode())))
    assert (check.status == "fail") == (observed is not None)
    assert observed in (None, check.observed)
