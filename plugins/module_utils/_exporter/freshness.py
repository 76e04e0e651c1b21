# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every exporter: counters grow, no credential leaks. PRIVATE: it may change at any time."""

from __future__ import annotations

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.expectation import (
    Check,
    check,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Sample,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import CREDENTIALS

# Their series are the busiest statements of the moment: one that left and came back starts at a lower number.
UNSTEADY = "pg_stat_statements_"


def no_leak(page: Exposition) -> Check:
    """No label value carries user and password of a URL; where one does, the message does not repeat it."""
    leaks = {
        f"{sample.name}, label {name}"
        for sample in page
        for name, value in sample.labels.items()
        if "://" in value and CREDENTIALS.search(value)
    }
    return check(
        "no_credentials_in_labels",
        not leaks,
        "no label with user and password of a URL",
        "; ".join(sorted(leaks)) or "none",
        "change that password, then give user and password to the exporter apart from the address",
    )


def steady(first: Exposition, second: Exposition) -> Check:
    """No counter falls between two scrapes, unless the exporter or the statistics started anew."""
    fallen: list[Sample] = []
    if not _restarted(first, second):
        before = {sample.key: sample.value for sample in _counters(first)}
        fallen = [
            sample for sample in _counters(second) if sample.value < before.get(sample.key, sample.value)
        ]
    return check(
        "counters_do_not_fall",
        not fallen,
        "no counter below its value of the scrape before",
        ", ".join(sorted({sample.name for sample in fallen})[:5]) or "none",
        "two exporters may answer behind one address, or the page comes from a cache",
    )


def grows(first: Exposition, second: Exposition, name: str) -> Check:
    """The counter `name` went up: the page is made anew for each scrape."""
    before, after = first.value(name), second.value(name)
    fresh = before is not None and after is not None and (after > before or _restarted(first, second))
    return check(
        f"{name}_grows",
        fresh,
        "a higher value at the second scrape",
        f"{before if before is None else f'{before:g}'}, then {after if after is None else f'{after:g}'}",
        "the page comes from a cache or a stuck exporter",
    )


def _counters(page: Exposition) -> list[Sample]:
    return [
        sample
        for family in page.families.values()
        if family.type == "counter" and not family.name.startswith(UNSTEADY)
        for sample in family.samples
    ]


def _restarted(first: Exposition, second: Exposition) -> bool:
    """Whether the process is another one, or the database's statistics were reset."""
    return any(
        {sample.key: str(sample.value) for sample in first.series(name)}
        != {sample.key: str(sample.value) for sample in second.series(name)}  # as text: NaN is NaN
        for name in ("process_start_time_seconds", "pg_stat_database_stats_reset")
    )
