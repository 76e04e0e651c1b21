"""Variables, versions and conditions of a profile."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import ProfileError
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.variables import (
    Facts,
    VersionSource,
    filled,
    values,
    within,
)


@pytest.mark.parametrize(
    ("about", "given", "value"),
    [
        pytest.param({"type": "int"}, "17", 17, id="a number as text"),
        pytest.param({"type": "version"}, "v0.19.1", "0.19.1", id="a version as its tag"),
        pytest.param({"type": "version"}, 17, "17", id="a version without dots"),
        pytest.param({"type": "list"}, ["a", 1], ["a", "1"], id="names"),
        pytest.param({"default": "x"}, None, "x", id="the default"),
        pytest.param({}, None, None, id="no value"),
        pytest.param({"type": "bool", "default": True}, False, False, id="false is a value"),
    ],
)
def test_values(about: dict[str, t.Any], given: t.Any, value: t.Any) -> None:
    assert values({"v": about}, {"v": given}, "mine.yml") == {"v": value}


@pytest.mark.parametrize(
    ("declared", "given", "said"),
    [
        pytest.param({"a": {}}, {"b": 1}, "mine.yml has no variable b, only a", id="unknown"),
        pytest.param({}, {"b": 1}, "has no variable b, only none at all", id="none is known"),
        pytest.param(
            {"a": {"required": True, "description": "A word."}},
            {},
            "mine.yml needs the variable a: A word.",
            id="required",
        ),
        pytest.param({"a": {"type": "int"}}, {"a": "x"}, "a is 'x', not a whole number", id="no number"),
        pytest.param({"a": {"type": "int"}}, {"a": True}, "a is True, not a whole number", id="a truth"),
        pytest.param(
            {"a": {"type": "version"}},
            {"a": 0.20},
            "a is 0.2, not a version, which stands in quotes",
            id="a version that YAML took for a number",
        ),
        pytest.param({"a": {"type": "version"}}, {"a": True}, "a is True, not a version", id="no version"),
        pytest.param({"a": {"type": "number"}}, {"a": 10**400}, "not a number", id="a number too large"),
        pytest.param({"a": {"type": "bool"}}, {"a": "yes"}, "a is 'yes', not true or false", id="no truth"),
        pytest.param({"a": {"type": "list"}}, {"a": "x"}, "a is 'x', not a list", id="no list"),
    ],
)
def test_a_mistake_is_a_sentence(declared: dict[str, t.Any], given: dict[str, t.Any], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        values(declared, given, "mine.yml")


@pytest.mark.parametrize(
    ("thing", "result"),
    [
        pytest.param("${number}", 3, id="alone it keeps its type"),
        pytest.param("at most ${number}", "at most 3", id="within text"),
        pytest.param("~${version}.*", r"~0\.19.*", id="it stands for itself in a regular expression"),
        pytest.param({"a": ["${number}"]}, {"a": [3]}, id="anywhere"),
        pytest.param(["w", "${list}", "z"], ["w", "x", "y", "z"], id="a list becomes a part of a list"),
        pytest.param(["w", "${nothing}"], ["w"], id="and nothing none of it"),
        pytest.param("$number $${x", "$number $${x", id="nothing else is a variable"),
    ],
)
def test_filling_in(thing: t.Any, result: t.Any) -> None:
    assert filled(thing, {"number": 3, "version": "0.19", "list": ["x", "y"], "nothing": None}) == result


@pytest.mark.parametrize(
    ("version", "bounds", "holds"),
    [
        pytest.param((0, 16, 1), ">=0.16", True, id="a patch is not below its minor"),
        pytest.param((0, 16, 1), "<=0.16", True, id="nor above it"),
        pytest.param((0, 16, 1), "==0.16", True, id="it is one of it"),
        pytest.param((0, 16, 1), ">0.16", False, id="not newer"),
        pytest.param((0, 9), "<0.10", True, id="numbers, not text"),
        pytest.param((0, 15), ">=0.13 <0.20", True, id="both bounds"),
        pytest.param((0, 20), ">=0.13, <0.20", False, id="one bound does not hold"),
        pytest.param((99,), ">=0.20", True, id="the newest"),
    ],
)
def test_version_conditions(version: tuple[int, ...], bounds: str, holds: bool) -> None:
    assert within(version, bounds) is holds


FACTS = Facts(
    {"wanted": None, "aurora": True}, {"exporter": VersionSource("wanted", "build_info", "version")}
)
PAGE = parse(b'build_info{version="0.12.1"} 1\n')


@pytest.mark.parametrize(
    ("when", "page", "holds"),
    [
        pytest.param({}, PAGE, True, id="no condition"),
        pytest.param({"aurora": True}, PAGE, True, id="a variable"),
        pytest.param({"aurora": False}, PAGE, False, id="another value"),
        pytest.param({"exporter": "<0.13"}, PAGE, True, id="the version that is reported"),
        pytest.param({"exporter": "<0.13", "aurora": False}, PAGE, False, id="all have to hold"),
        pytest.param({"exporter": ">=0.20"}, parse(b"up 1\n"), True, id="unknown is the newest"),
    ],
)
def test_conditions(when: dict[str, t.Any], page: t.Any, holds: bool) -> None:
    assert FACTS.hold(when, page) is holds


def test_a_version_that_is_told_is_not_looked_up() -> None:
    told = Facts({"wanted": "0.20"}, FACTS.versions)
    assert told.version("exporter", PAGE) == (0, 20)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        pytest.param(
            {"postgres": ">=16"}, "there is no postgres, only exporter, wanted, aurora", id="unknown"
        ),
        pytest.param({"exporter": "0.16"}, "'0.16' is no version condition", id="no operator"),
        pytest.param({"exporter": True}, "True is no version condition", id="no text"),
    ],
)
def test_a_condition_that_cannot_be_decided(when: dict[str, t.Any], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        FACTS.check(when, "mine.yml")
