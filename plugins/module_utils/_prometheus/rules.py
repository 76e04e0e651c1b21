# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether rules are loaded, healthy and have input. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.promql import (
    Selector,
    inputs,
    missing,
    selectors,
    tokens,
)

Object = dict[str, t.Any]
Format = Callable[[str], str]
# Written by Prometheus itself while an alert is pending or fires.
ALERTS = ("ALERTS", "ALERTS_FOR_STATE")


@dataclass(frozen=True)
class WantedRule:
    """A rule of a PrometheusRule."""

    group: str
    name: str
    expression: str
    recording: bool
    source: str = ""
    """How the file begins in which the operator loads it, empty where that is not known."""

    def __str__(self) -> str:
        return f"{'recording rule' if self.recording else 'alert'} {self.name} of group {self.group}"


@dataclass(frozen=True)
class WantedRules:
    """The groups of a PrometheusRule; namespace and name, where given, help to explain."""

    groups: Sequence[Object]
    namespace: str | None = None
    name: str | None = None

    def rules(self) -> Iterator[WantedRule]:
        """Raises ValueError when one is incomplete."""
        for group in self.groups:
            for rule in group.get("rules") or []:
                name = rule.get("record") or rule.get("alert")
                if not name or "expr" not in rule:
                    raise ValueError(f"group {group['name']}: a rule needs expr, and record or alert")
                yield WantedRule(group["name"], name, str(rule["expr"]), "record" in rule, self._source)

    @property
    def _source(self) -> str:
        return f"{self.namespace}-{self.name}-" if self.namespace and self.name else ""


@dataclass(frozen=True)
class RuleState:
    """What Prometheus says of a rule: `problem` is empty when it is loaded and healthy."""

    wanted: WantedRule
    loaded: bool = False
    problem: str = "not loaded"

    @property
    def healthy(self) -> bool:
        return self.loaded and not self.problem


def state(wanted: WantedRule, groups: Sequence[Object], reformat: Format) -> RuleState:
    """The state of one rule, from all groups that are loaded.

    Prometheus shows an expression in its own spelling. `reformat` asks for that spelling and is only used
    when the words differ; it returns its argument where Prometheus cannot do that.
    """
    namesakes = [
        {**rule, "file": group.get("file") or ""}
        for group in groups
        if group["name"] == wanted.group
        for rule in group["rules"]
        if rule["name"] == wanted.name and (rule["type"] == "recording") == wanted.recording
    ]
    words = tokens(wanted.expression)
    loaded = [rule for rule in namesakes if tokens(rule["query"]) == words]
    if namesakes and not loaded:
        words = tokens(reformat(wanted.expression))
        loaded = [rule for rule in namesakes if tokens(rule["query"]) == words]
    if not loaded:
        return RuleState(wanted, problem=_unlike(wanted, namesakes))
    return RuleState(wanted, True, _ill(loaded[0]))


def _unlike(wanted: WantedRule, namesakes: Sequence[Object]) -> str:
    """Stacks have rules of the same names: those of another PrometheusRule are not this one changed."""
    own = [
        rule
        for rule in namesakes
        if not rule["file"] or rule["file"].rpartition("/")[2].startswith(wanted.source)
    ]
    if own:
        return f"loaded with another expression: {own[0]['query']}"
    others = ", ".join(sorted({rule["file"] for rule in namesakes}))
    return f"not loaded (those of that name in {others} are others)" if others else "not loaded"


def _ill(rule: Object) -> str:
    if rule["health"] == "ok":
        return ""
    return f"{rule['health']}: {rule.get('lastError') or 'not evaluated yet'}"


@dataclass(frozen=True)
class Inputs:
    """Which selectors rules need, and which of them found something so far."""

    rules: Sequence[WantedRule]
    found: Mapping[str, bool] = field(default_factory=dict)

    def open(self) -> list[Selector]:
        """The selectors that are still without series, each once."""
        wanted = {
            selector.text: selector
            for rule in self.rules
            for selector in selectors(inputs(rule.expression))
            if not self._known(selector)
        }
        return list(wanted.values())

    def without(self) -> list[tuple[WantedRule, list[Selector]]]:
        """The rules without input, and which selectors they lack."""
        lacks = [(rule, missing(inputs(rule.expression), self._known)) for rule in self.rules]
        return [(rule, lack) for rule, lack in lacks if lack]

    def _known(self, selector: Selector) -> bool:
        """A recorded series may be empty for good reasons; health and input of its rule are checked there."""
        recorded = {rule.name for rule in self.rules if rule.recording}
        return selector.metric in (*ALERTS, *recorded) or self.found.get(selector.text, False)
