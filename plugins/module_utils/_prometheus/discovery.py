# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels that a new object needs to be selected. PRIVATE: it may change at any time."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.selection import (
    Labels,
    Object,
    metadata,
    refusal,
)


class DiscoveryError(Exception):
    """The labels are not known; the text says why."""


def discover(
    prometheuses: Sequence[Object], kind: str, namespace: str, namespace_labels: Labels
) -> dict[str, str]:
    """Labels with which an object in `namespace` is selected by the Prometheus that looks there.

    `kind` is as in selection.refusal. Raises DiscoveryError when none looks there, or several that want
    different labels.
    """
    wanted: dict[str, dict[str, str]] = {}
    reasons = []
    for prometheus in prometheuses:
        name = "/".join(metadata(prometheus))
        labels = labels_for((prometheus.get("spec") or {}).get(f"{kind}Selector") or {})
        made = {"metadata": {"namespace": namespace, "name": "", "labels": labels}}
        if reason := refusal(prometheus, kind, made, namespace_labels):
            reasons.append(f"Prometheus {name} {reason}")
        else:
            wanted[name] = labels
    if not wanted:
        raise DiscoveryError("; ".join(reasons) or "there is no Prometheus object in the cluster")
    first, *others = wanted.values()
    if any(other != first for other in others):
        raise DiscoveryError("; ".join(f"Prometheus {name} {_wants(wanted[name])}" for name in wanted))
    return first


def labels_for(selector: Object) -> dict[str, str]:
    """The fewest labels that fulfil a label selector; what has to be absent stays absent."""
    labels = dict(selector.get("matchLabels") or {})
    for expression in selector.get("matchExpressions") or []:
        values = {"In": expression.get("values"), "Exists": ["true"]}.get(expression["operator"])
        if values:
            labels.setdefault(expression["key"], values[0])
    return labels


def _wants(labels: Labels) -> str:
    return "wants " + (", ".join(f"{name}={labels[name]}" for name in sorted(labels)) or "no label")
