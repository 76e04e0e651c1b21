# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expectations of series: how many, with which values, how old. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._bounds import OPERATORS
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.api import Answer
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.promql import is_selector


@dataclass(frozen=True)
class WantedSeries:
    """What an expression has to find."""

    expr: str
    min_series: int = 1
    value: Mapping[str, t.Any] | None = None
    """`op` and `number`: what holds for the value of each series."""
    max_age: float | None = None
    hint: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError: of what is calculated, timestamp() knows only when that was, which is now."""
        if self.max_age is not None and not is_selector(self.expr):
            raise ValueError(
                f'series {self.expr}: max_age needs a selector such as pg_up{{namespace="shop"}}, as only '
                "stored samples have an age. Ask for the age of the selectors in it in entries of their own"
            )

    @property
    def age(self) -> str:
        """The expression for the age of the oldest sample."""
        return f"max(time() - timestamp({self.expr}))"


@dataclass(frozen=True)
class SeriesState:
    """What Prometheus has answered; `ages` is the answer to `wanted.age`."""

    wanted: WantedSeries
    found: Answer | None = None
    ages: Answer | None = None

    @property
    def proven(self) -> bool:
        return self.found is not None and not self.problem()

    def problem(self) -> str:
        """What is not as wanted, empty when all is."""
        if self.found is None:
            return "not asked for yet"
        return self._error() or self._count() or self._value() or self._age()

    def _error(self) -> str:
        answers = [self.found, self.ages]
        return next((answer.error for answer in answers if answer and answer.error), "")

    def _count(self) -> str:
        seen = self.found.series if self.found else 0
        return "" if seen >= self.wanted.min_series else f"{seen} of {self.wanted.min_series} series"

    def _value(self) -> str:
        if not self.wanted.value or not self.found:
            return ""
        op, number = self.wanted.value["op"], self.wanted.value["number"]
        wrong = [value for value in self.found.values if not OPERATORS[op](value, number)]
        if not wrong:
            return ""
        return f"{len(wrong)} of {self.found.series} values are not {op} {number:g}: {wrong[0]:g}"

    def _age(self) -> str:
        oldest = max(self.ages.values, default=0.0) if self.ages else 0.0
        if self.wanted.max_age is None or oldest <= self.wanted.max_age:
            return ""
        return f"a sample is {oldest:.0f} s old, more than {self.wanted.max_age:g} s"

    def result(self) -> dict[str, t.Any]:
        """What the module returns."""
        return {
            "expr": self.wanted.expr,
            "proven": self.proven,
            "series": self.found.series if self.found else 0,
            "problem": self.problem(),
        }

    def explained(self, reason: str) -> str:
        """The problem as a line, with what else is known."""
        hint = f" {self.wanted.hint}" if self.wanted.hint else ""
        return f"Series {self.wanted.expr}: {self.problem()}{f' ({reason})' if reason else ''}.{hint}"
