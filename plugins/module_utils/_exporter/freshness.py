# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds between two scrapes. PRIVATE: it may change at any time."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import (
    Check,
    check,
    few,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Family,
    Key,
    Sample,
)


@dataclass(frozen=True)
class Pages:
    """A page and, where there is one, the page of the scrape before.

    The series in `restarts` tell when the exporter or the statistics have started: where one rises, comes or
    goes, that was anew, and these two pages prove nothing. Where one falls, another exporter has answered.
    Series whose names begin with one of `unsteady` come and go, and what came back starts at a lower number.
    """

    page: Exposition
    before: Exposition | None = None
    restarts: Sequence[str] = ("process_start_time_seconds",)
    unsteady: Sequence[str] = ()

    @functools.cached_property
    def restarted(self) -> bool:
        if self.before is None or self._started_earlier:
            return False
        return self._starts(self.before) != self._starts(self.page)

    def judge(self) -> Iterator[Check]:
        """The checks that every exporter has to pass."""
        if self.before is None or self.restarted:
            return
        fallen, gone, come = self._differences(self.before)
        yield check(
            "counters_do_not_fall",
            not fallen and not self._started_earlier,
            "no counter and no time of a start below its value of the scrape before",
            few(fallen | self._started_earlier),
            "two exporters answer behind one address (ask each by its own), or the page comes from a cache",
        )
        observed = [f"{word}: {few(names)}" for word, names in (("gone", gone), ("new", come)) if names]
        yield Check(
            "series_are_stable",
            "warn" if observed else "pass",
            "the same series as at the scrape before",
            "; ".join(observed) or "the same",
            "a family whose series come and go is named under unsteady in the profile" if observed else "",
        )

    @functools.cached_property
    def _started_earlier(self) -> frozenset[str]:
        """Names of the series in `restarts` that fell."""
        if self.before is None:
            return frozenset()
        old, new = self._starts(self.before), self._starts(self.page)
        return frozenset(key[0] for key in old.keys() & new.keys() if new[key] < old[key])

    def _starts(self, page: Exposition) -> dict[Key, float]:
        samples = (sample for name in self.restarts for sample in page.series(name))
        return {sample.key: sample.value for sample in samples if not math.isnan(sample.value)}

    def _differences(self, before: Exposition) -> tuple[set[str], set[str], set[str]]:
        """Names of counters that fell, and of series that have gone or come."""
        fallen, gone, come = set[str](), set[str](), set[str]()
        for name in before.families.keys() | self.page.families.keys():
            if name.startswith(tuple(self.unsteady)):
                continue
            old, new = (page.families.get(name, Family(name)) for page in (before, self.page))
            pairs = _pairs(old.samples, new.samples)
            gone.update(first.name for first, second in pairs if first and not second)
            come.update(second.name for first, second in pairs if second and not first)
            if new.type == "counter":
                fallen.update(
                    second.name for first, second in pairs if first and second and second.value < first.value
                )
        return fallen, gone, come


def _pairs(old: Sequence[Sample], new: Sequence[Sample]) -> list[tuple[Sample | None, Sample | None]]:
    """Each series of a family, as it was and as it is."""
    if len(old) == len(new) and all(one.key == other.key for one, other in zip(old, new, strict=True)):
        return list(zip(old, new, strict=True))  # The rule: they stand in the same order.
    first, second = ({sample.key: sample for sample in samples} for samples in (old, new))
    return [(first.get(key), second.get(key)) for key in first.keys() | second.keys()]
