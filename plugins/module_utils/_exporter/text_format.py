# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict parser of the Prometheus text format 0.0.4. PRIVATE: it may change at any time.

Prometheus forgives much of what is refused here (lines of a family apart, a last line without its end), and a
proxy that cuts an answer, or two exporters behind one address, are only seen by a parser that does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.histogram import inconsistency
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Family,
    Sample,
)

TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"

SAMPLE = re.compile(rf"({NAME})[ \t]*(?:\{{(.*)\}})?[ \t]+(\S+)(?:[ \t]+(-?[0-9]+))?[ \t]*")
LABEL = re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\[\\"n])*)"[ \t]*(?:,[ \t]*|\Z)')
NUMBER = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)", re.I
)
META = re.compile(rf"#[ \t]+(HELP|TYPE)(?:[ \t]+({NAME})(?:[ \t]+(.*))?)?")
ESCAPE = re.compile(r"\\(.)")
CREDENTIALS = re.compile(r"://[^/\s:@]*:[^@\s]+@")


class ParseError(ValueError):
    """The page breaks the format; the text names line and fault, and carries no secret."""


def parse(page: bytes) -> Exposition:
    """Raises ParseError at the first fault."""
    if not page:
        raise ParseError("the page is empty")
    if not page.endswith(b"\n"):
        last = page.count(b"\n") + 1
        raise ParseError(f"line {last}: the last line has no end, the page was cut off")
    return _Page().read(page)


def excerpt(text: str, length: int = 80) -> str:
    """The beginning of a line for a message, without credentials and control characters."""
    shown = CREDENTIALS.sub("://********:********@", text)
    return repr(shown if len(shown) <= length else shown[:length] + "...")


class _Page:
    """What was read so far."""

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}
        self.typed: set[str] = set()
        self.series: dict[tuple[str, frozenset[tuple[str, str]]], int] = {}
        self.current: Family | None = None

    def read(self, page: bytes) -> Exposition:
        for number, raw in _lines(page):
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ParseError(f"line {number}: not UTF-8: {excerpt(repr(raw[:60]))}") from error
            try:
                if line.startswith("#"):
                    self._meta(line)
                elif line.strip(" \t"):
                    self._sample(line, number)
            except ParseError as error:
                raise ParseError(f"line {number}: {error}: {excerpt(line)}") from None
        for family in self.families.values():
            if family.type == "histogram" and (fault := inconsistency(family)):
                raise ParseError(fault)
        return Exposition(self.families)

    def _meta(self, line: str) -> None:
        match = META.fullmatch(line)
        if match is None:
            return  # A comment.
        kind, name, text = match.groups()
        if name is None:
            raise ParseError(f"{kind} without a metric name")
        family = self._family(name)
        if kind == "HELP":
            if family.help is not None:
                raise ParseError(f"second HELP for {name}")
            family.help = text or ""
            return
        if name in self.typed:
            raise ParseError(f"second TYPE for {name}")
        if family.samples:
            raise ParseError(f"TYPE after the first sample of {name}")
        if text not in TYPES:
            raise ParseError(f"unknown TYPE for {name}")
        self.typed.add(name)
        family.type = text

    def _family(self, name: str) -> Family:
        """The family of this name; lines of a family have to stand together."""
        family = self.families.get(name)
        if family is None:
            family = self.families[name] = Family(name)
        elif family is not self.current:
            raise ParseError(f"lines of {name} stand in two places")
        self.current = family
        return family

    def _sample(self, line: str, number: int) -> None:
        match = SAMPLE.fullmatch(line)
        if match is None:
            raise ParseError("neither a sample nor a comment")
        name, inside, value, _timestamp = match.groups()
        if NUMBER.fullmatch(value) is None:
            raise ParseError("the value is not a number")
        sample = Sample(name, _labels(inside) if inside else {}, float(value), number)
        first = self.series.setdefault(sample.key, number)
        if first != number:
            raise ParseError(f"the series stands on line {first} already")
        self._home(name).samples.append(sample)

    def _home(self, name: str) -> Family:
        """The family that a sample of this name belongs to."""
        current = self.current
        if current is not None and name != current.name and name.startswith(current.name):
            suffix = name[len(current.name) :]
            if suffix in SUFFIXES.get(current.type, ()):
                return current
        return self._family(name)


def _lines(page: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbered lines without their ends; one at a time, a page may have a million."""
    start, number = 0, 1
    while start < len(page):
        end = page.index(b"\n", start)
        yield number, page[start:end]
        start, number = end + 1, number + 1


def _labels(inside: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    position = 0
    while position < len(inside):
        match = LABEL.match(inside, position)
        if match is None:
            break
        name, value = match.groups()
        if name in labels:
            raise ParseError(f"label {name} twice")
        labels[name] = ESCAPE.sub(_unescape, value) if "\\" in value else value
        position = match.end()
    if inside[position:].strip(" \t"):
        raise ParseError("the labels are malformed")
    return labels


def _unescape(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
