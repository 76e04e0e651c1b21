# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of metrics, as data, and what was found. PRIVATE: it may change at any time."""

from __future__ import annotations

import operator
import re
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Sample,
)

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Status = t.Literal["pass", "fail", "warn", "skip"]


@dataclass(frozen=True)
class Check:
    """The outcome of one question."""

    id: str
    status: Status
    expected: str
    observed: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.id}: expected {self.expected}, seen {self.observed}" + (
            f" ({self.hint})" if self.hint else ""
        )


def check(id: str, ok: bool, expected: str, observed: str, hint: str = "") -> Check:
    """A check that passes or fails; the hint is for failures."""
    return Check(id, "pass" if ok else "fail", expected, observed, "" if ok else hint)


@dataclass(frozen=True)
class Value:
    """A bound that values have to keep."""

    op: str
    number: float

    def holds(self, value: float) -> bool:
        return OPERATORS[self.op](value, self.number)


@dataclass(frozen=True)
class Expectation:
    """What the series called `name` have to be like.

    A label value that begins with "~" is a regular expression for the whole value. `match` says for how many
    of the series `value` has to hold.
    """

    name: str
    type: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    min_series: int = 1
    max_series: int | None = None
    value: Value | None = None
    match: str = "all"
    hint: str = ""

    @classmethod
    def from_dict(cls, given: Mapping[str, t.Any]) -> Expectation:
        """From the task's words, in which left-out is None. Raises ValueError when a pattern is malformed."""
        for name, wanted in given.get("labels", {}).items():
            try:
                re.compile(wanted.removeprefix("~"))
            except re.error as error:
                raise ValueError(
                    f"{given['name']}: label {name} is no regular expression: {error}"
                ) from error
        fields = {key: value for key, value in given.items() if value is not None}
        if "value" in fields:
            fields["value"] = Value(fields["value"]["op"], fields["value"]["number"])
        return cls(**fields)

    def judge(self, page: Exposition) -> Check:
        found = [sample for sample in page.series(self.name) if self._selects(sample)]
        family = page.family_of(self.name)
        if family is None or not found:
            return check(self._id, self.min_series == 0, self._expected, "no series", self.hint)
        if self.type is not None and family.type != self.type:
            return check(self._id, False, self._expected, f"type {family.type}", self.hint)
        if len(found) < self.min_series or len(found) > (self.max_series or len(found)):
            return check(self._id, False, self._expected, f"{len(found)} series", self.hint)
        values = [sample.value for sample in found]
        return check(self._id, self._values_hold(values), self._expected, _shown(values), self.hint)

    def _selects(self, sample: Sample) -> bool:
        return all(_fits(wanted, sample.labels.get(name, "")) for name, wanted in self.labels.items())

    def _values_hold(self, values: Sequence[float]) -> bool:
        if self.value is None:
            return True
        holding = [self.value.holds(value) for value in values]
        return {"all": all(holding), "any": any(holding), "none": not any(holding)}[self.match]

    @property
    def _id(self) -> str:
        labels = ",".join(f"{name}={value}" for name, value in sorted(self.labels.items()))
        return self.name + (f"{{{labels}}}" if labels else "")

    @property
    def _expected(self) -> str:
        most = "" if self.max_series is None else f" and at most {self.max_series}"
        words = [f"at least {self.min_series}{most} series"]
        if self.type:
            words.append(f"of type {self.type}")
        if self.value:
            words.append(f"with {self.match} values {self.value.op} {self.value.number:g}")
        return " ".join(words)


def _fits(wanted: str, value: str) -> bool:
    return bool(re.fullmatch(wanted[1:], value)) if wanted.startswith("~") else value == wanted


def _shown(values: Sequence[float]) -> str:
    few = ", ".join(f"{value:g}" for value in values[:5])
    return few if len(values) <= 5 else f"{few}, ... ({len(values)} series)"
