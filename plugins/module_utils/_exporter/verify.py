# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scraping an exporter and judging what it says. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.expectation import (
    Check,
    Expectation,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.freshness import (
    grows,
    no_leak,
    steady,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Exposition
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.postgres import (
    HEARTBEAT,
    PostgresProfile,
    build_version,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import (
    ParseError,
    parse,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError, Source
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut

ACCEPT = "text/plain;version=0.0.4"


@dataclass(frozen=True)
class Wish:
    """What an exporter has to fulfil, `stable_for` times in a row."""

    profile: PostgresProfile | None = None
    expectations: Sequence[Expectation] = ()
    stable_for: int = 1


@dataclass(frozen=True)
class Verdict:
    """The outcome of one round: a page and its checks. No page: the scrape failed, the one check says how."""

    checks: Sequence[Check]
    page: Exposition | None = None
    families: Sequence[str] = field(default=())

    @property
    def failures(self) -> list[Check]:
        return [check for check in self.checks if check.status == "fail"]

    def result(self) -> dict[str, t.Any]:
        """What the module returns."""
        page = self.page or Exposition({})
        return {
            "checks": [asdict(check) for check in self.checks],
            "families": sum(1 for name in page.families if page.has(name)),
            "samples": page.samples,
            "required_families": {
                "required": len(self.families),
                "present": sum(1 for name in self.families if page.has(name)),
            },
            "pg_up": page.value("pg_up"),
            "exporter_version": build_version(page),
        }


Wait = Callable[[Callable[[], tuple[bool, Verdict]]], Verdict]


def verify(source: Source, wish: Wish, wait: Wait) -> Verdict:
    """Scrape until all checks pass on a page and on its difference to the one before, or `wait` gives up.

    A page alone may come from a cache or from an exporter that hangs, so one is never enough.
    """
    before: Exposition | None = None
    passes = 0

    def probe() -> tuple[bool, Verdict]:
        nonlocal before, passes
        try:
            page = scrape(source)
        except (FetchError, ParseError) as error:
            before, passes = None, 0
            hint = wish.profile.hint(str(error)) if wish.profile else ""
            return False, Verdict([Check("scrape", "fail", "a metrics page", str(error), hint)])
        verdict = judge(page, before, wish)
        first, before = before is None, page
        passes = 0 if verdict.failures or first else passes + 1
        return passes >= wish.stable_for, verdict

    try:
        return wait(probe)
    except TimedOut as error:
        last: Verdict = error.last
        if last.failures:
            return last
        late = Check(
            "time", "fail", f"{wish.stable_for + 1} good scrapes in a row", f"only {passes + 1} in time"
        )
        return Verdict([*last.checks, late], last.page, last.families)


def scrape(source: Source) -> Exposition:
    """One metrics page. Raises FetchError and ParseError."""
    response = source.fetch("", accept=ACCEPT)
    if response.status != 200:
        raise FetchError(f"{source.name} answered {response.status}: {response.text(400)}")
    kind, _semicolon, parameters = response.content_type.partition(";")
    version = dict(part.strip().split("=", 1) for part in parameters.split(";") if "=" in part).get("version")
    if kind.strip() != "text/plain" or version not in (None, "0.0.4"):
        raise FetchError(
            f"{source.name} answered with {response.content_type or 'no content type'} instead of "
            f"text/plain; version=0.0.4: this is no metrics page"
        )
    return parse(response.body)


def judge(page: Exposition, before: Exposition | None, wish: Wish) -> Verdict:
    """All checks on a page and, where there is one, on its difference to the page before."""
    checks = [*(wish.profile.judge(page) if wish.profile else ())]
    checks += [expectation.judge(page) for expectation in wish.expectations]
    checks.append(no_leak(page))
    if before is not None:
        checks.append(steady(before, page))
        if wish.profile and not wish.profile.probe and page.has(HEARTBEAT):
            checks.append(grows(before, page, HEARTBEAT))
    return Verdict(checks, page, wish.profile.families(page) if wish.profile else ())
