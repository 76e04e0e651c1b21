# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as text. PRIVATE: it may change at any time."""

from __future__ import annotations

from datetime import UTC, datetime


def in_utc(time: datetime) -> str:
    """RFC 3339 to the second, as Kubernetes writes it: 2026-11-23T10:00:00Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
