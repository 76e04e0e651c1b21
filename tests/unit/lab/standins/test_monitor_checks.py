"""Monitors are refused for the reasons, and in the words, of prometheus-operator."""

from __future__ import annotations

from typing import Any

import pytest

from lab import programs
from lab.standins.prometheus_operator.checks import problem, selector_problems
from lab.standins.prometheus_operator.promtool import Promtool

Object = dict[str, Any]
PROMETHEUS: Object = {"metadata": {"name": "p", "namespace": "m"}, "spec": {"scrapeInterval": "10s"}}


@pytest.fixture(scope="module")
def promtool() -> Promtool:
    try:
        return Promtool(programs.ensure(lambda line: None).promtool.path)
    except programs.ProgramsError as error:
        pytest.skip(f"needs the laboratory's programs: {error}")


def monitor(*endpoints: Object, field: str = "endpoints", **spec: Any) -> Object:
    return {
        "metadata": {"name": "x", "namespace": "demo"},
        "spec": {"selector": {}, field: endpoints, **spec},
    }


def relabeling(**rule: Any) -> Object:
    return {"port": "metrics", "relabelings": [{"targetLabel": "fine"}, rule]}


def test_what_is_right_is_not_refused(promtool: Promtool) -> None:
    endpoint = {"interval": "5s", "scrapeTimeout": "5s", **relabeling(sourceLabels=["a"], targetLabel="b")}
    assert problem(PROMETHEUS, monitor(endpoint), promtool) is None


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param(
            monitor({}, {"interval": "5s", "scrapeTimeout": "6s"}),
            'endpoints[1]: scrapeTimeout "6s" greater than scrapeInterval "5s"',
            id="timeout above the interval",
        ),
        pytest.param(
            monitor({"scrapeTimeout": "1m"}, field="podMetricsEndpoints"),
            'endpoint[0]: scrapeTimeout "1m" greater than scrapeInterval "10s"',
            id="of pods, above the interval of all",
        ),
        pytest.param(
            monitor(relabeling(regex="(", action="keep")),
            "endpoints[0]: relabelConfigs: [1]: invalid regex ( for relabel configuration: "
            "error parsing regexp: missing closing ): `^(?s:()$`",
            id="a broken pattern",
        ),
        pytest.param(
            monitor(relabeling(action="replace")),
            "endpoints[0]: relabelConfigs: [1]: "
            "relabel configuration for replace action needs targetLabel value",
            id="no target",
        ),
        pytest.param(
            monitor({"metricRelabelings": [{"action": "hashmod", "targetLabel": "x"}]}),
            "endpoints[0]: metricRelabelConfigs: [0]: "
            "relabel configuration for hashmod requires non-zero modulus",
            id="of metrics",
        ),
        pytest.param(
            monitor({"basicAuth": {}, "scrapeTimeout": "1m"}, scrapeClass="x"),
            "the laboratory's operator does not support basicAuth, scrapeClass",
            id="what the laboratory lacks comes first",
        ),
        pytest.param(
            monitor({}, selector={"matchExpressions": [{"key": "a", "operator": "In"}]}),
            "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty",
            id="a selector",
        ),
        pytest.param(
            monitor(
                field="podMetricsEndpoints", selector={"matchExpressions": [{"key": "a", "operator": "?"}]}
            ),
            'failed to parse label selector: "?" is not a valid label selector operator',
            id="a selector of pods",
        ),
    ],
)
def test_refused(promtool: Promtool, wish: Object, expected: str) -> None:
    assert problem(PROMETHEUS, wish, promtool) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param({}, "", id="everything"),
        pytest.param(
            {
                "matchLabels": {"a/b": "c"},
                "matchExpressions": [{"key": "d", "operator": "NotIn", "values": ["e"]}],
            },
            "",
            id="all kinds",
        ),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
            'values: Invalid value: ["b"]: values set must be empty for exists and does not exist',
            id="values where none belong",
        ),
        pytest.param(
            {"matchLabels": {"app": "a(b"}},
            'values[0][app]: Invalid value: "a(b": a valid label must be an empty string',
            id="a value that no label has",
        ),
        pytest.param(
            {"matchLabels": {"a b": "c"}},
            'key: Invalid value: "a b": name part',
            id="a key that no label has",
        ),
    ],
)
def test_selectors(selector: Object, expected: str) -> None:
    found = [*selector_problems(selector), ""]
    assert found[0].startswith(expected)
    assert bool(found[0]) is bool(expected)
