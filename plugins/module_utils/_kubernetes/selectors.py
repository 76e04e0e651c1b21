# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label selectors of Kubernetes. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

Object = Mapping[str, t.Any]
Labels = Mapping[str, str]


def mismatch(selector: Object, labels: Labels) -> str | None:
    """The first demand of a label selector that is not met, in words; None when all are."""
    for name, wanted in (selector.get("matchLabels") or {}).items():
        if labels.get(name) != wanted:
            return f"label {name}={wanted} ({_has(labels, name)})"
    for expression in selector.get("matchExpressions") or []:
        name, operator = expression["key"], expression["operator"]
        values = expression.get("values") or []
        met = {
            "In": labels.get(name) in values,
            "NotIn": labels.get(name) not in values,
            "Exists": name in labels,
            "DoesNotExist": name not in labels,
        }[operator]
        if not met:
            return f"label {name} {operator} {', '.join(values)}".rstrip() + f" ({_has(labels, name)})"
    return None


def _has(labels: Labels, name: str) -> str:
    return f"it has {name}={labels[name]}" if name in labels else f"it has no label {name}"
