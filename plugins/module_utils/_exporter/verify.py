# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scraping an exporter and judging what it says. PRIVATE: it may change at any time."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check, summary
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import Secrets
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.formats import ACCEPT, parse
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.hygiene import (
    label_values,
    no_leak,
    no_negative_counter,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Exposition
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.profile import Profile
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.reading import ParseError
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError, Source
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut


@dataclass(frozen=True)
class Wish:
    """What an exporter has to fulfil, `stable_for` times in a row."""

    profile: Profile = field(default_factory=Profile)
    secrets: Secrets = field(default_factory=Secrets)
    stable_for: int = 1


@dataclass(frozen=True)
class Verdict:
    """The outcome of one round: a page and its checks. No page: the scrape failed, the one check says how."""

    checks: Sequence[Check]
    profile: Profile
    page: Exposition = field(default_factory=lambda: Exposition({}))
    #: Whether the page was held against the one before it, which a first one and a restart make impossible.
    compared: bool = False

    @property
    def failures(self) -> list[Check]:
        return [check for check in self.checks if check.status == "fail"]

    def result(self) -> dict[str, t.Any]:
        """What the module returns."""
        page, required = self.page, self.profile.families.required(self.page)
        return {
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "summary": summary(self.checks),
            "families": sum(1 for name in page.families if page.has(name)),
            "samples": page.samples,
            "required_families": {
                "required": len(required),
                "present": sum(1 for name in required if page.has(name)),
            },
            "pg_up": page.value("pg_up"),
            "exporter_version": self.profile.exporter_version(page),
        }


Wait = Callable[[Callable[[], tuple[bool, Verdict]]], Verdict]


def verify(source: Source, wish: Wish, wait: Wait) -> Verdict:
    """Scrape until all checks pass on a page and on its difference to the one before, or `wait` gives up.

    A page alone may come from a cache or from an exporter that hangs, so one is never enough. Nor are two
    with a restart between them, which explains every difference.
    """
    before: Exposition | None = None
    passes = 0

    def probe() -> tuple[bool, Verdict]:
        nonlocal before, passes
        try:
            page = scrape(source, wish.secrets)
        except (FetchError, ParseError) as error:
            before, passes = None, 0
            fault = wish.secrets.hide(str(error))
            check = Check("scrape", "fail", "a metrics page", fault, wish.profile.hint(str(error)))
            return False, Verdict([check], wish.profile)
        verdict = judge(page, before, wish)
        before = page
        passes = passes + 1 if verdict.compared and not verdict.failures else 0
        return passes >= wish.stable_for, verdict

    try:
        return wait(probe)
    except TimedOut as error:
        last: Verdict = error.last
        if last.failures:
            return last
        late = Check(
            "time",
            "fail",
            f"{wish.stable_for + 1} good scrapes in a row, without a restart between them",
            f"only {passes + 1} in time",
            "give it more time; what starts again and again may be two exporters behind one address",
        )
        return dataclasses.replace(last, checks=[*last.checks, late])


def scrape(source: Source, secrets: Secrets) -> Exposition:
    """One metrics page. Raises FetchError and ParseError."""
    response = source.fetch("", accept=ACCEPT)
    if response.status != 200:
        raise FetchError(f"{source.name} answered {response.status}: {response.text(400, secrets.hide)}")
    return parse(response.body, response.content_type, secrets.hide)


def judge(page: Exposition, before: Exposition | None, wish: Wish) -> Verdict:
    """All checks on a page and, where there is one, on its difference to the page before."""
    pages, labels = wish.profile.pages(page, before), label_values(page)
    checks = [
        *wish.profile.judge(pages),
        wish.profile.limits.judge(page, labels),
        no_leak(labels, wish.secrets),
        no_negative_counter(page),
        *pages.judge(),
    ]
    shown = [check.hidden(wish.secrets.hide) for check in checks]
    return Verdict(shown, wish.profile, page, compared=before is not None and not pages.restarted)
