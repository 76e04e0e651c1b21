# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict parser of the Prometheus text format 0.0.4. PRIVATE: it may change at any time.

Prometheus forgives much of what is refused here (lines of a family apart, a last line without its end), and a
proxy that cuts an answer, or two exporters behind one address, are only seen by a parser that does not.
"""

from __future__ import annotations

import re

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import (
    Hide,
    without_credentials,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.histogram import (
    check_histogram,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Family,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.reading import (
    ESCAPE,
    ESCAPES,
    INSIDE,
    LABEL_NAME,
    NAME,
    Page,
    ParseError,
    number,
)

# What the names of a family's samples end with.
SUFFIXES = {
    "counter": ("",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("", "_sum", "_count"),
    "untyped": ("",),
}
SAMPLE = re.compile(
    rf"({NAME})(?:[ \t]*+\{{({INSIDE})\}}[ \t]*+|[ \t]++)(\S++)(?:[ \t]++(?:[+-]?+[0-9]++))?+[ \t]*+"
)
META = re.compile(rf"#[ \t]++(HELP|TYPE)(?:[ \t]++({NAME})(?:[ \t]++(.*+))?+)?+")


def parse(page: bytes, hide: Hide = without_credentials) -> Exposition:
    """Raises ParseError at the first fault."""
    if not page:
        raise ParseError("the page is empty")
    if not page.endswith(b"\n"):
        last = page.count(b"\n") + 1
        raise ParseError(f"line {last}: the last line has no end, the page was cut off")
    return _TextPage(hide).read(page)


class _TextPage(Page):
    label = re.compile(rf'[ \t]*+({LABEL_NAME})[ \t]*+=[ \t]*+""[ \t]*+(?:,[ \t]*+|\Z)')

    def __init__(self, hide: Hide) -> None:
        super().__init__(hide)
        self._current = Family("")
        self._typed = False

    def line(self, text: str, line: int) -> None:
        text = text.lstrip(" \t")
        if text.startswith("#"):
            self._meta(text)
        elif match := SAMPLE.fullmatch(text):
            name, inside, value = match.groups()
            if name not in self.own:
                self._begin(name)
            self.add(name, inside, number(value), line)
        elif text:
            raise ParseError("neither a sample nor a comment")

    def unescaped(self, escape: re.Match[str]) -> str:
        try:
            return ESCAPES[escape[1]]
        except KeyError:
            raise ParseError("the labels are malformed") from None

    def end(self) -> None:
        for family in self.families.values():
            if family.type == "histogram":
                check_histogram(family.name, family.samples, self.excerpt)

    def _meta(self, text: str) -> None:
        match = META.fullmatch(text)
        if match is None:
            return  # A comment.
        kind, name, words = match.groups()
        if name is None:
            raise ParseError(f"{kind} without a metric name")
        if name != self._current.name:
            self._begin(name)
        if kind == "TYPE":
            self._type(self._current, words)
        elif self._current.help is not None:
            raise ParseError(f"second HELP for {name}")
        else:
            self._current.help = ESCAPE.sub(_unescaped_help, words or "")

    def _type(self, family: Family, type: str) -> None:
        if self._typed:
            raise ParseError(f"second TYPE for {family.name}")
        if family.samples:
            raise ParseError(f"TYPE after the first sample of {family.name}")
        if type not in SUFFIXES:
            raise ParseError(f"unknown TYPE for {family.name}")
        self._typed = True
        family.type = type
        self.claim({family.name + suffix: family for suffix in SUFFIXES[type]})

    def _begin(self, name: str) -> None:
        """A family that has to be new: the lines of a family stand together."""
        self._current, self._typed = Family(name), False
        self.claim({name: self._current})


def _unescaped_help(escape: re.Match[str]) -> str:
    """Quotes are not escaped in it, and what else follows a backslash is taken as it is."""
    return escape[0] if escape[1] == '"' else ESCAPES.get(escape[1], escape[0])
