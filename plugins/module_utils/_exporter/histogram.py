# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the samples of a histogram fit together. PRIVATE: it may change at any time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Sample
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.reading import (
    ParseError,
    Strings,
    number,
)

Labels = tuple[Strings, Strings]
"""Names and values."""


@dataclass
class Histogram:
    """One metric: the bounds of its buckets, how many observations each holds, and its other samples."""

    bounds: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    #: By what their names end with.
    others: dict[str, float] = field(default_factory=dict)

    def fault(self) -> str | None:
        """What both formats forbid."""
        if any(lower >= upper for lower, upper in pairwise(self.bounds)):
            return "the buckets do not stand in the order of their bounds"
        if self.bounds[-1:] != [math.inf]:
            return 'no bucket le="+Inf"'
        if any(not lower <= upper for lower, upper in pairwise([-math.inf, *self.held])):
            return "a bucket holds less than the one below it, or no number"
        for count in ("_count", "_gcount"):
            if self.others.get(count, self.held[-1]) != self.held[-1]:
                return f'bucket le="+Inf" and {count} differ'
        return None

    def fault_of_open_metrics(self) -> str | None:
        """What OpenMetrics forbids besides."""
        for sum, count in (("_sum", "_count"), ("_gsum", "_gcount")):
            if (sum in self.others) != (count in self.others):
                return f"of {sum} and {count} there is only one"
        negative = self.bounds[0] < 0
        if negative and "_sum" in self.others:
            return "there is a _sum, and a bucket below 0"
        if not negative and self.others.get("_gsum", 0) < 0:
            return "_gsum is below 0, and no bucket is"
        return None


def check_histogram(
    name: str, samples: Iterable[Sample], show: Callable[[str], str], *, open_metrics: bool = False
) -> None:
    """Look at all metrics of a family; `show` makes labels fit for a message. Raises ParseError."""
    for (names, values), metric in _metrics(name, samples).items():
        fault = metric.fault() or (metric.fault_of_open_metrics() if open_metrics else None)
        if fault:
            labels = ",".join(f"{label}={value}" for label, value in zip(names, values, strict=True))
            raise ParseError(f"histogram {name}{f' with {show(labels)}' if labels else ''}: {fault}")


def _metrics(name: str, samples: Iterable[Sample]) -> dict[Labels, Histogram]:
    metrics: defaultdict[Labels, Histogram] = defaultdict(Histogram)
    for sample in samples:
        suffix = sample.name[len(name) :]
        if suffix == "_bucket":
            labels, bound = _bucket(sample)
            metrics[labels].bounds.append(bound)
            metrics[labels].held.append(sample.value)
        else:
            metrics[sample.label_names, sample.label_values].others[suffix] = sample.value
    return metrics


def _bucket(sample: Sample) -> tuple[Labels, float]:
    """The labels of a bucket's metric, and the bound. Raises ParseError."""
    names, values = sample.label_names, sample.label_values
    try:
        le = names.index("le")
        bound = number(values[le])
    except ValueError:
        bound = math.nan
    if math.isnan(bound):
        raise ParseError(f"the bucket {sample.name} on line {sample.line} is without a number in label le")
    return (names[:le] + names[le + 1 :], values[:le] + values[le + 1 :]), bound
