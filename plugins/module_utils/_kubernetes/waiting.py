# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting in a cluster whose API server has a bad moment. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut

Seen = t.TypeVar("Seen")
Wait = Callable[[Callable[[], tuple[bool, t.Any]]], t.Any]


def outlast(wait: Wait, probe: Callable[[], tuple[bool, Seen]]) -> Seen:
    """What `wait` makes of `probe`, to which an error that may pass is only another thing seen.

    Raises TimedOut, and KubernetesError at once for one that stays, or when the time is over for one that
    could have passed.
    """

    def patient() -> tuple[bool, Seen | KubernetesError]:
        try:
            return probe()
        except KubernetesError as error:
            if not error.passing:
                raise
            return False, error

    try:
        return t.cast(Seen, wait(patient))
    except TimedOut as over:
        if isinstance(over.last, KubernetesError):
            raise over.last from over
        raise
