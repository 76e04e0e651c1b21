# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as text, such as 1m30s. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from fractions import Fraction

#: Seconds of each unit that programs in Go read.
GO = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600)}
#: Those of Prometheus.
PROMETHEUS = {**GO, "d": Fraction(86400), "w": Fraction(604800), "y": Fraction(31536000)}


def seconds(text: str, units: t.Mapping[str, Fraction]) -> Fraction | None:
    """The sum of all parts, None where the text is no duration."""
    part = rf"(\d+(?:\.\d+)?)({'|'.join(sorted(units, reverse=True))})"
    if not re.fullmatch(rf"(?:{part})+|0", text):
        return None
    return sum((Fraction(number) * units[unit] for number, unit in re.findall(part, text)), Fraction())
