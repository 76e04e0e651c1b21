# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module changes, by the names of its options. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

Changes = dict[str, tuple[t.Any, t.Any]]
"""(before, after) by name. None stands for what is not there."""


def returned(changes: Mapping[str, tuple[t.Any, t.Any]]) -> dict[str, t.Any]:
    """Keys of a result: `changed`, `changes`, `diff`. A side of it shows only what is, or will be, there."""
    return {
        "changed": bool(changes),
        "changes": list(changes),
        "diff": {
            "before": {name: before for name, (before, _after) in changes.items() if before is not None},
            "after": {name: after for name, (_before, after) in changes.items() if after is not None},
        },
    }
