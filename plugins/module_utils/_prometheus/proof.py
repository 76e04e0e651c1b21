# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for the evidence, and saying what is missing and why. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    Reader,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus import rules, targets
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.evidence import (
    Evidence,
    Gap,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.selection import (
    Object,
    labels_of,
    refusals,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut

Wait = Callable[[Callable[[], tuple[bool, str]]], str]
MONITORING = "/apis/monitoring.coreos.com/v1"


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
    yield from _rule_problems(evidence, cluster)
    for rule, lack in without_input:
        yield f"The {rule} can never have a result: nothing matches {', '.join(lack)}."
    yield from map(str, gaps)


def _target_problems(evidence: Evidence, cluster: Reader | None) -> Iterator[str]:
    behind = [seen for seen in evidence.targets if not seen.proven]
    configuration = "" if all(seen.targets for seen in behind) else evidence.prometheus.configuration()
    for seen in behind:
        yield targets.explain(
            seen,
            configured=seen.wanted.pool in configuration,
            cluster=None if seen.targets else _optional(partial(surroundings, cluster, seen.wanted)),
        )


def _rule_problems(evidence: Evidence, cluster: Reader | None) -> Iterator[str]:
    ill = [seen for seen in evidence.rules if not seen.healthy]
    if not any(seen.loaded for seen in evidence.rules):
        for wanted in evidence.wish.rules:
            if reason := _optional(partial(rule_refusal, cluster, wanted)):
                yield reason
                ill = [seen for seen in ill if seen.wanted not in set(wanted.rules())]
    for seen in ill:
        yield f"The {seen.wanted} is not healthy: {seen.problem}."


def surroundings(cluster: Reader | None, wanted: targets.WantedTarget) -> targets.Surroundings | None:
    """What the cluster says about a ServiceMonitor. Raises KubernetesError."""
    if cluster is None:
        return None
    monitor = cluster.get(_path(wanted.namespace, "servicemonitors", wanted.service_monitor))
    services: list[Object] = []
    if monitor is not None:
        namespaces = targets.searched_namespaces(monitor)
        paths = [f"/namespaces/{quote(namespace)}" for namespace in namespaces] if namespaces else [""]
        services = [service for path in paths for service in _list(cluster, f"/api/v1{path}/services")]
        services = targets.selected_services(monitor, services)
    return targets.Surroundings(
        monitor, _list(cluster, f"{MONITORING}/prometheuses"), _labels(cluster, wanted.namespace), services
    )


def rule_refusal(cluster: Reader | None, wanted: rules.WantedRules) -> str | None:
    """Why a PrometheusRule is not loaded, None when that is not known. Raises KubernetesError."""
    if cluster is None or wanted.namespace is None or wanted.name is None:
        return None
    found = cluster.get(_path(wanted.namespace, "prometheusrules", wanted.name))
    called = f"PrometheusRule {wanted.namespace}/{wanted.name}"
    if found is None:
        return f"{called} does not exist. Apply it."
    prometheuses = _list(cluster, f"{MONITORING}/prometheuses")
    reasons = refusals(prometheuses, "rule", found, _labels(cluster, wanted.namespace))
    if reasons is not None:
        return f"{called} is not selected: {'; '.join(reasons)}. Correct its labels or its namespace."
    return None


T = t.TypeVar("T")


def _optional(read: Callable[[], T | None]) -> T | None:
    """An explanation is a help, not a duty: without the right to read there is none."""
    try:
        return read()
    except KubernetesError:
        return None


def _list(cluster: Reader, path: str) -> list[Object]:
    return (cluster.get(path) or {}).get("items") or []


def _labels(cluster: Reader, namespace: str) -> dict[str, str]:
    return dict(labels_of(cluster.get(f"/api/v1/namespaces/{quote(namespace)}")))


def _path(namespace: str, plural: str, name: str) -> str:
    return f"{MONITORING}/namespaces/{quote(namespace)}/{plural}/{quote(name)}"
