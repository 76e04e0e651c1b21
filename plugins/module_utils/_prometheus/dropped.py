# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets that Prometheus has discovered and dropped, and why. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence

Object = dict[str, t.Any]
Labels = Mapping[str, str]

_META = "__meta_kubernetes_"
#: Depends on whether the operator discovers by Endpoints or by EndpointSlices.
_PORT_NAMES = (f"{_META}endpointslice_port_name", f"{_META}endpoint_port_name")


def port_name(labels: Labels) -> str:
    """The port of the Service that a target was discovered at."""
    return next((labels[name] for name in _PORT_NAMES if name in labels), "")


def service(labels: Labels) -> tuple[str, str]:
    """Namespace and name of the Service that a target was discovered behind."""
    return labels.get(f"{_META}namespace", ""), labels.get(f"{_META}service_name", "")


def listed(dropped: Sequence[Labels]) -> str:
    """What was discovered, each Service and port once."""
    found = dict.fromkeys((service(labels), port_name(labels)) for labels in dropped)
    return ", ".join(f"Service {'/'.join(name)} (port {port or 'without a name'})" for name, port in found)


def by_relabeling(
    monitor: Object, services: Sequence[tuple[str, str]], dropped: Sequence[Labels]
) -> str | None:
    """Which relabeling of a ServiceMonitor drops a target that its selector and port name fit."""
    for endpoint in (monitor.get("spec") or {}).get("endpoints") or []:
        for labels in dropped:
            if service(labels) in services and port_name(labels) == endpoint.get("port"):
                where = f"Service {'/'.join(service(labels))} is discovered, but its target is dropped"
                return f"{where} by {next(_culprits(endpoint, labels), 'its relabelings')}"
    return None


def _culprits(endpoint: Object, discovered: Labels) -> Iterator[str]:
    """Relabelings that drop a target, as far as they look at labels that were discovered."""
    labels = {**discovered, **_given(discovered)}
    for rule in endpoint.get("relabelings") or []:
        action, sources = (rule.get("action") or "replace").lower(), rule.get("sourceLabels") or []
        if action not in ("keep", "drop"):
            continue
        value = (rule.get("separator") or ";").join(labels.get(name, "") for name in sources)
        regex = str(rule.get("regex") or "(.*)")
        if _fits(regex, value) is (action == "drop"):
            yield f'the relabeling {action} {regex} on {", ".join(sources)} (here "{value}")'


def _given(discovered: Labels) -> Labels:
    """What the operator makes of discovered labels before a monitor's own relabelings."""
    names = {"namespace": "namespace", "service": "service_name", "pod": "pod_name"}
    given = {label: discovered.get(_META + name, "") for label, name in names.items()}
    return {
        **given,
        "container": discovered.get(f"{_META}pod_container_name", ""),
        "endpoint": port_name(discovered),
    }


def _fits(regex: str, value: str) -> bool | None:
    """None where the expression means something to Prometheus only."""
    try:
        return re.fullmatch(regex, value, re.DOTALL) is not None
    except re.error:
        return None
