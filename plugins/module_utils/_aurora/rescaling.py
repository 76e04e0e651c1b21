# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the capacity range of an existing cluster, and reboot its members where that is allowed."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
from collections.abc import Callable

from . import api
from .actions import check_minimum
from .errors import AuroraError
from .observed import Observed
from .scaling import Scaling, ScalingWish, plan_scaling
from .waiting import BUSY_CODES, Watch
from .window import Window

Reboot = t.Literal["never", "if_pending", "always"]


@dataclasses.dataclass(frozen=True)
class Reboots:
    """Which members may be rebooted, and when (None: at any time)."""

    allowed: Reboot = "never"
    window: Window | None = None
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)

    @property
    def open(self) -> bool:
        return self.window is None or self.window.contains(self.now())


@dataclasses.dataclass(frozen=True)
class Rescaled:
    """The range before and after, who was, or would be, rebooted, and whom the window holds back."""

    before: Scaling | None
    after: Scaling
    pending_reboot: bool
    rebooted: tuple[str, ...]
    postponed: tuple[str, ...]
    observed: Observed

    @property
    def changed(self) -> bool:
        return self.before != self.after or bool(self.rebooted)


def rescale(watch: Watch, wish: ScalingWish, reboots: Reboots, *, dry_run: bool) -> Rescaled:
    """Give the cluster the range of the wish and wait until AWS shows it."""
    observed = watch.observe()
    if observed is None:
        raise AuroraError(f"Could not scale cluster {watch.cluster_id}: it does not exist in this region")
    if not dry_run and not observed.settled:
        observed = watch.until_settled()
    before = Scaling.from_cluster(observed.cluster)
    after = plan_scaling(watch.cluster_id, before, wish)
    if after != before:
        check_minimum(watch, str(observed.cluster["EngineVersion"]), after.min_capacity)
    if after != before and not dry_run:
        observed = _set_range(watch, after)
    waiting = _waiting_for_reboot(observed, before, after)
    everyone = tuple(member.instance_id for member in reversed(observed.members))
    due = {"never": (), "if_pending": waiting, "always": everyone}[reboots.allowed]
    rebooted, postponed = (due, ()) if reboots.open else ((), due)
    if not dry_run:
        for instance_id in rebooted:
            _reboot(watch, instance_id)
    return Rescaled(before, after, bool(set(waiting) - set(rebooted)), rebooted, postponed, observed)


def _set_range(watch: Watch, wanted: Scaling) -> Observed:
    """AWS tells of no pending range: only reading it back shows that it is there."""
    request = {"ServerlessV2ScalingConfiguration": wanted.request()}

    def unlike(seen: Observed) -> list[str]:
        shown = Scaling.from_cluster(seen.cluster)
        return [] if shown == wanted else [f"its range is {shown}, not {wanted}"]

    def modify() -> None:
        try:
            api.modify_cluster(watch.client, watch.cluster_id, request)
        except AuroraError:
            seen = watch.observe()
            # A request whose answer was lost has come through.
            if seen is None or unlike(seen):
                raise

    watch.when_free(modify)
    return watch.until(unlike)


def _waiting_for_reboot(observed: Observed, before: Scaling | None, after: Scaling) -> tuple[str, ...]:
    """Readers first: the writer's connections break last, and a reader is ready to take over.

    max_connections is static: when the run changes it, every member waits, whether AWS shows it yet or not.
    """
    changed = before is not None and before.max_connections != after.max_connections
    return tuple(
        member.instance_id for member in reversed(observed.members) if changed or member.pending_reboot
    )


def _reboot(watch: Watch, instance_id: str) -> None:
    def reboot() -> None:
        try:
            api.reboot_member(watch.client, instance_id)
        except AuroraError as error:
            seen = watch.observe()
            states = {member.instance_id: member.status for member in seen.members} if seen else {}
            # It is rebooting already: by a request whose answer was lost, or by somebody else's.
            if error.code not in BUSY_CODES or states.get(instance_id) != "rebooting":
                raise

    def pending(seen: Observed) -> list[str]:
        waiting = [member.instance_id for member in seen.members if member.pending_reboot]
        return [f"{instance_id} still waits for its reboot"] if instance_id in waiting else []

    watch.when_free(reboot)
    watch.until(pending)
