# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the capacity range of an existing cluster, and reboot its members where that is allowed."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from . import api
from .errors import AuroraError
from .observed import Observed
from .scaling import Scaling, ScalingWish, plan_scaling
from .waiting import Watch

Reboot = t.Literal["never", "if_pending", "always"]


@dataclasses.dataclass(frozen=True)
class Rescaled:
    """The range before and after, and which members were, or would be, rebooted."""

    before: Scaling | None
    after: Scaling
    pending_reboot: bool
    rebooted: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return self.before != self.after or bool(self.rebooted)


def rescale(watch: Watch, wish: ScalingWish, reboot: Reboot, *, dry_run: bool) -> Rescaled:
    """Give the cluster the range of the wish and wait until AWS shows it."""
    observed = watch.observe()
    if observed is None:
        raise AuroraError(f"Could not scale cluster {watch.cluster_id}: it does not exist in this region")
    if not dry_run and not observed.settled:
        observed = watch.until_settled()
    before = Scaling.from_cluster(observed.cluster)
    after = plan_scaling(watch.cluster_id, before, wish)
    if dry_run:
        return _foreseen(observed, before, after, reboot)
    if after != before:
        watch.when_free(
            lambda: api.modify_cluster(
                watch.client, watch.cluster_id, {"ServerlessV2ScalingConfiguration": after.request()}
            )
        )
        observed = watch.until(lambda seen: _unlike(after, seen))
    rebooted = _to_reboot(observed, reboot)
    for instance_id in rebooted:
        _reboot(watch, instance_id)
    if rebooted:
        observed = watch.until_settled()
    return Rescaled(before, after, any(member.pending_reboot for member in observed.members), rebooted)


def _foreseen(observed: Observed, before: Scaling | None, after: Scaling, reboot: Reboot) -> Rescaled:
    """max_connections is static: when it changes, AWS marks every member as waiting for a reboot."""
    pending = any(member.pending_reboot for member in observed.members)
    pending = pending or before is None or before.max_connections != after.max_connections
    everyone = tuple(member.instance_id for member in reversed(observed.members))
    rebooted = everyone if reboot == "always" or (reboot == "if_pending" and pending) else ()
    return Rescaled(before, after, pending and not rebooted, rebooted)


def _unlike(wanted: Scaling, seen: Observed) -> list[str]:
    shown = Scaling.from_cluster(seen.cluster)
    return [] if shown == wanted else [f"its range is {shown}, not {wanted}"]


def _to_reboot(observed: Observed, reboot: Reboot) -> tuple[str, ...]:
    """Readers first: the writer's connections break last, and a reader is ready to take over."""
    return tuple(
        member.instance_id
        for member in reversed(observed.members)
        if reboot == "always" or (reboot == "if_pending" and member.pending_reboot)
    )


def _reboot(watch: Watch, instance_id: str) -> None:
    watch.when_free(functools.partial(api.reboot_member, watch.client, instance_id))
    watch.until_settled()
