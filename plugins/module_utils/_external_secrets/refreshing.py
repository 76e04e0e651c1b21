# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Having external secrets synced anew. PRIVATE: it may change at any time."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.investigation import (
    path_of,
    path_of_store,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    ExternalSecret,
    Wanted,
    ready_condition,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    Writer,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.waiting import Wait, outlast
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut


def refresh(
    cluster: Writer, namespace: str, wanted: Wanted, wait: Wait, *, if_needed: bool, dry_run: bool
) -> tuple[Wanted, bool]:
    """Have one synced anew, whatever its interval, or with `if_needed` where it was read too early or failed.

    What is returned is only in sync after that; and whether it is, or would be, synced anew. Another
    annotation makes another resource version, which the operator has to sync. Raises KubernetesError.
    """
    path = path_of(namespace, "externalsecrets", wanted.name)
    found = outlast(wait, lambda: (True, cluster.get(path)))
    if found is None:
        return wanted, False
    seen = ExternalSecret.from_object(found)
    if if_needed and not seen.failed and not seen.read_before(wanted.not_before):
        # Its first sync is still to come, and later than anything that is known of; clocks may differ.
        return (wanted if seen.refresh_time else replace(wanted, not_before=None)), False
    if dry_run:
        return replace(wanted, not_before=None), True
    if seen.failed:
        _see_stores_ready(cluster, seen, wait)
    cluster.annotate(path, _now())
    return replace(wanted, not_before=None, after=seen.synced_version), True


def _see_stores_ready(cluster: Writer, seen: ExternalSecret, wait: Wait) -> None:
    """What failed is tried again ever more rarely, and with a store that is not ready it is not tried at all.

    Where a store stays as it is, or is somebody else's, the cause is found and said later.
    """
    for reference in seen.stores:
        path = path_of_store(seen.namespace, reference)

        def is_ready(path: str = path) -> tuple[bool, None]:
            condition = ready_condition(cluster.get(path) or {})
            return condition is None or condition.true, None

        with suppress(KubernetesError, TimedOut):
            if not is_ready()[0]:
                cluster.annotate(path, _now())
                outlast(wait, is_ready)


def _now() -> dict[str, str]:
    return {"force-sync": str(time.time_ns())}
