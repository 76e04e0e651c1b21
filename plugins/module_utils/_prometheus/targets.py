# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether ServiceMonitors have targets that are up, and why not. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.selection import (
    Labels,
    Object,
    metadata,
    mismatch,
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

    def __str__(self) -> str:
        return f"ServiceMonitor {self.namespace}/{self.service_monitor}"


@dataclass(frozen=True)
class TargetState:
    """What Prometheus says of the targets of a ServiceMonitor."""

    wanted: WantedTarget
    targets: Sequence[Object] = ()

    @property
    def up(self) -> list[str]:
        return [target["scrapeUrl"] for target in self.targets if target["health"] == "up"]

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


def state(wanted: WantedTarget, active: Sequence[Object]) -> TargetState:
    """The state of one ServiceMonitor, from all active targets."""
    return TargetState(wanted, [target for target in active if target["scrapePool"].startswith(wanted.pool)])


@dataclass(frozen=True)
class Surroundings:
    """What the cluster says about a ServiceMonitor; `services` are those that it selects."""

    monitor: Object | None
    prometheuses: Sequence[Object]
    namespace_labels: Labels
    services: Sequence[Object]


def explain(seen: TargetState, *, configured: bool, cluster: Surroundings | None) -> str:
    """Why too few targets are up, and what to do. Without a cluster to ask, the causes that remain."""
    if seen.targets:
        return _explain_health(seen)
    if cluster is None:
        return _explain_blindly(seen.wanted, configured)
    if cluster.monitor is None:
        return f"{seen.wanted} does not exist. Apply it."
    reasons = refusals(cluster.prometheuses, "serviceMonitor", cluster.monitor, cluster.namespace_labels)
    if reasons is not None:
        return f"{seen.wanted} is not selected: {'; '.join(reasons)}. Correct its labels or its namespace."
    if not configured:
        return (
            f"{seen.wanted} is selected, but not in the configuration of Prometheus. "
            "The operator has not written it yet or refused it: look at its log and at the events."
        )
    return _explain_services(seen.wanted, cluster.monitor, cluster.services)


def _explain_health(seen: TargetState) -> str:
    faults = [
        f"{target['scrapeUrl']} is {target['health']}"
        + (f": {target['lastError']}" if target["lastError"] else " (not scraped yet)")
        for target in seen.targets
        if target["health"] != "up"
    ]
    return f"{seen.wanted} has {len(seen.up)} of {seen.wanted.min_up} targets up. " + (
        "; ".join(faults) + "." if faults else "There are no more: look at the number of ready pods."
    )


def _explain_blindly(wanted: WantedTarget, configured: bool) -> str:
    if configured:
        return (
            f"{wanted} is in the configuration, but has no target: its selector or port name fits no "
            "Service, or no pod is ready."
        )
    return (
        f"{wanted} was never selected: it does not exist, lacks the label that Prometheus selects by "
        "(kube-prometheus-stack: release), or stands in a namespace that it does not look into."
    )


def _explain_services(wanted: WantedTarget, monitor: Object, services: Sequence[Object]) -> str:
    spec = monitor.get("spec") or {}
    if not services:
        selector = spec.get("selector") or {}
        return f"{wanted} selects no Service ({selector}). Correct its selector or the labels of the Service."
    ports = [endpoint["port"] for endpoint in spec.get("endpoints") or [] if endpoint.get("port")]
    for service in services:
        names = [port.get("name", "") for port in (service.get("spec") or {}).get("ports") or []]
        if wrong := [port for port in ports if port not in names]:
            return (
                f"{wanted} asks for port {', '.join(wrong)}, Service {'/'.join(metadata(service))} has "
                f"{', '.join(filter(None, names)) or 'no named port'}. Correct endpoints[].port."
            )
    found = ", ".join("/".join(metadata(service)) for service in services)
    return f"{wanted} has no target behind Service {found}. Look whether its pods run and are ready."


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
