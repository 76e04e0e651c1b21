# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that a server sends. PRIVATE: it may change at any time."""

from __future__ import annotations

import json
import typing as t


def read_json(text: str | bytes) -> t.Any:
    """What `text` holds. Raises ValueError for what is no JSON, and for what nests too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it nests too deep") from None
