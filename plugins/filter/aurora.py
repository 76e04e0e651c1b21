# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the aurora role: the capacity range of a moment."""

from __future__ import annotations

import datetime
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.schedule import (
    ScheduleError,
    capacity_at,
)


def aurora_capacity(
    usual: t.Mapping[str, t.Any],
    schedule: t.Sequence[t.Mapping[str, t.Any]],
    now: datetime.datetime,
    timezone: str = "UTC",
) -> dict[str, t.Any]:
    """As schedule.capacity_at; raises AnsibleFilterError for an entry that cannot be read."""
    try:
        return capacity_at(usual, schedule, now, timezone)
    except ScheduleError as error:
        raise AnsibleFilterError(f"aurora_capacity_schedule: {error}") from error


class FilterModule:
    """Documented in the YAML file beside this one."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"aurora_capacity": aurora_capacity}
