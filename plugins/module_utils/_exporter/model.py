# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics as an exporter exposes them. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of a metrics page."""

    name: str
    labels: Mapping[str, str]
    value: float
    line: int

    @property
    def key(self) -> tuple[str, frozenset[tuple[str, str]]]:
        """What identifies the series."""
        return self.name, frozenset(self.labels.items())


@dataclass(slots=True)
class Family:
    """All samples under one TYPE."""

    name: str
    type: str = "untyped"
    help: str | None = None
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True)
class Exposition:
    """A whole metrics page."""

    families: Mapping[str, Family]

    @property
    def samples(self) -> int:
        return sum(len(family.samples) for family in self.families.values())

    def __iter__(self) -> Iterator[Sample]:
        for family in self.families.values():
            yield from family.samples

    def family_of(self, name: str) -> Family | None:
        """The family that samples called `name` belong to."""
        if family := self.families.get(name):
            return family
        stem = re.sub(r"_(bucket|sum|count)$", "", name)
        return self.families.get(stem)

    def series(self, name: str, **labels: str) -> list[Sample]:
        """The samples called `name` that carry these labels."""
        family = self.family_of(name)
        return [
            sample
            for sample in (family.samples if family else [])
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def value(self, name: str) -> float | None:
        """The value of the first such sample."""
        found = self.series(name)
        return found[0].value if found else None

    def has(self, name: str) -> bool:
        """Whether there is at least one sample of the family."""
        family = self.families.get(name)
        return bool(family and family.samples)
