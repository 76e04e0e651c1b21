# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the series of a histogram fit together. PRIVATE: it may change at any time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Family, Sample

Labels = tuple[tuple[str, ...], tuple[str, ...]]
"""Names and values."""


def inconsistency(family: Family) -> str | None:
    """What is wrong with a family of type histogram, None when nothing is."""
    buckets: defaultdict[Labels, list[Sample]] = defaultdict(list)
    counts: dict[Labels, float] = {}
    bucket, count = f"{family.name}_bucket", f"{family.name}_count"
    for sample in family.samples:
        if sample.name == bucket:
            buckets[_without_bound(sample)].append(sample)
        elif sample.name == count:
            counts[sample.label_names, sample.label_values] = sample.value
    for labels, found in buckets.items():
        if fault := _fault(found, counts.get(labels)):
            return f"histogram {family.name}{dict(zip(*labels, strict=True)) or ''}: {fault}"
    return None


def _without_bound(sample: Sample) -> Labels:
    names, values = sample.label_names, sample.label_values
    if "le" not in names:
        return names, values
    le = names.index("le")
    return names[:le] + names[le + 1 :], values[:le] + values[le + 1 :]


def _bound(sample: Sample) -> float:
    """NaN where there is no bound."""
    try:
        return float(sample.label_values[sample.label_names.index("le")])
    except ValueError:
        return math.nan


def _fault(samples: Sequence[Sample], count: float | None) -> str | None:
    buckets = [(_bound(sample), sample.value) for sample in samples]
    for sample, (bound, _held) in zip(samples, buckets, strict=True):
        if math.isnan(bound):
            return f"the bucket on line {sample.line} is without a number in label le"
    buckets.sort()
    last, total = buckets[-1]
    if last != math.inf:
        return 'no bucket le="+Inf"'
    if any(not lower <= upper for (_low, lower), (_high, upper) in pairwise(buckets)):
        return "a bucket holds less than the one below it"
    if count is not None and total != count:
        return 'bucket le="+Inf" and _count differ'
    return None
