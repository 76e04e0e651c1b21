# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every page: it is small and keeps secrets. PRIVATE: it may change at any time."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check, check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import (
    Exposition,
    Family,
)

HIDDEN = "********"
# A credential in a URL, a connection string or a statement; a key, a token, the hash of a password.
SECRET = re.compile(
    r"://[^/\s:@]*:[^@\s]+@"
    r"|\b(?:host|user|dbname|port)=\S*\s(?:.*\s)?password=[^\s*]\S*"
    r"|\bpassword=[^\s*]\S*\s(?:.*\s)?(?:host|user|dbname|port)="
    r"|\bpassword\s+'[^']+'"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|SCRAM-SHA-256\$\d+:",
    re.I,
)


@dataclass(frozen=True)
class Secrets:
    """Values that no page and no message may contain, beside what looks like a credential."""

    known: Sequence[str] = ()

    def within(self, text: str) -> bool:
        return any(secret in text for secret in self.known if secret) or SECRET.search(text) is not None

    def hide(self, text: str) -> str:
        """`text` without them."""
        for secret in filter(None, self.known):
            text = text.replace(secret, HIDDEN)
        return SECRET.sub(HIDDEN, text)


@dataclass(frozen=True)
class Limits:
    """How much an exporter may say, so that Prometheus can bear it; 0 is without limit."""

    samples: int = 20_000
    samples_per_family: int = 5_000
    label_value_length: int = 256
    values_per_label: int = 2_000

    def judge(self, page: Exposition) -> Check:
        excess = [f"{page.samples} samples"] if 0 < self.samples < page.samples else []
        for family in page.families.values():
            excess += self._excess(family)
        return check(
            "cardinality",
            not excess,
            f"at most {self.samples} samples, {self.samples_per_family} in a family, {self.values_per_label} "
            f"values of a label, {self.label_value_length} characters in one (0: no limit)",
            "; ".join(excess[:5]) or f"{page.samples} samples",
            "drop series at the exporter or by metricRelabelings, or set other limits",
        )

    def _excess(self, family: Family) -> Iterator[str]:
        if 0 < self.samples_per_family < len(family.samples):
            yield f"{len(family.samples)} samples of {family.name}"
        for name, distinct in _label_values(family).items():
            if 0 < self.values_per_label < len(distinct):
                yield f"{len(distinct)} values of label {name} of {family.name}"
            longest = max(map(len, distinct))
            if 0 < self.label_value_length < longest:
                yield f"{longest} characters in label {name} of {family.name}"


def no_leak(page: Exposition, secrets: Secrets) -> Check:
    """No label value is or holds a credential; where one does, the message does not repeat it."""
    within = functools.cache(secrets.within)  # The same values stand in many families.
    leaks = {
        f"{family.name}, label {name}"
        for family in page.families.values()
        for name, distinct in _label_values(family).items()
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


def _label_values(family: Family) -> Mapping[str, set[str]]:
    values: defaultdict[str, set[str]] = defaultdict(set)
    for sample in family.samples:
        for name, value in zip(sample.label_names, sample.label_values, strict=True):
            values[name].add(value)
    return values
