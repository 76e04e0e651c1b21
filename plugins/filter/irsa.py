# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the irsa role: its two policies, and what is wrong with a trust."""

from __future__ import annotations

import typing as t

from ansible_collections.eks_observability.stack.plugins.module_utils._irsa import policies
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.explanation import Trust


def irsa_faults(*trust: t.Any, **named: t.Any) -> list[str]:
    """What is wrong with a trust, given by its parts in their order or by name."""
    return Trust(*trust, **named).faults()


class FilterModule:
    """Documented in the YAML files beside this one."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "irsa_trust_policy": policies.trust_policy,
            "irsa_faults": irsa_faults,
            "secrets_reader_policy": policies.reader_policy,
            "secrets_access_policy": policies.access_policy,
        }
