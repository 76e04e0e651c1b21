# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for the evidence, and saying what is missing and why. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    Reader,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus import surroundings, targets
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.api import Prometheus
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.evidence import (
    Evidence,
    Gap,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut

Wait = Callable[[Callable[[], tuple[bool, str]]], str]


@dataclass(frozen=True)
class Report:
    """The outcome: empty `problems` is proof."""

    problems: Sequence[str]
    result: dict[str, t.Any]


def prove(evidence: Evidence, cluster: Callable[[], Reader | None], wait: Wait) -> Report:
    """Look until everything is proven or `wait` gives up; `cluster` is only asked to explain a failure."""

    def probe() -> tuple[bool, str]:
        try:
            return evidence.look(), ""
        except FetchError as error:
            return False, str(error)

    try:
        wait(probe)
    except TimedOut as error:
        if error.last:
            return Report([error.last], evidence.result([]))
        try:
            gaps = list(evidence.gaps())
            problems = list(_problems(evidence, gaps, cluster()))
        except FetchError as fault:
            return Report([str(fault)], evidence.result([]))
        return Report(problems, evidence.result(gaps))
    return Report([], evidence.result([]))


def _problems(evidence: Evidence, gaps: Sequence[Gap], cluster: Reader | None) -> Iterator[str]:
    """One line each, in the order of the data's flow; what follows from a broken link is only counted."""
    without_input = evidence.without_input
    yield from _target_problems(evidence, cluster)
    if not all(seen.proven for seen in evidence.targets):
        if without_input or gaps:
            yield f"So {len(without_input)} rules lack input and {len(gaps)} expressions of panels lack data."
        return
    yield from evidence.missing_series()
    yield from _rule_problems(evidence, cluster)
    for rule, lack in without_input:
        yield f"The {rule} can never have a result: nothing matches {', '.join(lack)}."
    yield from map(str, gaps)


def _target_problems(evidence: Evidence, cluster: Reader | None) -> Iterator[str]:
    behind = [seen for seen in evidence.targets if not seen.proven]
    absent = any(not seen.targets for seen in behind)
    configuration = surroundings.optional(evidence.prometheus.configuration) if absent else None
    for seen in behind:
        if seen.targets:
            yield targets.explain_health(seen, _barrier(seen, cluster))
            continue
        discovery = _discovery(evidence.prometheus, seen.wanted, configuration)
        around = surroundings.optional(partial(surroundings.around, cluster, seen.wanted))
        yield targets.explain_absence(seen.wanted, discovery, around)


def _discovery(
    prometheus: Prometheus, wanted: targets.WantedTarget, configuration: str | None
) -> targets.Discovery:
    """What Prometheus tells of a ServiceMonitor; proxies and servers in its stead may not tell everything."""
    # Each endpoint has a pool, and the first is there where the configuration cannot be read, too.
    pools = wanted.pools(configuration) if configuration is not None else [f"{wanted.pool}0"]
    found = [surroundings.optional(partial(prometheus.dropped_targets, pool)) for pool in pools]
    # The name of the pool is the label job of what was discovered.
    dropped = [
        labels for some in found for labels in some or [] if labels.get("job", "").startswith(wanted.pool)
    ]
    configured = None if configuration is None else bool(pools)
    return targets.Discovery(configured, None if None in found and not dropped else dropped)


def _barrier(seen: targets.TargetState, cluster: Reader | None) -> str | None:
    """What stands between Prometheus and the first of the targets that are down for such a reason."""
    down = [target for target in seen.targets if target["health"] == "down"]
    found = (surroundings.optional(partial(surroundings.barrier, cluster, target)) for target in down)
    return next(filter(None, found), None)


def _rule_problems(evidence: Evidence, cluster: Reader | None) -> Iterator[str]:
    ill = [seen for seen in evidence.rules if not seen.healthy]
    if not any(seen.loaded for seen in evidence.rules):
        for wanted in evidence.wish.rules:
            if reason := surroundings.optional(partial(surroundings.rule_refusal, cluster, wanted)):
                yield reason
                ill = [seen for seen in ill if seen.wanted not in set(wanted.rules())]
    for seen in ill:
        yield f"The {seen.wanted} is not healthy: {seen.problem}."
