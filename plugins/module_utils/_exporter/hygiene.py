# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every page: it is small and keeps secrets. PRIVATE: it may change at any time."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check, check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import Secrets
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Family,
)

#: The distinct values of each label, by the families' names and the labels'.
Labels = Mapping[str, Mapping[str, Set[str]]]


def label_values(page: Exposition) -> Labels:
    """What Labels says, of one page."""
    return {family.name: _label_values(family) for family in page.families.values()}


def _label_values(family: Family) -> Mapping[str, Set[str]]:
    values: defaultdict[str, set[str]] = defaultdict(set)
    for sample in family.samples:
        for name, value in zip(sample.label_names, sample.label_values, strict=True):
            values[name].add(value)
    return values


@dataclass(frozen=True)
class Limits:
    """How much an exporter may say, so that Prometheus can bear it; 0 is without limit."""

    samples: int = 20_000
    samples_per_family: int = 5_000
    label_value_length: int = 256
    values_per_label: int = 2_000

    def judge(self, page: Exposition, labels: Labels) -> Check:
        excess = [f"{page.samples} samples"] if 0 < self.samples < page.samples else []
        for family in page.families.values():
            excess += self._excess(family, labels[family.name])
        return check(
            "cardinality",
            not excess,
            f"at most {self.samples} samples, {self.samples_per_family} in a family, {self.values_per_label} "
            f"values of a label, {self.label_value_length} characters in one (0: no limit)",
            "; ".join(excess[:5]) or f"{page.samples} samples",
            "drop series at the exporter or by metricRelabelings, or set other limits",
        )

    def _excess(self, family: Family, labels: Mapping[str, Set[str]]) -> Iterator[str]:
        if 0 < self.samples_per_family < len(family.samples):
            yield f"{len(family.samples)} samples of {family.name}"
        for name, distinct in labels.items():
            if 0 < self.values_per_label < len(distinct):
                yield f"{len(distinct)} values of label {name} of {family.name}"
            longest = max(map(len, distinct))
            if 0 < self.label_value_length < longest:
                yield f"{longest} characters in label {name} of {family.name}"


def no_leak(labels: Labels, secrets: Secrets) -> Check:
    """No label value is or holds a credential; where one does, the message does not repeat it."""
    within = functools.cache(secrets.within)  # The same values stand in many families.
    leaks = {
        f"{family}, label {name}"
        for family, values in labels.items()
        for name, distinct in values.items()
        if any(map(within, distinct))
    }
    return check(
        "no_credentials_in_labels",
        not leaks,
        "no label with a password, a token or a key",
        "; ".join(sorted(leaks)) or "none",
        "change that password, then give user and password to the exporter apart from the address",
    )


def no_negative_counter(page: Exposition) -> Check:
    """A counter counts from 0."""
    negative = {sample.name for sample in page.negative_counters()}
    return check(
        "no_negative_counters",
        not negative,
        "no counter below 0",
        ", ".join(sorted(negative)) or "none",
        "a number overflowed, or a gauge is declared as a counter",
    )
