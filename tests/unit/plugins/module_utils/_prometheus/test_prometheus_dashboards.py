"""Which expressions a dashboard asks for."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.dashboards import (
    panels,
    substitute,
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param('up{i=~"$instance"}', 'up{i=~"db-1"}', id="bare"),
        pytest.param('up{i=~"${instance}"}', 'up{i=~"db-1"}', id="braced"),
        pytest.param('up{i=~"${instance:regex}"}', 'up{i=~"db-1"}', id="with a format"),
        pytest.param('up{i=~"[[instance]]"}', 'up{i=~"db-1"}', id="old spelling"),
        pytest.param('up{i=~"$other"}', 'up{i=~".+"}', id="unknown is anything"),
        pytest.param("rate(a[$__rate_interval])", "rate(a[1m])", id="built in"),
        pytest.param(
            'label_replace(a, "x", "$1", "y", "(.*)")',
            'label_replace(a, "x", "$1", "y", "(.*)")',
            id="$1 stays",
        ),
    ],
)
def test_variables(expression: str, expected: str) -> None:
    assert substitute(expression, {"instance": "db-1", "__rate_interval": "1m"}) == expected


def panel(title: str, *expressions: str, **more: t.Any) -> dict[str, t.Any]:
    targets = [{"refId": chr(65 + number), "expr": text} for number, text in enumerate(expressions)]
    return {"title": title, "type": "stat", "targets": targets, **more}


def test_panels_of_rows_count_and_rows_do_not() -> None:
    model = {
        "title": "Overview",
        "panels": [
            panel("one", "a", "b"),
            {"type": "row", "title": "more", "panels": [panel("two", "c", expect="may_be_empty")]},
            {"type": "text", "title": "words"},
            {
                "type": "stat",
                "id": 7,
                "targets": [{"refId": "A", "expr": "d"}, {"refId": "B", "expr": "e", "hide": True}],
            },
            {"type": "logs", "title": "other source", "targets": [{"refId": "A", "query": "x"}]},
        ],
    }
    found = [(one.title, one.expressions, one.may_be_empty) for one in panels(model, {})]
    assert found == [
        ("one", [("A", "a"), ("B", "b")], False),
        ("two", [("A", "c")], True),
        ("panel 7", [("A", "d")], False),
    ]


@pytest.mark.parametrize(
    ("target", "given", "expected"),
    [
        pytest.param({}, {}, "1m", id="four times what a data source scrapes by default"),
        pytest.param({"interval": "30s"}, {}, "120s", id="four steps"),
        pytest.param({"interval": ">1m"}, {}, "240s", id="four steps, as older ones write it"),
        pytest.param({"interval": "$step"}, {}, "1m", id="a variable"),
        pytest.param({"interval": "30s"}, {"__rate_interval": "5m"}, "5m", id="a given value wins"),
    ],
)
def test_how_far_a_rate_looks_back(target: dict[str, t.Any], given: dict[str, t.Any], expected: str) -> None:
    model = {"panels": [panel("one", "rate(a[$__rate_interval])")]}
    model["panels"][0]["targets"][0].update(target)
    assert next(panels(model, given)).expressions == [("A", f"rate(a[{expected}])")]


@pytest.mark.parametrize(
    ("variable", "given", "expected"),
    [
        pytest.param({"type": "constant", "query": "5"}, {}, "5", id="constant of the dashboard"),
        pytest.param({"type": "custom", "query": "x, y"}, {}, "x", id="first of a list"),
        pytest.param({"type": "query", "query": "label_values(up, v)"}, {}, ".+", id="a query is anything"),
        pytest.param({"type": "constant", "query": "5"}, {"v": 6}, "6", id="a given value wins"),
        pytest.param({"type": "query"}, {"v": ["p", "q"]}, "p|q", id="several values"),
    ],
)
def test_values_of_variables(variable: dict[str, t.Any], given: dict[str, t.Any], expected: str) -> None:
    model = {"templating": {"list": [{"name": "v", **variable}]}, "panels": [panel("one", "$v")]}
    assert next(panels(model, given)).expressions == [("A", expected)]
