# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the Prometheus operator selects, and why not. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.selectors import mismatch

Object = dict[str, t.Any]
Labels = Mapping[str, str]


def metadata(found: Object) -> tuple[str, str]:
    """Namespace and name."""
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]


def labels_of(found: Object | None) -> Labels:
    return ((found or {}).get("metadata") or {}).get("labels") or {}


def refusal(prometheus: Object, kind: str, found: Object, namespace_labels: Labels) -> str | None:
    """Why this Prometheus leaves out an object, None when it selects it.

    `kind` is the prefix of the two fields of its spec: serviceMonitor or rule. A selector that is not set
    selects nothing, an empty one everything; a namespace selector that is not set means the own namespace.
    """
    spec = prometheus.get("spec") or {}
    own, _name = metadata(prometheus)
    namespace, _name = metadata(found)
    namespaces, objects = spec.get(f"{kind}NamespaceSelector"), spec.get(f"{kind}Selector")
    if namespaces is None and namespace != own:
        return f"looks into its own namespace {own} only ({kind}NamespaceSelector)"
    if namespaces is not None and (lacks := mismatch(namespaces, namespace_labels)):
        return f"wants the namespace {namespace} to have {lacks}"
    if objects is None:
        return f"selects none at all ({kind}Selector is not set)"
    lacks = mismatch(objects, labels_of(found))
    return f"wants {lacks}" if lacks else None


def refusals(
    prometheuses: Sequence[Object], kind: str, found: Object, namespace_labels: Labels
) -> list[str] | None:
    """Why none of these Prometheus objects selects an object, in a line each; None when one does."""
    reasons = []
    for prometheus in prometheuses:
        reason = refusal(prometheus, kind, found, namespace_labels)
        if reason is None:
            return None
        reasons.append(f"Prometheus {'/'.join(metadata(prometheus))} {reason}")
    return reasons or ["there is no Prometheus object in the cluster"]
