# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page has to be like, as data. PRIVATE: it may change at any time."""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.eks_observability.stack.plugins.module_utils._bounds import OPERATORS
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Finding, few
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.freshness import Pages
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Family,
    Sample,
)


class Test(t.Protocol):
    """A question to a page and the one before it."""

    def judge(self, pages: Pages) -> Finding:
        """The answer."""


@dataclass(frozen=True)
class Value:
    """A bound that values have to keep."""

    op: str
    number: float

    def holds(self, value: float) -> bool:
        return OPERATORS[self.op](value, self.number)

    def __str__(self) -> str:
        return f"{self.op} {self.number:g}"


@dataclass(frozen=True)
class Series:
    """What the series called `name` with these labels have to be like.

    A label value that begins with "~" is a regular expression for the whole value. `match` says for how many
    of the series `value` has to hold, `fresh` how they have to differ from the scrape before.
    """

    name: str
    type: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    required_labels: Sequence[str] = ()
    forbidden_labels: Sequence[str] = ()
    min_series: int = 1
    max_series: int | None = None
    value: Value | None = None
    match: str = "all"
    nan: bool = False
    fresh: str | None = None

    def judge(self, pages: Pages) -> Finding:
        page = pages.page
        found = self._selected(page)
        family = page.family_of(self.name)
        if family is None or not found:
            return Finding(self.min_series == 0, self._expected, self._instead(page))
        faults = [*self._faults(family, found), *self._stale(pages, found)]
        return Finding(not faults, self._expected, "; ".join(faults) or _values(found))

    def _selected(self, page: Exposition) -> list[Sample]:
        return [
            sample
            for sample in page.series(self.name)
            if all(_fits(wanted, sample.labels.get(name, "")) for name, wanted in self.labels.items())
        ]

    def _instead(self, page: Exposition) -> str:
        """What is there instead of the series."""
        others = page.series(self.name)
        if not others or self.min_series == 0:
            return "no series"
        seen = [f"{name} is {few({other.labels.get(name, '') for other in others})}" for name in self.labels]
        return f"no such series: {'; '.join(seen)}"

    def _faults(self, family: Family, found: Sequence[Sample]) -> Iterator[str]:
        if self.type is not None and family.type != self.type:
            yield f"type {family.type}"
        if len(found) < self.min_series or (self.max_series is not None and len(found) > self.max_series):
            yield f"{len(found)} series: {_named(found)}"
        for name in self.required_labels:
            if lacking := sum(not sample.labels.get(name) for sample in found):
                yield f"{lacking} series without label {name}"
        for name in self.forbidden_labels:
            if having := sum(name in sample.labels for sample in found):
                yield f"{having} series with label {name}"
        if not self.nan and family.type == "gauge" and any(math.isnan(sample.value) for sample in found):
            yield "a gauge that is NaN"
        if self.value is not None and not self._holds(self.value, found):
            yield _values(found)

    def _holds(self, value: Value, found: Sequence[Sample]) -> bool:
        holding = [value.holds(sample.value) for sample in found]
        return {"all": all(holding), "any": any(holding), "none": not any(holding)}[self.match]

    def _stale(self, pages: Pages, found: Sequence[Sample]) -> Iterator[str]:
        if self.fresh is None or pages.before is None or pages.restarted:
            return
        old = self._selected(pages.before)
        before, after = sum(sample.value for sample in old), sum(sample.value for sample in found)
        if self.fresh == "grows" and not (old and after > before):
            yield f"{f'{before:g}' if old else 'no series'}, then {after:g}"
        if self.fresh == "changes" and {s.key: s.value for s in old} == {s.key: s.value for s in found}:
            yield f"{after:g} at both scrapes"

    @property
    def _expected(self) -> str:
        words = [self._number, selector(self.name, self.labels)]
        if self.type:
            words.append(f"of type {self.type}")
        if self.value:
            words.append(f"with {self.match} values {self.value}")
        if self.fresh:
            words.append(
                {"grows": "that grow", "changes": "that change"}[self.fresh] + " between two scrapes"
            )
        return " ".join(words)

    @property
    def _number(self) -> str:
        if self.max_series == 0:
            return "no series"
        least = f"at least {self.min_series:g}" if self.min_series else "any"
        return (
            f"{least} series" if self.max_series is None else f"{least}, at most {self.max_series:g} series"
        )


@dataclass(frozen=True)
class Difference:
    """How far the sum of one family's values may be from that of another's."""

    of: str
    minus: str
    value: Value

    def judge(self, pages: Pages) -> Finding:
        page = pages.page
        difference = _sum(page, self.of) - _sum(page, self.minus)
        return Finding(
            self.value.holds(difference),
            f"sum of {self.of} - sum of {self.minus} {self.value}",
            f"{difference:g}",
        )


def selector(name: str, labels: Mapping[str, str]) -> str:
    """Series in messages, nearly as in PromQL."""
    inside = ",".join(f"{label}={value}" for label, value in sorted(labels.items()))
    return name + (f"{{{inside}}}" if inside else "")


def _fits(wanted: str, value: str) -> bool:
    return bool(re.fullmatch(wanted[1:], value)) if wanted.startswith("~") else value == wanted


def _sum(page: Exposition, name: str) -> float:
    return sum(sample.value for sample in page.series(name))


def _values(found: Sequence[Sample]) -> str:
    few = ", ".join(f"{sample.value:g}" for sample in found[:5])
    return few if len(found) <= 5 else f"{few}, ... ({len(found)} series)"


def _named(found: Sequence[Sample]) -> str:
    first = ", ".join(selector(sample.name, sample.labels) for sample in found[:3])
    return first if len(found) <= 3 else f"{first}, ..."
