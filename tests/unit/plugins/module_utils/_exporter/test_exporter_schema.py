"""The shape of a profile, and how one extends another."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import (
    ProfileError,
    checked,
    merged,
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param([], r"mine.yml: \[\] is not a mapping", id="a list"),
        pytest.param(
            {"expects": []}, "mine.yml: there is no expects, only name, extends, .*limits$", id="key"
        ),
        pytest.param({"expect": {}}, "mine.yml.expect: {} is not a list", id="no list"),
        pytest.param(
            {"expect": [{"name": "up", "severity": "bad"}]},
            r"mine.yml.expect\[up\].severity: 'bad' is not one of fail, warn, ignore",
            id="a choice, by name",
        ),
        pytest.param(
            {"expect": [{"id": "one", "min_series": -1}]},
            r"mine.yml.expect\[one\].min_series: -1 is not a whole number from 0",
            id="a number, by id",
        ),
        pytest.param(
            {"expect": [{}, {"labels": {"code": 200}}]},
            r"mine.yml.expect\[2\].labels.code: 200 is not text",
            id="a label, by number",
        ),
        pytest.param(
            {"expect": [{"name": "up", "value": {"op": "=", "number": 1}}]},
            r"value.op: '=' is not one of ==, !=",
            id="an operator",
        ),
        pytest.param(
            {"expect": [{"name": "up", "value": {"op": "==", "number": True}}]},
            r"value.number: True is not a number",
            id="a truth is no number",
        ),
        pytest.param(
            {"expect": [{"name": "up", "max_series": float("inf")}]},
            "max_series: inf is not a whole number from 0",
            id="no bound",
        ),
        pytest.param({"limits": {"samples": float("nan")}}, "samples: nan is not a whole", id="no number"),
        pytest.param({"limits": {"samples": 1.5}}, "samples: 1.5 is not a whole number", id="a half"),
        pytest.param({"unsteady": "pg_"}, "mine.yml.unsteady: 'pg_' is not a list of names", id="names"),
        pytest.param(
            {"families": [{"id": "a", "names": []}, {"id": "a", "names": []}]},
            "mine.yml: families has the id a twice",
            id="an id twice",
        ),
    ],
)
def test_a_mistake_says_where_and_what_is_allowed(given: t.Any, said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        checked(given, "mine.yml")


def test_keys_without_a_value_are_left_out() -> None:
    given = {"name": None, "expect": [{"name": "up", "hint": None, "labels": {"a": None}}]}
    assert checked(given, "mine.yml") == {"expect": [{"name": "up", "labels": {}}]}


def test_names_are_joined_with_a_variable() -> None:
    assert merged({"unsteady": "${some}"}, {"unsteady": ["x_"]})["unsteady"] == ["${some}", "x_"]


def test_numbers_and_lists_may_be_variables() -> None:
    given = {"expect": [{"name": "up", "max_series": "${most}", "required_labels": "${labels}"}]}
    assert checked(given, "mine.yml") == given


BASE: dict[str, t.Any] = {
    "description": "base",
    "variables": {"a": {"type": "int"}, "b": {"type": "str"}},
    "expect": [{"id": "one", "name": "up", "hint": "h"}, {"name": "down"}],
    "unsteady": ["x_", "y_"],
    "limits": {"samples": 10},
}


@pytest.mark.parametrize(
    ("over", "key", "result"),
    [
        pytest.param({"description": "mine"}, "description", "mine", id="text is replaced"),
        pytest.param(
            {"variables": {"b": {"type": "list"}, "c": {"type": "int"}}},
            "variables",
            {"a": {"type": "int"}, "b": {"type": "list"}, "c": {"type": "int"}},
            id="mappings are merged",
        ),
        pytest.param(
            {"expect": [{"id": "one", "severity": "warn"}, {"name": "new"}]},
            "expect",
            [{"id": "one", "name": "up", "hint": "h", "severity": "warn"}, {"name": "down"}, {"name": "new"}],
            id="entries are changed by id and added",
        ),
        pytest.param({"unsteady": ["z_", "x_"]}, "unsteady", ["x_", "y_", "z_"], id="names are joined"),
        pytest.param(
            {"unsteady": "${more}"},
            "unsteady",
            ["x_", "y_", "${more}"],
            id="a variable is joined as one name",
        ),
        pytest.param({"restarts": ["r"]}, "restarts", ["r"], id="a new part"),
        pytest.param({"limits": {"samples": 0}}, "limits", {"samples": 0}, id="a limit"),
    ],
)
def test_extending(over: dict[str, t.Any], key: str, result: t.Any) -> None:
    assert merged(BASE, over)[key] == result
    assert BASE["unsteady"] == ["x_", "y_"], "the base stays as it was"
