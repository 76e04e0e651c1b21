# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathering the evidence that metrics, rules and panels have data. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus import (
    rules,
    series,
    targets,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.api import (
    Answer,
    Prometheus,
    QueryError,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.dashboards import Panel
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.promql import (
    PromqlError,
    inputs,
    missing,
)


@dataclass(frozen=True)
class Wish:
    """What Prometheus has to show."""

    targets: Sequence[targets.WantedTarget] = ()
    rules: Sequence[rules.WantedRules] = ()
    panels: Sequence[Panel] = ()
    series: Sequence[series.WantedSeries] = ()


@dataclass(frozen=True)
class Gap:
    """An expression of a panel without data."""

    panel: Panel
    ref_id: str
    expression: str
    reason: str

    def __str__(self) -> str:
        return f"Panel {self.panel.dashboard} / {self.panel.title} ({self.ref_id}): {self.reason}."


class Evidence:
    """What is proven so far. Each look asks only for what is still open."""

    def __init__(self, prometheus: Prometheus, wish: Wish) -> None:
        """Raises PromqlError and ValueError when a rule is malformed."""
        self.prometheus = prometheus
        self.wish = wish
        self.targets = [targets.TargetState(wanted) for wanted in wish.targets]
        self.series = [series.SeriesState(wanted) for wanted in wish.series]
        self.rules = [rules.RuleState(rule) for wanted in wish.rules for rule in wanted.rules()]
        self._answers: dict[str, Answer] = {}
        self._found: dict[str, bool] = {}
        self._spelling: dict[str, str] = {}
        self._needs = rules.Inputs([seen.wanted for seen in self.rules], self._found)
        self._needs.without()  # Parses each expression once, so that a malformed one is refused at once.

    def look(self) -> bool:
        """Ask for everything that is open; True when nothing is open any more. Raises FetchError."""
        if not all(seen.proven for seen in self.targets):
            active, now = self.prometheus.active_targets(), self.prometheus.now()
            self.targets = [targets.state(seen.wanted, active, now) for seen in self.targets]
        self.series = [seen if seen.proven else self._ask(seen.wanted) for seen in self.series]
        if not all(seen.healthy for seen in self.rules):
            groups = self.prometheus.rule_groups()
            self.rules = [rules.state(seen.wanted, groups, self._reformat) for seen in self.rules]
        for selector in self._needs.open():
            self._exists(selector.text)
        for panel in self.wish.panels:
            for _ref_id, expression in panel.expressions:
                if not self._satisfied(panel, expression):
                    self._answers[expression] = self.prometheus.query(expression)
        return self.proven

    @property
    def proven(self) -> bool:
        return (
            all(seen.proven for seen in self.targets)
            and all(seen.proven for seen in self.series)
            and all(seen.healthy for seen in self.rules)
            and not self.without_input
            and not any(self._open_expressions(panel) for panel in self.wish.panels)
        )

    @property
    def without_input(self) -> list[tuple[rules.WantedRule, list[str]]]:
        """Rules that can never have a result, with the selectors that find nothing."""
        return [(rule, [selector.text for selector in lack]) for rule, lack in self._needs.without()]

    def _ask(self, wanted: series.WantedSeries) -> series.SeriesState:
        ages = None if wanted.max_age is None else self.prometheus.query(wanted.age)
        return series.SeriesState(wanted, self.prometheus.query(wanted.expr), ages)

    def missing_series(self) -> Iterator[str]:
        """What is wrong with wanted series, with reasons; raises FetchError."""
        for seen in self.series:
            if not seen.proven:
                empty = seen.found is not None and not seen.found.series and not seen.found.error
                yield seen.explained(self._why_empty(seen.wanted.expr) if empty else "")

    def gaps(self) -> Iterator[Gap]:
        """The open expressions of panels, with reasons. Asks for the selectors in them; raises FetchError."""
        for panel in self.wish.panels:
            for ref_id, expression in self._open_expressions(panel):
                yield Gap(panel, ref_id, expression, self._why_empty(expression))

    def panel_counts(self) -> dict[str, int]:
        """How many panels there are, and how many of them have data in every expression."""
        full = [panel for panel in self.wish.panels if self._full(panel)]
        allowed = [panel for panel in self.wish.panels if panel.may_be_empty and not self._full(panel)]
        return {"total": len(self.wish.panels), "with_data": len(full), "may_be_empty": len(allowed)}

    def _open_expressions(self, panel: Panel) -> list[tuple[str, str]]:
        return [pair for pair in panel.expressions if not self._satisfied(panel, pair[1])]

    def _satisfied(self, panel: Panel, expression: str) -> bool:
        answer = self._answers.get(expression)
        if answer is None or answer.error:
            return False
        return answer.numbers > 0 or panel.may_be_empty

    def _full(self, panel: Panel) -> bool:
        return all(self._answers.get(pair[1], Answer()).numbers for pair in panel.expressions)

    def _why_empty(self, expression: str) -> str:
        answer = self._answers.get(expression, Answer())
        if answer.error:
            return answer.error
        if answer.series:
            return f"all {answer.series} values are NaN"
        try:
            lack = missing(inputs(expression), lambda selector: self._exists(selector.text))
        except PromqlError:
            lack = []
        if lack:
            return f"no data: nothing matches {', '.join(selector.text for selector in lack)}"
        return "no data, although each of its selectors finds series: labels or a comparison leave nothing"

    def _exists(self, selector: str) -> bool:
        """Whether a selector finds series; a yes is remembered."""
        if not self._found.get(selector):
            self._found[selector] = self.prometheus.query(f"count({selector})").series > 0
        return self._found[selector]

    def _reformat(self, expression: str) -> str:
        if expression not in self._spelling:
            try:
                self._spelling[expression] = self.prometheus.format(expression)
            except QueryError:
                return expression
        return self._spelling[expression]

    def result(self, gaps: Sequence[Gap]) -> dict[str, t.Any]:
        """What the module returns."""
        return {
            "targets": [seen.result() for seen in self.targets],
            "series": [seen.result() for seen in self.series],
            "rules": {
                "expected": len(self.rules),
                "loaded": sum(seen.loaded for seen in self.rules),
                "healthy": sum(seen.healthy for seen in self.rules),
                "unhealthy": [
                    {"group": seen.wanted.group, "rule": seen.wanted.name, "problem": seen.problem}
                    for seen in self.rules
                    if not seen.healthy
                ],
                "without_input": [
                    {"group": rule.group, "rule": rule.name, "selectors": lack}
                    for rule, lack in self.without_input
                ],
            },
            "panels": {
                **self.panel_counts(),
                "empty": [
                    {
                        "dashboard": gap.panel.dashboard,
                        "panel": gap.panel.title,
                        "ref_id": gap.ref_id,
                        "expr": gap.expression,
                        "reason": gap.reason,
                    }
                    for gap in gaps
                ],
            },
        }
