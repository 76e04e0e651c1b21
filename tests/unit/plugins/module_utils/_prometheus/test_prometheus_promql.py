"""Which series an expression lives on, and that a real parser agrees."""

from __future__ import annotations

import promql_parser
import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.promql import (
    PromqlError,
    inputs,
    is_selector,
    missing,
    selectors,
    tokens,
)
from hypothesis import given, settings
from hypothesis import strategies as st

CORPUS = (
    "up",
    'up{job="a"} == 0',
    "{__name__=~\"pg_.+\", job='x'}",
    'sum by (namespace, job) (rate(pg_stat_database_xact_commit{datname!~"template.*|rdsadmin"}[5m]))',
    "sum(rate(x[5m])) by (le)",
    "histogram_quantile(0.95, sum by (le) (rate(app_seconds_bucket[5m]))) > 0.25",
    "max by (namespace, job) (pg_up) == 0",
    "min(a - b) / count(c) * 100 % 7 ^ 2",
    "a / on (instance) group_left (version, team) b",
    "a * ignoring(x) group_right b > bool 5",
    "predict_linear(aurora:connections:used[1h], 1800) > aurora:connections:usable and x > 0.5",
    "a > 3 * (a offset 1d)",
    "rate(a[5m] offset -1w @ end())",
    "a @ 1700000000",
    "max_over_time(rate(a[1m])[10m:30s])",
    "avg_over_time(sum(a)[1h30m:])",
    'label_replace(a{b="} or ("}, "rolname", "$1", "usename", "(.+)")',
    "topk(10, sum by (application_name) (a))",
    "quantile(0.9, a) or vector(0)",
    'count_values("version", build_info)',
    "-a + -1e3 + .5 + 0x1F + Inf - NaN",
    "time() - timestamp(a) < 2 * 15",
    "a # or b\n  + c",
    "(min_over_time(a[10m]) >= 99.5 and on (i) (b > 80 or c < 512 * 1024))",
    "sum(a) AND sum(b) OR sum(c)",
    "group(a) by (x) + stddev without (y) (b)",
    "a atan2 b",
    "clamp_max(a, scalar(b))",
    "a{}",
)


def wanted_by_parser(node: object, found: list[tuple[str, frozenset[tuple[str, str]]]]) -> None:
    if isinstance(node, promql_parser.VectorSelector):
        matchers = frozenset((matcher.name, matcher.value) for matcher in node.matchers.matchers)
        found.append((node.name or "", matchers))
        return
    for child in ("expr", "lhs", "rhs", "vector_selector", "param"):
        if getattr(node, child, None) is not None:
            wanted_by_parser(getattr(node, child), found)
    for argument in getattr(node, "args", None) or []:
        wanted_by_parser(argument, found)


@pytest.mark.parametrize("expression", CORPUS)
def test_the_selectors_are_those_that_a_real_parser_sees(expression: str) -> None:
    expected: list[tuple[str, frozenset[tuple[str, str]]]] = []
    wanted_by_parser(promql_parser.parse(expression), expected)
    ours: list[tuple[str, frozenset[tuple[str, str]]]] = []
    for selector in selectors(inputs(expression)):
        wanted_by_parser(promql_parser.parse(selector.text), ours)
    assert sorted(ours, key=str) == sorted(expected, key=str)


def lacking(expression: str, *there: str) -> list[str]:
    return [selector.text for selector in missing(inputs(expression), lambda one: one.metric in there)]


@pytest.mark.parametrize(
    ("expression", "there", "lack"),
    [
        pytest.param("a / b", ("a",), ["b"], id="every operand is needed"),
        pytest.param("a or b", ("b",), [], id="one operand of or is enough"),
        pytest.param("a or b", (), ["a", "b"], id="none of them is too few"),
        pytest.param("a * (b or c) and d", ("a", "d"), ["b", "c"], id="or in parentheses"),
        pytest.param("a or vector(0)", (), ["a"], id="a constant is no input"),
        pytest.param("vector(1)", (), [], id="a constant alone needs none"),
        pytest.param("absent(a{job='x'})", (), [], id="absent wants it missing"),
        pytest.param("absent_over_time(a[5m]) or b", (), [], id="absence is an operand like any other"),
        pytest.param("(a == 1) unless on (i) b", ("a",), [], id="what unless takes away may be missing"),
        pytest.param("a unless b and c", ("a",), ["c"], id="unless ends at the next set operator"),
        pytest.param("a unless (b or c)", ("a",), [], id="unless with parentheses"),
        pytest.param("sum(rate(a[5m])) / sum(rate(b[5m]))", (), ["a", "b"], id="inside functions"),
    ],
)
def test_what_an_expression_lacks(expression: str, there: tuple[str, ...], lack: list[str]) -> None:
    assert lacking(expression, *there) == lack


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("sum(a", id="bracket open"),
        pytest.param("a)", id="bracket closes nothing"),
        pytest.param("sum(a}", id="bracket of another kind"),
        pytest.param("a ; b", id="foreign sign"),
        pytest.param('a{b="c}', id="string open"),
    ],
)
def test_what_is_no_promql_is_refused(expression: str) -> None:
    with pytest.raises(PromqlError):
        inputs(expression)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("sum( a )\n>5", "sum(a) > 5", id="space"),
        pytest.param("a{b='c\"d'}", 'a{b="c\\"d"}', id="quotes"),
        pytest.param("a{b=`c\\d`}", 'a{b="c\\\\d"}', id="backquotes"),
        pytest.param("a # why\n+ b", "a + b", id="comment"),
    ],
)
def test_the_same_words(one: str, other: str) -> None:
    assert tokens(one) == tokens(other)


@pytest.mark.parametrize(
    ("expression", "selector"),
    [
        pytest.param("up", True, id="a metric"),
        pytest.param('up {job="a}"} # all', True, id="a metric with matchers"),
        pytest.param('{__name__="up"}', True, id="matchers"),
        pytest.param("rate(up[5m])", False, id="a function"),
        pytest.param("up == 1", False, id="a comparison"),
        pytest.param('up{job="a"} + up{job="b"}', False, id="a sum"),
        pytest.param("1", False, id="a number"),
        pytest.param("up[5m]", False, id="a range"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_what_is_a_plain_selector(expression: str, selector: bool) -> None:
    assert is_selector(expression) is selector


def test_different_words() -> None:
    assert tokens("a > 0.8") != tokens("a > 0.9")


@given(st.text(alphabet="abor_:(){}[]\"'`,=~<>+-5. \n#\\", max_size=30))
@settings(max_examples=300, deadline=None)
def test_nothing_but_promql_errors_comes_out(text: str) -> None:
    try:
        list(selectors(inputs(text)))
    except PromqlError:
        return


@given(st.lists(st.sampled_from(CORPUS), min_size=2, max_size=4), st.sampled_from(["+", "and", "or"]))
@settings(max_examples=60, deadline=None)
def test_expressions_compose(parts: list[str], operator: str) -> None:
    whole = f" {operator} ".join(f"(\n{part}\n)" for part in parts)
    together = [selector.text for selector in selectors(inputs(whole))]
    assert together == [selector.text for part in parts for selector in selectors(inputs(part))]
