# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics as an exporter exposes them, whatever the format. PRIVATE: it may change at any time.

The words are those of the text format 0.0.4. What came as OpenMetrics has the names and types here that the
same metrics have as text: an unknown is untyped, a counter bears its _total, infos and statesets are gauges.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Key = tuple[str, tuple[str, ...], tuple[str, ...]]
"""What identifies a series: its name, the names of its labels, their values."""


class Sample(t.NamedTuple):
    """One line of a metrics page. A page may have a million: label names are shared, and sorted."""

    name: str
    label_names: tuple[str, ...]
    label_values: tuple[str, ...]
    value: float
    line: int

    @property
    def labels(self) -> dict[str, str]:
        return dict(zip(self.label_names, self.label_values, strict=True))

    @property
    def key(self) -> Key:
        return self.name, self.label_names, self.label_values


@dataclass(slots=True)
class Family:
    """All samples under one TYPE."""

    name: str
    type: str = "untyped"
    help: str | None = None
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True)
class Exposition:
    """A whole metrics page: its families by their names, and by the names of their samples."""

    families: Mapping[str, Family]
    homes: Mapping[str, Family] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return sum(len(family.samples) for family in self.families.values())

    def __iter__(self) -> Iterator[Sample]:
        for family in self.families.values():
            yield from family.samples

    def family_of(self, name: str) -> Family | None:
        """The family that is called `name`, or that samples called `name` belong to."""
        return self.families.get(name) or self.homes.get(name)

    def series(self, name: str, **labels: str) -> list[Sample]:
        """The samples called `name` that carry these labels."""
        family = self.family_of(name)
        return [
            sample
            for sample in (family.samples if family else [])
            if sample.name == name and (not labels or labels.items() <= sample.labels.items())
        ]

    def value(self, name: str) -> float | None:
        """The value of the first such sample."""
        found = self.series(name)
        return found[0].value if found else None

    def has(self, name: str) -> bool:
        """Whether there is at least one sample called `name`, or of the family that is called so."""
        family = self.families.get(name)
        return bool(family.samples if family else self.series(name))

    def negative_counters(self) -> list[Sample]:
        """Samples that count something, and are below zero nevertheless: text allows what cannot be."""
        return [
            sample
            for family in self.families.values()
            for sample in family.samples
            if sample.value < 0 and (family.type == "counter" or _counts(family, sample))
        ]


def _counts(family: Family, sample: Sample) -> bool:
    return family.type in ("histogram", "summary") and sample.name.endswith(("_bucket", "_count"))
