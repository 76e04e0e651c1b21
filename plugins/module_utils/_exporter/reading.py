# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parsers of both formats share: lines and labels. PRIVATE: it may change at any time.

All patterns are possessive (*+, ++, ?+): a hostile line costs no more than its length.
"""

from __future__ import annotations

import abc
import io
import operator
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import Hide
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Family,
    Sample,
)

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*+"
LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*+"
# All between the braces: a brace within quotes does not close them.
INSIDE = r'(?:[^"{}]++|"(?:[^"\\]++|\\.)*+")*+'

QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"')
ESCAPES = {"n": "\n", "\\": "\\", '"': '"'}
ESCAPE = re.compile(r"\\(.)")

Strings = tuple[str, ...]


class ParseError(ValueError):
    """The page breaks the format; the text names line and fault, and carries no secret."""


def number(text: str) -> float:
    """A value; Python alone would take 1_000 and digits of other scripts too."""
    try:
        if text.isascii() and "_" not in text:
            return float(text)
    except ValueError:
        pass
    raise ParseError("the value is not a number")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is left of labels without their values: the sorted names, and how to sort values like them."""

    names: Strings
    sort: Callable[[list[str]], Strings]


class Page(abc.ABC):
    """What was read so far. A format says what a line means, and what labels look like."""

    #: One label whose value was taken out, with what separates it from the next one.
    label: re.Pattern[str]

    def __init__(self, hide: Hide) -> None:
        self._hide = hide
        self.families: dict[str, Family] = {}
        self._homes: dict[str, Family] = {}
        #: The families, by name of sample, whose samples may come now.
        self.own: Mapping[str, Family] = {}
        self._seen: defaultdict[tuple[str, Strings], dict[Strings, int]] = defaultdict(dict)
        self._shapes: dict[Strings, _Shape] = {}
        self._names: dict[Strings, Strings] = {}

    @abc.abstractmethod
    def line(self, text: str, line: int) -> None:
        """Take one line. Raises ParseError."""

    @abc.abstractmethod
    def unescaped(self, escape: re.Match[str]) -> str:
        """What backslash and character stand for in the value of a label. Raises ParseError."""

    @abc.abstractmethod
    def end(self) -> None:
        """Look at what only the whole page can tell. Raises ParseError."""

    def read(self, page: bytes) -> Exposition:
        """Raises ParseError at the first fault."""
        for line, raw in enumerate(io.BytesIO(page), 1):
            try:
                text = raw.removesuffix(b"\n").decode()
            except UnicodeDecodeError:
                raise ParseError(
                    f"line {line}: not UTF-8: {self.excerpt(raw.decode(errors='replace'))}"
                ) from None
            try:
                self.line(text, line)
            except ParseError as error:
                raise ParseError(f"line {line}: {error}: {self.excerpt(text)}") from None
        self.end()
        return Exposition(self.families, self._homes)

    def excerpt(self, text: str, length: int = 80) -> str:
        """The beginning of a text for a message, without secrets and control characters."""
        shown = self._hide(text)
        return repr(shown if len(shown) <= length else shown[:length] + "...")

    def claim(self, own: Mapping[str, Family]) -> None:
        """From here on, samples of these names come; none of them belongs to a family that was closed."""
        for name, family in own.items():
            if self._homes.setdefault(name, family) is not family:
                raise ParseError(f"lines of {name} stand in two places")
            if self.families.setdefault(family.name, family) is not family:
                raise ParseError(f"lines of {family.name} stand in two places")
        self.own = own
        self._seen.clear()  # What was closed cannot come again.

    def add(self, name: str, inside: str | None, value: float, line: int) -> Sample:
        """Keep a sample of one of the families that may come now."""
        names, values = self.labels(inside) if inside else ((), ())
        first = self._seen[name, names].setdefault(values, line)
        if first != line:
            raise ParseError(f"the series stands on line {first} already")
        sample = Sample(sys.intern(name), names, values, value, line)
        self.own[name].samples.append(sample)
        return sample

    def labels(self, inside: str) -> tuple[Strings, Strings]:
        """Sorted names and their values.

        Lines that differ in values only have one shape, which is looked at once.
        """
        escaped = "\\" in inside
        pieces = QUOTED.split(inside) if escaped else inside.split('"')
        outside, values = tuple(pieces[0::2]), pieces[1::2]
        shape = self._shapes.get(outside)
        if shape is None:
            shape = self._shapes[outside] = self._shape('""'.join(outside))
        if escaped:
            values = [ESCAPE.sub(self.unescaped, value) for value in values]
        return shape.names, shape.sort(values)

    def _shape(self, text: str) -> _Shape:
        places: dict[str, int] = {}
        position = 0
        while match := self.label.match(text, position):
            if match[1] in places:
                raise ParseError(f"label {match[1]} twice")
            places[match[1]] = len(places)
            position = match.end()
        if text[position:].strip(" \t"):
            raise ParseError("the labels are malformed")
        ordered = tuple(sorted(places))
        names = self._names.setdefault(ordered, ordered)
        if ordered == tuple(places):
            return _Shape(names, tuple)
        return _Shape(names, operator.itemgetter(*(places[name] for name in ordered)))
