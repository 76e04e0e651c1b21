# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors that report whether they ran, and their families. PRIVATE: it may change at any time.

Silence is failure: a collector that says nothing of itself has not run.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Finding
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.freshness import Pages
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Exposition
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.variables import Facts


@dataclass(frozen=True)
class Names:
    """Names that hold under a condition, and what to do when one of them is at fault."""

    names: Sequence[str]
    when: Mapping[str, str | bool] = field(default_factory=dict)
    hint: str = ""


@dataclass(frozen=True)
class Collectors:
    """The collectors of an exporter: `series` has one sample for each, which is 1 when it succeeded.

    Wanted are `names` or, where that is None, the defaults with those that were enabled, without those that
    were disabled.
    """

    facts: Facts = field(default_factory=Facts)
    series: str = ""
    label: str = "collector"
    names: Sequence[str] | None = None
    enabled: Sequence[str] = ()
    disabled: Sequence[str] = ()
    defaults: Sequence[Names] = ()
    hostile: Sequence[Names] = ()
    failed_hint: str = ""
    silent_hint: str = ""

    def wanted(self, page: Exposition) -> frozenset[str]:
        """The collectors that have to report success."""
        if self.names is not None:
            return frozenset(self.names)
        defaults = {name for row in self.defaults if self.facts.hold(row.when, page) for name in row.names}
        return frozenset(defaults | set(self.enabled)) - set(self.disabled)

    def reported(self, page: Exposition) -> dict[str, bool]:
        """Each collector that says something of itself, and whether it succeeded."""
        return {sample.labels.get(self.label, ""): sample.value == 1 for sample in page.series(self.series)}

    def judge(self, pages: Pages) -> Finding:
        reported, wanted = self.reported(pages.page), self.wanted(pages.page)
        silent = sorted(wanted - reported.keys())
        failed = sorted(name for name, success in reported.items() if not success)
        faults = [f"{word}: {', '.join(n)}" for word, n in (("silent", silent), ("failed", failed)) if n]
        hint = self._hint(failed, pages.page) if failed else self.silent_hint
        return Finding(
            not faults, f"success of {', '.join(sorted(wanted))}", "; ".join(faults) or "success", hint
        )

    def _hint(self, failed: Collection[str], page: Exposition) -> str:
        hints = [
            f"{', '.join(sorted(found))}: {row.hint}"
            for row in self.hostile
            if self.facts.hold(row.when, page) and (found := set(row.names) & set(failed))
        ]
        return "; ".join(hints) or self.failed_hint


@dataclass(frozen=True)
class OtherCollectors:
    """No collector reports that was not asked for."""

    collectors: Collectors

    def judge(self, pages: Pages) -> Finding:
        others = self.collectors.reported(pages.page).keys() - self.collectors.wanted(pages.page)
        return Finding(not others, "none", ", ".join(sorted(others)) or "none")


@dataclass(frozen=True)
class Row:
    """Families of one collector, or of the exporter itself, that always have a sample."""

    id: str
    names: Sequence[str]
    collector: str | None = None
    when: Mapping[str, str | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Families:
    """The families that an exporter of this version has to expose."""

    collectors: Collectors
    rows: Sequence[Row] = ()

    def required(self, page: Exposition) -> list[str]:
        return list(self._of(self.collectors.wanted(page), page))

    def judge(self, pages: Pages) -> Finding:
        """What a collector that failed or is silent would expose is not missed: it has a check of its own."""
        page = pages.page
        successful = {name for name, success in self.collectors.reported(page).items() if success}
        required = list(self._of(self.collectors.wanted(page) & successful, page))
        missing = [name for name in required if not page.has(name)]
        broken = [name for name in required if _has_nan_gauge(page, name)]
        faults = [f"{word}: {', '.join(n)}" for word, n in (("missing", missing), ("NaN", broken)) if n]
        return Finding(not faults, f"{len(self.required(page))} families", "; ".join(faults) or "all")

    def _of(self, collectors: Collection[str], page: Exposition) -> Iterator[str]:
        for row in self.rows:
            if (row.collector is None or row.collector in collectors) and self.collectors.facts.hold(
                row.when, page
            ):
                yield from row.names


def _has_nan_gauge(page: Exposition, name: str) -> bool:
    family = page.family_of(name)
    return (
        family is not None
        and family.type == "gauge"
        and any(math.isnan(sample.value) for sample in family.samples)
    )
