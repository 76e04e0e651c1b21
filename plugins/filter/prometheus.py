# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters on Prometheus objects: by which labels they select."""

from __future__ import annotations

import typing as t

from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.discovery import (
    DiscoveryError,
    discover,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.selection import (
    Labels,
    Object,
)


def prometheus_labels(
    prometheuses: t.Sequence[Object], kind: str, namespace: str, namespace_labels: Labels
) -> dict[str, t.Any]:
    """As discovery.discover; what it raises is the refusal."""
    try:
        return {"labels": discover(prometheuses, kind, namespace, namespace_labels), "refusal": ""}
    except DiscoveryError as error:
        return {"labels": {}, "refusal": str(error)}


class FilterModule:
    """Documented in the YAML file beside this one."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"prometheus_labels": prometheus_labels}
