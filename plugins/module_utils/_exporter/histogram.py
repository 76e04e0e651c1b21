# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the series of a histogram fit together. PRIVATE: it may change at any time."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Family

Key = frozenset[tuple[str, str]]


def inconsistency(family: Family) -> str | None:
    """What is wrong with a family of type histogram, None when nothing is."""
    buckets: defaultdict[Key, dict[float, float]] = defaultdict(dict)
    counts: dict[Key, float] = {}
    for sample in family.samples:
        labels = dict(sample.labels)
        if sample.name == f"{family.name}_bucket":
            try:
                bound = float(labels.pop("le"))
            except (KeyError, ValueError):
                return f"line {sample.line}: bucket of {family.name} without a number in label le"
            buckets[frozenset(labels.items())][bound] = sample.value
        elif sample.name == f"{family.name}_count":
            counts[frozenset(labels.items())] = sample.value
    for key, by_bound in buckets.items():
        if fault := _fault(by_bound, counts.get(key)):
            return f"histogram {family.name}{dict(sorted(key)) or ''}: {fault}"
    return None


def _fault(by_bound: dict[float, float], count: float | None) -> str | None:
    values = [by_bound[bound] for bound in sorted(by_bound)]
    if math.inf not in by_bound:
        return 'no bucket le="+Inf"'
    if any(lower > upper for lower, upper in pairwise(values)):
        return "a bucket holds less than the one below it"
    if count is not None and by_bound[math.inf] != count:
        return 'bucket le="+Inf" and _count differ'
    return None
