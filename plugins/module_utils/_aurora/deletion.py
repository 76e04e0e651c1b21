# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete a cluster, rung by rung: protection, members, snapshot, cluster."""

from __future__ import annotations

import dataclasses
import datetime

from .._changes import Changes
from . import api
from .actions import remove_member
from .errors import AuroraError
from .observed import Observed
from .waiting import Watch


@dataclasses.dataclass(frozen=True)
class DeletionWish:
    """How to delete. A final snapshot of None means: none."""

    allow_unprotect: bool
    final_snapshot_id: str | None


def snapshot_name(cluster_id: str, now: datetime.datetime) -> str:
    """A name that no earlier deletion of a cluster of this name has taken."""
    return f"{cluster_id}-final-{now.astimezone(datetime.UTC):%Y%m%d%H%M%S}"


def ensure_absent(watch: Watch, wish: DeletionWish, *, dry_run: bool) -> tuple[Changes, str | None]:
    """Delete a cluster with its members and wait until it is gone; returns the last snapshot, too.

    Gone already is fine, and what a run that was killed has begun is waited for.
    """
    observed = watch.observe()
    if observed is None:
        return {}, None
    if observed.status == "deleting":
        snapshot = _begun_snapshot(watch, observed)
        if not dry_run:
            _until_gone(watch, snapshot)
        return {}, snapshot
    if observed.cluster.get("DeletionProtection") and not wish.allow_unprotect:
        raise AuroraError(
            f"Could not delete cluster {watch.cluster_id}: it is protected against deletion."
            " Set allow_unprotect to lift the protection first"
        )
    if not dry_run:
        _delete(watch, wish, observed)
    return _changes(wish, observed), wish.final_snapshot_id


def _begun_snapshot(watch: Watch, observed: Observed) -> str | None:
    """The newest final snapshot of this cluster, and of no earlier one of its name."""
    names = [
        snapshot["DBClusterSnapshotIdentifier"]
        for snapshot in api.describe_snapshots(watch.client, watch.cluster_id)
        if snapshot["DBClusterSnapshotIdentifier"].startswith(f"{watch.cluster_id}-final-")
        and snapshot.get("DbClusterResourceId") == observed.cluster.get("DbClusterResourceId")
    ]
    return max(names, default=None)


def _changes(wish: DeletionWish, observed: Observed) -> Changes:
    changes: Changes = {
        "cluster_id": (observed.cluster_id, None),
        "members": ([member.instance_id for member in observed.members], None),
    }
    if observed.cluster.get("DeletionProtection"):
        changes["deletion_protection"] = (True, None)
    if wish.final_snapshot_id is not None:
        changes["final_snapshot_id"] = (None, wish.final_snapshot_id)
    return changes


def _delete(watch: Watch, wish: DeletionWish, observed: Observed) -> None:
    client, cluster_id = watch.client, watch.cluster_id
    if observed.cluster.get("DeletionProtection"):
        watch.when_free(lambda: api.modify_cluster(client, cluster_id, {"DeletionProtection": False}))
    for member in reversed(observed.members):  # The writer is the first of them, so it goes last.
        remove_member(watch, member.instance_id)

    def delete() -> None:
        try:
            api.delete_cluster(client, cluster_id, wish.final_snapshot_id)
        except AuroraError:
            seen = watch.observe()
            # A request whose answer was lost has come through.
            if seen is not None and seen.status != "deleting":
                raise

    watch.when_free(delete)
    _until_gone(watch, wish.final_snapshot_id)


def _until_gone(watch: Watch, snapshot_id: str | None) -> None:
    if snapshot_id is not None:
        watch.until_snapshot(snapshot_id)
    watch.until_gone()
