# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of PromQL, and which series an expression lives on. PRIVATE: it may change at any time.

Prometheus has an endpoint that parses an expression only since 3.0, hence this: no full parser, just enough
structure to know which selectors have to find something for the expression to have a result.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    | (?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+(?:ms|[smhdwy]))+|(?:[0-9]*\.)?[0-9]+(?:[eE][+-]?[0-9]+)?\.?)
    | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
    | (?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){}\[\],@])
    """,
    re.VERBOSE,
)
SETS = ("and", "or", "unless", "atan2")
# Each is followed by labels in parentheses, not by an expression.
LISTS = ("by", "without", "on", "ignoring", "group_left", "group_right")
OPERATORS = (*SETS, *LISTS, "bool", "offset")
AGGREGATIONS = (
    *("sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values"),
    *("bottomk", "topk", "quantile", "limitk", "limit_ratio"),
)
NUMBERS = ("inf", "nan")
OPEN, CLOSE = "([{", ")]}"
# An expression with one of these has a result because the series is not there.
ABSENCE = ("absent", "absent_over_time")


class PromqlError(ValueError):
    """The text is no PromQL expression."""


@dataclass(frozen=True)
class Token:
    """A word of an expression."""

    kind: str
    text: str


@dataclass(frozen=True)
class Selector:
    """A metric and its label matchers, as they stand in the expression."""

    text: str

    @property
    def metric(self) -> str:
        """Name of the metric, empty when only labels select."""
        return self.text.partition("{")[0]


@dataclass(frozen=True)
class AnyOf:
    """Operands of `or`: one that has its input is enough."""

    choices: tuple[AllOf, ...]


@dataclass(frozen=True)
class AllOf:
    """Selectors and groups that all have to find something."""

    parts: tuple[Selector | AnyOf, ...]


NOTHING = AnyOf(())


def tokens(expression: str) -> list[Token]:
    """The words without space and comments, strings in double quotes. Raises PromqlError."""
    found, position = [], 0
    while position < len(expression):
        match = TOKEN.match(expression, position)
        if match is None:
            raise PromqlError(f"{expression[position : position + 20]!r} is no PromQL")
        kind = t.cast(str, match.lastgroup)
        if kind != "space":
            found.append(Token(kind, _quoted(match[0]) if kind == "string" else match[0]))
        position = match.end()
    return found


def is_selector(expression: str) -> bool:
    """Whether it is a metric, label matchers or both, and nothing around them. Raises PromqlError."""
    words = tokens(expression)
    braces = words[1:] if words and words[0].kind == "word" else words
    return bool(words) and (not braces or (braces[0].text == "{" and _closing(braces, 0) == len(braces) - 1))


def inputs(expression: str) -> AnyOf:
    """What has to exist for the expression to have a result. Raises PromqlError."""
    words = tokens(expression)
    _check_brackets(words)
    return _any_of(words)


def selectors(need: AnyOf | AllOf) -> Iterator[Selector]:
    """All selectors, in the order of the expression."""
    for part in need.choices if isinstance(need, AnyOf) else need.parts:
        if isinstance(part, Selector):
            yield part
        else:
            yield from selectors(part)


def missing(need: AnyOf, exists: Callable[[Selector], bool]) -> list[Selector]:
    """The selectors whose absence leaves the expression without input, none when it has input."""
    lacks = [_missing_of_all(choice, exists) for choice in need.choices]
    if not lacks or any(not lack for lack in lacks):
        return []
    return [selector for lack in lacks for selector in lack]


def _missing_of_all(need: AllOf, exists: Callable[[Selector], bool]) -> list[Selector]:
    lack: list[Selector] = []
    for part in need.parts:
        if isinstance(part, AnyOf):
            lack += missing(part, exists)
        elif not exists(part):
            lack.append(part)
    return lack


def _quoted(text: str) -> str:
    """The same string in double quotes; backquotes know no escapes."""
    if text[0] == "`":
        inner = text[1:-1].replace("\\", "\\\\").replace('"', '\\"')
    elif text[0] == "'":
        inner = text[1:-1].replace("\\'", "'").replace('"', '\\"')
    else:
        return text
    return f'"{inner}"'


def _check_brackets(words: Sequence[Token]) -> None:
    waiting: list[str] = []
    for word in words:
        if word.kind == "sign" and word.text in OPEN:
            waiting.append(CLOSE[OPEN.index(word.text)])
        elif word.kind == "sign" and word.text in CLOSE and (not waiting or waiting.pop() != word.text):
            raise PromqlError(f"{word.text} closes nothing")
    if waiting:
        raise PromqlError(f"{waiting[-1]} is missing")


def _any_of(words: Sequence[Token]) -> AnyOf:
    """`or` binds weakest. An operand without a selector, such as vector(0), is no input: it is left out."""
    choices = [_all_of(part) for part in _split(words, "or")]
    return AnyOf(tuple(choice for choice in choices if choice.parts))


def _all_of(words: Sequence[Token]) -> AllOf:
    """What follows `unless` may be missing: it only takes away."""
    parts: list[Selector | AnyOf] = []
    excluded = False
    for operand in _split(words, "and", "unless", keep=True):
        if operand and operand[0].text.lower() in ("and", "unless"):
            excluded = operand[0].text.lower() == "unless"
            operand = operand[1:]
        if not excluded:
            parts += _operand(operand)
    return AllOf(tuple(parts))


def _operand(words: Sequence[Token]) -> Iterator[Selector | AnyOf]:
    """The selectors of a stretch without set operators, and what stands in its parentheses."""
    position = 0
    while position < len(words):
        word = words[position]
        following = words[position + 1].text if position + 1 < len(words) else ""
        if word.kind == "sign" and word.text in OPEN:
            end = _closing(words, position)
            if word.text == "(":
                for argument in _split(words[position + 1 : end], ","):
                    if (need := _any_of(argument)).choices:
                        yield need
            elif word.text == "{":
                yield _selector("", words[position : end + 1])
            position = end + 1
        elif word.text.lower() in ABSENCE and following == "(":
            yield NOTHING
            position = _closing(words, position + 1) + 1
        elif word.kind == "word" and (following == "(" or word.text.lower() in (*OPERATORS, *NUMBERS)):
            position = _skip_list(words, position, following)
        elif word.kind == "word" and not (word.text in AGGREGATIONS and following in ("by", "without")):
            end = _closing(words, position + 1) + 1 if following == "{" else position + 1
            yield _selector(word.text, words[position + 1 : end])
            position = end
        else:
            position += 1


def _skip_list(words: Sequence[Token], position: int, following: str) -> int:
    """Where to go on after a function's name or a keyword: behind labels in parentheses."""
    if following == "(" and words[position].text.lower() in LISTS:
        return _closing(words, position + 1) + 1
    return position + 1


def _selector(metric: str, braces: Sequence[Token]) -> Selector:
    return Selector(metric + "".join(word.text for word in braces))


def _closing(words: Sequence[Token], start: int) -> int:
    """Position of the bracket that closes the one at `start`."""
    depth = 0
    for position in range(start, len(words)):
        if words[position].kind == "sign":
            depth += (words[position].text in OPEN) - (words[position].text in CLOSE)
        if depth == 0:
            return position
    raise PromqlError("a bracket is not closed")


def _split(words: Sequence[Token], *separators: str, keep: bool = False) -> list[list[Token]]:
    """Stretches between separators that stand in no bracket; with `keep`, each begins with its separator."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for word in words:
        if word.kind == "sign":
            depth += (word.text in OPEN) - (word.text in CLOSE)
        if depth == 0 and word.text.lower() in separators:
            parts.append([word] if keep else [])
        else:
            parts[-1].append(word)
    return parts
