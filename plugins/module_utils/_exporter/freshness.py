# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds between two scrapes. PRIVATE: it may change at any time."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check, check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Sample,
)


@dataclass(frozen=True)
class Pages:
    """A page and, where there is one, the page of the scrape before.

    When the value of a series in `restarts` changes, the exporter or the statistics have started anew. Series
    whose names begin with one of `unsteady` come and go, and what came back starts at a lower number.
    """

    page: Exposition
    before: Exposition | None = None
    restarts: Sequence[str] = ("process_start_time_seconds",)
    unsteady: Sequence[str] = ()

    @functools.cached_property
    def restarted(self) -> bool:
        if self.before is None:
            return False
        return any(_values(self.before, name) != _values(self.page, name) for name in self.restarts)

    def judge(self) -> Iterator[Check]:
        """The checks that every exporter has to pass."""
        if self.before is not None and not self.restarted:
            yield self._counters(self.before)
            yield self._series(self.before)

    def _counters(self, before: Exposition) -> Check:
        old = {sample.key: sample.value for sample in self._steady(before, "counter")}
        fallen = {
            sample.name
            for sample in self._steady(self.page, "counter")
            if sample.value < old.get(sample.key, sample.value)
        }
        return check(
            "counters_do_not_fall",
            not fallen,
            "no counter below its value of the scrape before",
            _few(fallen),
            "two exporters may answer behind one address, or the page comes from a cache",
        )

    def _series(self, before: Exposition) -> Check:
        old, new = ({sample.key for sample in self._steady(page)} for page in (before, self.page))
        gone, come = ({name for name, _labels in keys} for keys in (old - new, new - old))
        observed = [f"{word}: {_few(names)}" for word, names in (("gone", gone), ("new", come)) if names]
        return Check(
            "series_are_stable",
            "warn" if observed else "pass",
            "the same series as at the scrape before",
            "; ".join(observed) or "the same",
            "a family whose series come and go is named under unsteady in the profile" if observed else "",
        )

    def _steady(self, page: Exposition, type: str | None = None) -> Iterator[Sample]:
        for family in page.families.values():
            if type in (None, family.type) and not family.name.startswith(tuple(self.unsteady)):
                yield from family.samples


def _values(page: Exposition, name: str) -> dict[object, str]:
    return {sample.key: str(sample.value) for sample in page.series(name)}  # As text: NaN is NaN.


def _few(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "") or "none"
