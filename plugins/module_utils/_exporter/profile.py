# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile: what is known about an exporter, as data. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.collectors import (
    Collectors,
    Families,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.expectation import (
    Test,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.freshness import Pages
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.hygiene import Limits
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Exposition
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.variables import Facts


@dataclass(frozen=True)
class Expectation:
    """A question, when to ask it, and what follows from the answer."""

    id: str
    test: Test
    when: Mapping[str, t.Any] = field(default_factory=dict)
    hint: str = ""
    severity: str = "fail"
    stops: bool = False

    def judge(self, pages: Pages) -> Check:
        finding = self.test.judge(pages)
        if finding.good:
            return Check(self.id, "pass", finding.expected, finding.observed)
        status: t.Literal["warn", "fail"] = "warn" if self.severity == "warn" else "fail"
        return Check(self.id, status, finding.expected, finding.observed, finding.hint or self.hint)


@dataclass(frozen=True)
class Profile:
    """What an exporter has to say, in the order in which the data flows."""

    name: str = "the task"
    facts: Facts = field(default_factory=Facts)
    expectations: Sequence[Expectation] = ()
    families: Families = field(default_factory=lambda: Families(Collectors()))
    scrape_hints: Sequence[tuple[str, str]] = ()
    unsteady: Sequence[str] = ()
    restarts: Sequence[str] = ("process_start_time_seconds",)
    limits: Limits = field(default_factory=Limits)

    def pages(self, page: Exposition, before: Exposition | None) -> Pages:
        return Pages(page, before, self.restarts, self.unsteady)

    def judge(self, pages: Pages) -> Iterator[Check]:
        """A check for each expectation that applies; what a failure makes pointless is skipped."""
        stopped = ""
        for expectation in self.expectations:
            if not self.facts.hold(expectation.when, pages.page):
                continue
            if stopped:
                yield Check(expectation.id, "skip", "", f"not looked at, because {stopped} failed")
                continue
            check = expectation.judge(pages)
            yield check
            if check.status == "fail" and expectation.stops:
                stopped = check.id

    def hint(self, fault: str) -> str:
        """What to do when the page itself could not be had for this reason."""
        found = (hint for pattern, hint in self.scrape_hints if re.search(pattern, fault, re.S))
        return next(found, "")

    def exporter_version(self, page: Exposition) -> str | None:
        """The version that the exporter says it has."""
        source = self.facts.versions.get("exporter")
        return source.reported(page) if source else None
