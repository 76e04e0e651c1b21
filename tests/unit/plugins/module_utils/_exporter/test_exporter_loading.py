"""From the mapping of a profile to its checks."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.loading import load
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import ProfileError
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse

PAGE = parse(b'up{host="a"} 1\nup{host="b"} 0\n')


def judged(expect: list[dict[str, t.Any]], **variables: t.Any) -> list[Check]:
    declared = {"host": {}, "hosts": {"type": "list"}, "most": {"type": "int"}, "small": {"type": "bool"}}
    profile = load({"variables": declared, "expect": expect}, variables)
    return list(profile.judge(profile.pages(PAGE, None)))


def test_a_variable_is_filled_in() -> None:
    expect = [{"name": "up", "labels": {"host": "~${host}|x"}, "max_series": "${most}"}]
    (check,) = judged(expect, host="a", most=1)
    assert (check.id, check.status) == ("up{host=~a|x}", "pass")


def test_a_check_whose_variable_has_no_value_is_left_out() -> None:
    assert judged([{"name": "up", "labels": {"host": "${host}"}}]) == []


@pytest.mark.parametrize("key", ["unsteady", "restarts"])
@pytest.mark.parametrize(
    ("names", "variables", "filled"),
    [
        pytest.param("${list}", {"list": ["a_", "b_"]}, ["a_", "b_"], id="a list"),
        pytest.param(["${list}", "${text}_c"], {"list": ["a_"], "text": "b"}, ["a_", "b_c"], id="names"),
        pytest.param(["${list}", "c_"], {}, ["c_"], id="no value beside others"),
    ],
)
def test_names_are_filled_in(key: str, names: t.Any, variables: dict[str, t.Any], filled: list[str]) -> None:
    profile = load({"variables": {"list": {"type": "list"}, "text": {}}, key: names}, variables)
    assert list(getattr(profile, key)) == filled


def test_without_a_value_names_are_as_without_the_key() -> None:
    given = {"variables": {"list": {"type": "list"}}, "unsteady": "${list}", "restarts": "${list}"}
    profile, default = load(given, {}), load({}, {})
    assert (profile.unsteady, profile.restarts) == (default.unsteady, default.restarts)


def test_a_check_for_each_value_of_a_list() -> None:
    expect = [
        {
            "id": "up",
            "each": "hosts",
            "name": "up",
            "labels": {"host": "${each}"},
            "value": {"op": "==", "number": 1},
        }
    ]
    assert [(check.id, check.status) for check in judged(expect, hosts=["a", "b"])] == [
        ("up[a]", "pass"),
        ("up[b]", "fail"),
    ]
    assert judged(expect) == []


def test_a_condition_leaves_a_check_out() -> None:
    assert judged([{"name": "up", "when": {"small": True}}], small=False) == []


def test_an_ignored_check_is_not_made() -> None:
    assert judged([{"name": "down", "severity": "ignore"}]) == []


@pytest.mark.parametrize(
    ("severity", "statuses"),
    [
        pytest.param("fail", ["fail", "skip"], id="a failure"),
        pytest.param("warn", ["warn", "pass"], id="a warning stops nothing"),
    ],
)
def test_what_follows_a_check_that_stops_is_skipped(severity: str, statuses: list[str]) -> None:
    checks = judged([{"name": "down", "stops": True, "severity": severity}, {"name": "up"}])
    assert [check.status for check in checks] == statuses


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({"expect": [{"id": "x"}]}, r"mine: expect\[x\]: name is missing", id="no name"),
        pytest.param(
            {"expect": [{"name": "up", "value": {"op": ">"}}]},
            r"mine: expect\[up\].value: number is missing",
            id="half a bound",
        ),
        pytest.param(
            {"expect": [{"id": "d", "kind": "difference", "of": "a"}]}, "minus is missing", id="no difference"
        ),
        pytest.param(
            {"expect": [{"id": "c", "kind": "collectors", "name": "up"}]},
            "a check of kind collectors has no name",
            id="a key of another kind",
        ),
        pytest.param(
            {"expect": [{"name": "up", "labels": {"a": "~("}}]},
            r"expect\[up\{a=~\(\}\]: label a: '\(' is no regular expression",
            id="a malformed pattern",
        ),
        pytest.param(
            {"expect": [{"name": "up", "hint": "${x}"}]}, "there is no variable x", id="unknown variable"
        ),
        pytest.param({"expect": [{"name": "up", "each": "x"}]}, "there is no variable x", id="unknown list"),
        pytest.param(
            {"expect": [{"name": "up", "when": {"x": True}}]}, "there is no x", id="unknown condition"
        ),
        pytest.param(
            {"collectors": {"names": "${x}"}}, "collectors: there is no variable x", id="collectors"
        ),
        pytest.param({"unsteady": "${x}"}, "unsteady: there is no variable x", id="unsteady"),
        pytest.param({"restarts": ["${x}"]}, "restarts: there is no variable x", id="restarts"),
        pytest.param({"families": [{"id": "x"}]}, "each entry needs id and names", id="half a row"),
        pytest.param(
            {"families": [{"id": "x", "names": [], "when": {"y": "1"}}]},
            r"families\[x\]: there is no y",
            id="a row's condition",
        ),
    ],
)
def test_a_mistake_is_a_sentence(given: dict[str, t.Any], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        load({"name": "mine", **given}, {})
