# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether ServiceMonitors have targets that are up, and why not. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.selectors import mismatch
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.dropped import (
    by_relabeling,
    listed,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.freshness import outdated
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.selection import (
    Labels,
    Object,
    metadata,
    refusals,
)


@dataclass(frozen=True)
class WantedTarget:
    """A ServiceMonitor and how many of its targets have to be up."""

    namespace: str
    service_monitor: str
    min_up: int = 1

    @property
    def pool(self) -> str:
        """How the names of its scrape pools begin."""
        return f"serviceMonitor/{self.namespace}/{self.service_monitor}/"

    def pools(self, configuration: str) -> list[str]:
        """Those that a configuration has, one for each endpoint."""
        return list(dict.fromkeys(re.findall(rf"{re.escape(self.pool)}\d+", configuration)))

    def __str__(self) -> str:
        return f"ServiceMonitor {self.namespace}/{self.service_monitor}"


@dataclass(frozen=True)
class TargetState:
    """What Prometheus says of the targets of a ServiceMonitor."""

    wanted: WantedTarget
    targets: Sequence[Object] = ()
    now: float = 0.0
    """Prometheus' clock when it was asked."""

    @property
    def up(self) -> list[str]:
        return [target["scrapeUrl"] for target in self.targets if not self.fault(target)]

    def fault(self, target: Object) -> str:
        """Why a target proves nothing, empty when it is up and was scraped just now."""
        if target["health"] == "up":
            return outdated(target, self.now)
        return f"is {target['health']}" + (
            f": {target['lastError']}" if target["lastError"] else " (not scraped yet)"
        )

    @property
    def proven(self) -> bool:
        return len(self.up) >= self.wanted.min_up

    def result(self) -> dict[str, t.Any]:
        """What the module returns."""
        return {
            "namespace": self.wanted.namespace,
            "service_monitor": self.wanted.service_monitor,
            "min_up": self.wanted.min_up,
            "up": len(self.up),
            "targets": [
                {"url": target["scrapeUrl"], "health": target["health"], "last_error": target["lastError"]}
                for target in self.targets
            ],
        }


def state(wanted: WantedTarget, active: Sequence[Object], now: float = 0.0) -> TargetState:
    """The state of one ServiceMonitor, from all active targets."""
    own = [target for target in active if target["scrapePool"].startswith(wanted.pool)]
    return TargetState(wanted, own, now)


@dataclass(frozen=True)
class Surroundings:
    """What the cluster says about a ServiceMonitor.

    `services` are those that it selects, `elsewhere` those that it would select in other namespaces.
    """

    monitor: Object | None
    prometheuses: Sequence[Object]
    namespace_labels: Labels
    services: Sequence[Object]
    elsewhere: Sequence[Object] = ()


@dataclass(frozen=True)
class Discovery:
    """What Prometheus knows of a ServiceMonitor that has no target."""

    configured: bool | None
    """Whether it is in the configuration that is loaded; None where that may not be read."""
    dropped: Sequence[Labels] | None = ()
    """The labels of what was discovered and dropped; None where they could not be had."""


def explain_health(seen: TargetState, barrier: str | None) -> str:
    """Why too few of the targets are up; `barrier` is what stands between Prometheus and a pod."""
    faults = [f"{target['scrapeUrl']} {fault}" for target in seen.targets if (fault := seen.fault(target))]
    told = "; ".join(faults) + "." if faults else "There are no more: look at the number of ready pods."
    return f"{seen.wanted} has {len(seen.up)} of {seen.wanted.min_up} targets up. {told}" + (
        f" {barrier}. Let that namespace in." if barrier else ""
    )


def explain_absence(wanted: WantedTarget, discovery: Discovery, cluster: Surroundings | None) -> str:
    """Why there is no target, and what to do. Without a cluster to ask, the causes that remain."""
    if cluster is None:
        return _explain_blindly(wanted, discovery)
    if cluster.monitor is None:
        return f"{wanted} does not exist. Apply it."
    reasons = refusals(cluster.prometheuses, "serviceMonitor", cluster.monitor, cluster.namespace_labels)
    if reasons is not None:
        return f"{wanted} is not selected: {'; '.join(reasons)}. Correct its labels or its namespace."
    if discovery.configured is False:
        return (
            f"{wanted} is selected, but not in the configuration of Prometheus. "
            "The operator has not written it yet or refused it: look at its log and at the events."
        )
    return _explain_services(wanted, cluster.monitor, cluster, discovery.dropped)


def _explain_blindly(wanted: WantedTarget, discovery: Discovery) -> str:
    if discovery.dropped:
        return (
            f"{wanted} is in the configuration, and all that was discovered is dropped: its selector, port "
            f"name or relabelings fit none of {listed(discovery.dropped)}."
        )
    if discovery.configured is None:
        return (
            f"{wanted} has no target, and the configuration of Prometheus cannot be read: either it was "
            "never selected (see its label and namespace), or no pod of a Service that it selects is there."
        )
    if discovery.configured and discovery.dropped is None:
        return (
            f"{wanted} is in the configuration and has no target: nothing was discovered, or all of it was "
            "dropped, which cannot be read here. See its namespaceSelector, selector and relabelings."
        )
    if discovery.configured:
        return (
            f"{wanted} is in the configuration, but nothing was discovered: its namespaceSelector names no "
            "namespace with a Service, or no pod is there."
        )
    return (
        f"{wanted} was never selected: it does not exist, lacks the label that Prometheus selects by "
        "(kube-prometheus-stack: release), or stands in a namespace that it does not look into."
    )


def _explain_services(
    wanted: WantedTarget, monitor: Object, cluster: Surroundings, dropped: Sequence[Labels] | None
) -> str:
    services = cluster.services
    if not services:
        return f"{wanted} {_no_service(monitor, cluster.elsewhere)}"
    for service in services:
        if fault := _port_fault(monitor, service):
            return f"{wanted} {fault}. Correct endpoints[].port."
    if reason := by_relabeling(monitor, [metadata(service) for service in services], dropped or ()):
        return f"{wanted}: {reason}. Correct endpoints[].relabelings."
    found = ", ".join("/".join(metadata(service)) for service in services)
    unknown = " What was dropped is not known: see its relabelings, too." if dropped is None else ""
    return f"{wanted} has no target behind Service {found}. Look whether its pods run and are ready.{unknown}"


def _no_service(monitor: Object, elsewhere: Sequence[Object]) -> str:
    if elsewhere:
        found = ", ".join("/".join(metadata(service)) for service in elsewhere)
        looked = ", ".join(searched_namespaces(monitor) or [])
        return (
            f"looks for Services in {looked} only, what it selects is {found}. Correct its namespaceSelector."
        )
    selector = (monitor.get("spec") or {}).get("selector") or {}
    return f"selects no Service ({selector}). Correct its selector or the labels of the Service."


def _port_fault(monitor: Object, service: Object) -> str | None:
    endpoints = (monitor.get("spec") or {}).get("endpoints") or []
    names = [port.get("name", "") for port in (service.get("spec") or {}).get("ports") or []]
    wrong = [
        endpoint["port"] for endpoint in endpoints if endpoint.get("port") and endpoint["port"] not in names
    ]
    if not wrong:
        return None
    has = ", ".join(filter(None, names)) or "no named port"
    return f"asks for port {', '.join(wrong)}, Service {'/'.join(metadata(service))} has {has}"


def searched_namespaces(monitor: Object) -> list[str] | None:
    """Namespaces in which a ServiceMonitor looks for Services, None for all."""
    selector = (monitor.get("spec") or {}).get("namespaceSelector") or {}
    if selector.get("any"):
        return None
    return selector.get("matchNames") or [metadata(monitor)[0]]


def selected_services(monitor: Object, services: Sequence[Object]) -> list[Object]:
    """Those of the Services that the monitor's selector fits."""
    selector = (monitor.get("spec") or {}).get("selector") or {}
    return [
        service for service in services if mismatch(selector, service["metadata"].get("labels") or {}) is None
    ]
