# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a question. PRIVATE: it may change at any time."""

from __future__ import annotations

import dataclasses
import typing as t
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import Hide

Status = t.Literal["pass", "fail", "warn", "skip"]
WORDS: dict[Status, str] = {"pass": "passed", "fail": "failed", "warn": "with a warning", "skip": "skipped"}


@dataclass(frozen=True)
class Check:
    """The outcome of one question."""

    id: str
    status: Status
    expected: str
    observed: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.id}: expected {self.expected}, seen {self.observed}" + (
            f" ({self.hint})" if self.hint else ""
        )

    def hidden(self, hide: Hide) -> Check:
        """The check without secrets that the task or the page has in its labels."""
        return dataclasses.replace(
            self, id=hide(self.id), expected=hide(self.expected), observed=hide(self.observed)
        )


@dataclass(frozen=True)
class Finding:
    """Whether something is as expected. A hint of its own is better than the one in the profile."""

    good: bool
    expected: str
    observed: str
    hint: str = ""


def check(id: str, ok: bool, expected: str, observed: str, hint: str = "") -> Check:
    """A check that passes or fails; the hint is for failures."""
    return Check(id, "pass" if ok else "fail", expected, observed, "" if ok else hint)


def few(names: Collection[str]) -> str:
    """The first names, in order."""
    shown = sorted(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "") or "none"


def summary(checks: Sequence[Check]) -> str:
    """All checks in a sentence."""
    counts = Counter(check.status for check in checks)
    parts = [f"{counts[status]} {word}" for status, word in WORDS.items() if counts[status]]
    return f"{len(checks)} checks: {', '.join(parts)}."
