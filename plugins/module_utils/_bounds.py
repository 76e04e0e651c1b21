# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparisons that users write as text. PRIVATE: it may change at any time."""

from __future__ import annotations

import operator
import typing as t
from collections.abc import Callable, Mapping

OPERATORS: Mapping[str, Callable[[t.Any, t.Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# The argument of a module for a bound that values have to keep.
BOUND: dict[str, t.Any] = {
    "type": "dict",
    "options": {
        "op": {"type": "str", "choices": list(OPERATORS), "required": True},
        "number": {"type": "float", "required": True},
    },
}
