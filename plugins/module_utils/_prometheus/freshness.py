# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what Prometheus says of a target is of now. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from datetime import datetime

from ansible_collections.eks_observability.stack.plugins.module_utils._durations import PROMETHEUS, seconds

Object = dict[str, t.Any]


def outdated(target: Object, now: float) -> str:
    """Why an active target that was up last is no proof, empty when it is one; `now` is Prometheus' clock."""
    interval, timeout = (
        seconds(target.get(name, ""), PROMETHEUS) for name in ("scrapeInterval", "scrapeTimeout")
    )
    if interval and (age := now - datetime.fromisoformat(target["lastScrape"]).timestamp()) > 2 * interval:
        return f"was scraped {age:.0f} s ago last, although its interval is {target['scrapeInterval']}"
    duration = target.get("lastScrapeDuration", 0)
    if timeout and duration >= timeout:
        return f"took {duration:.1f} s to scrape, its timeout is {target['scrapeTimeout']}"
    return ""
