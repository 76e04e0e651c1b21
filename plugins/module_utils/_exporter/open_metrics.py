# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict parser of OpenMetrics 1.0. PRIVATE: it may change at any time.

What it returns has the names and types of the text format, so that nobody else has to know how a page came.
Of a series there is one point: several, which the format allows with timestamps, are no state of an exporter.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
    Sample,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.reading import (
    ESCAPE,
    ESCAPES,
    INSIDE,
    LABEL_NAME,
    NAME,
    Page,
    ParseError,
    Strings,
    number,
)

REAL = r"[+-]?+(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+"
SAMPLE = re.compile(
    rf"({NAME})(?:\{{({INSIDE})\}})?+ (\S++)(?: {REAL})?+(?: # (\{{{INSIDE}\}}) (\S++)(?: {REAL})?+)?+"
)
DESCRIPTOR = re.compile(rf"# (HELP|TYPE|UNIT) ({NAME}) (.*+)")
MAX_EXEMPLAR = 128


@dataclass(frozen=True)
class Type:
    """What the samples of a family end with, and what becomes of it in the text format."""

    as_text: str
    own: Strings
    #: They are gauges of their own in the text format.
    apart: Strings = ()
    #: What the family is called more than its name in the text format.
    suffix: str = ""


TYPES: Mapping[str, Type] = {
    "counter": Type("counter", ("_total",), ("_created",), "_total"),
    "gauge": Type("gauge", ("",)),
    "gaugehistogram": Type("histogram", ("_bucket",), ("_gcount", "_gsum")),
    "histogram": Type("histogram", ("_bucket", "_sum", "_count"), ("_created",)),
    "info": Type("gauge", ("_info",), (), "_info"),
    "stateset": Type("gauge", ("",)),
    "summary": Type("summary", ("", "_sum", "_count"), ("_created",)),
    "unknown": Type("untyped", ("",)),
}


def _counts(value: float) -> bool:
    return value >= 0 and value.is_integer()


# By the end of the name or, where the sample is called like its family, by the type.
RULES: Mapping[str, Callable[[float], bool]] = {
    "_bucket": _counts,
    "_count": _counts,
    "_gcount": _counts,
    "_gsum": lambda value: not math.isnan(value),
    "_info": lambda value: value == 1,
    "_sum": lambda value: value >= 0,
    "_total": lambda value: value >= 0,
    "stateset": lambda value: value in (0, 1),
    "summary": lambda value: not value < 0,
}
LABELS = {"_bucket": "le", "summary": "quantile"}


def parse(page: bytes, hide: Hide = without_credentials) -> Exposition:
    """Raises ParseError at the first fault."""
    if not page:
        raise ParseError("the page is empty")
    if not (b"\n" + page[-8:]).removesuffix(b"\n").endswith(b"\n# EOF"):
        raise ParseError("# EOF is missing at the end, the page was cut off")
    return _OpenMetricsPage(hide).read(page)


class _OpenMetricsPage(Page):
    label = re.compile(rf'({LABEL_NAME})=""(?:,(?=.)|\Z)')

    def __init__(self, hide: Hide) -> None:
        super().__init__(hide)
        self._ended = False
        self._name = ""
        self._type = "unknown"
        self._descriptors: dict[str, str] = {}
        self._begun: set[str] = set()
        self._metric: tuple[Strings, Strings] | None = None
        self._metrics: set[tuple[Strings, Strings]] = set()
        #: The families that each histogram has become in the text format.
        self._histograms: dict[str, list[Family]] = {}

    def line(self, text: str, line: int) -> None:
        if self._ended:
            raise ParseError("a line after # EOF")
        if text == "# EOF":
            self._settle()
            self._ended = True
        elif text.startswith("#"):
            self._describe(text)
        else:
            self._sample(text, line)

    def unescaped(self, escape: re.Match[str]) -> str:
        """Undefined escapes should not be written, but they are allowed, and stand for themselves."""
        return ESCAPES.get(escape[1], escape[0])

    def end(self) -> None:
        for name, families in self._histograms.items():
            samples = itertools.chain.from_iterable(family.samples for family in families)
            check_histogram(name, samples, self.excerpt, open_metrics=True)

    def _describe(self, text: str) -> None:
        match = DESCRIPTOR.fullmatch(text)
        if match is None:
            raise ParseError("neither HELP, TYPE, UNIT nor EOF")
        kind, name, words = match.groups()
        if name != self._name:
            self._begin(name)
        elif self.own:
            raise ParseError(f"{kind} after the first sample of {name}")
        elif kind in self._descriptors:
            raise ParseError(f"second {kind} for {name}")
        if kind == "TYPE" and words not in TYPES:
            raise ParseError(f"unknown TYPE for {name}")
        self._descriptors[kind] = words

    def _begin(self, name: str) -> None:
        """A family that has to be new: the lines of a family stand together."""
        self._settle()
        if name in self._begun:
            raise ParseError(f"lines of {name} stand in two places")
        self._begun.add(name)
        self._name, self._descriptors, self.own = name, {}, {}
        self._metric = None
        self._metrics.clear()

    def _settle(self) -> None:
        """All that describes the family was read: now it is known which samples it may have."""
        if self.own or not self._name:
            return
        self._type = self._descriptors.get("TYPE", "unknown")
        unit = self._descriptors.get("UNIT")
        if unit and self._type in ("info", "stateset"):
            raise ParseError(f"{self._name} is of type {self._type}, which has no UNIT")
        if unit and not self._name.endswith(f"_{unit}"):
            raise ParseError(f"the name {self._name} does not end with its UNIT {unit}")
        help = self._descriptors.get("HELP")
        if help is not None:
            help = ESCAPE.sub(self.unescaped, help)
        type = TYPES[self._type]
        main = Family(self._name + type.suffix, type.as_text, help)
        apart = {self._name + suffix: Family(self._name + suffix, "gauge", help) for suffix in type.apart}
        if type.as_text == "histogram":
            self._histograms[self._name] = [main, *apart.values()]
        self.claim({**{self._name + suffix: main for suffix in type.own}, **apart})

    def _sample(self, text: str, line: int) -> None:
        match = SAMPLE.fullmatch(text)
        if match is None:
            raise ParseError("neither a sample nor a comment" if text else "an empty line")
        name, inside, value, exemplar, exemplar_value = match.groups()
        if not self.own:
            self._settle()
        if name not in self.own:
            self._begin(name)
            self._settle()
        sample = self.add(name, inside, number(value), line)
        suffix = name[len(self._name) :]
        self._check(sample, suffix)
        if exemplar is not None:
            self._exemplar(suffix, exemplar[1:-1], exemplar_value)

    def _check(self, sample: Sample, suffix: str) -> None:
        """What the format says of a value, and of the label that tells the samples of one metric apart."""
        what = suffix or self._type
        rule = RULES.get(what)
        if rule and not rule(sample.value):
            raise ParseError(f"{sample.value:g} is no value for {what}")
        names, values = sample.label_names, sample.label_values
        label = self._name if what == "stateset" else LABELS.get(what)
        if label is not None:
            if label not in names:
                raise ParseError(f"label {label} is missing")
            at = names.index(label)
            if what == "summary" and not 0 <= number(values[at]) <= 1:
                raise ParseError("the quantile is not between 0 and 1")
            names, values = names[:at] + names[at + 1 :], values[:at] + values[at + 1 :]
        self._keep_together((names, values))

    def _keep_together(self, metric: tuple[Strings, Strings]) -> None:
        if metric == self._metric:
            return
        if metric in self._metrics:
            raise ParseError("the samples of one metric stand in two places")
        self._metric = metric
        self._metrics.add(metric)

    def _exemplar(self, suffix: str, inside: str, value: str) -> None:
        if suffix not in ("_total", "_bucket"):
            raise ParseError("only a total or a bucket may have an exemplar")
        labels = self.labels(inside) if inside else ((), ())
        if sum(len(text) for texts in labels for text in texts) > MAX_EXEMPLAR:
            raise ParseError(f"the exemplar has more than {MAX_EXEMPLAR} characters")
        number(value)
