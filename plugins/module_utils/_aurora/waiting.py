# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for clusters and members, and calls that AWS refuses while a cluster is busy."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable

from .._waiting import Patience, Seen, TimedOut
from . import api
from .errors import AuroraError
from .observed import Observed, is_transient

if t.TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient

BUSY_CODES = frozenset(
    {"InvalidDBClusterStateFault", "InvalidDBInstanceState", "InvalidDBInstanceStateFault"}
)


@dataclasses.dataclass(frozen=True)
class Watch:
    """One cluster, the client that asks for it, and the time that the run may take."""

    client: RDSClient
    cluster_id: str
    patience: Patience
    tell: Callable[[str], None] = lambda state: None
    """Is told each new state of what is waited for."""

    def observe(self) -> Observed | None:
        cluster = api.describe_cluster(self.client, self.cluster_id)
        if cluster is None:
            return None
        return Observed(cluster, tuple(api.describe_members(self.client, self.cluster_id)))

    def until(self, missing: Callable[[Observed], list[str]]) -> Observed:
        """Wait until cluster and members are available and `missing` names nothing more."""

        def probe() -> tuple[bool, tuple[Observed, str]]:
            seen = self.observe()
            if seen is None:
                raise AuroraError(f"Cluster {self.cluster_id} has gone while it was waited for")
            if seen.stuck:
                raise AuroraError(
                    f"Waited for cluster {self.cluster_id}, but it needs help first: {seen.states}."
                    " Look at its events in RDS, repair or start it, then run again"
                )
            lacks = missing(seen) if seen.settled else []
            return seen.settled and not lacks, (seen, "; ".join([seen.states, *lacks]))

        return self._wait(probe, lambda last: last[1])[0]

    def until_settled(self) -> Observed:
        return self.until(lambda seen: [])

    def until_gone(self, instance_id: str | None = None) -> None:
        """Wait until a member, or without `instance_id` the cluster, is deleted."""

        def probe() -> tuple[bool, str]:
            seen = self.observe()
            if seen is None:
                return True, ""
            left = instance_id is None or any(member.instance_id == instance_id for member in seen.members)
            return not left, seen.states

        self._wait(probe, str)

    def until_snapshot(self, snapshot_id: str) -> None:
        def probe() -> tuple[bool, str]:
            snapshot = api.describe_snapshot(self.client, snapshot_id)
            status = snapshot["Status"] if snapshot else "not there yet"
            if status == "failed":
                raise AuroraError(f"Final snapshot {snapshot_id} of cluster {self.cluster_id} failed")
            return status == "available", f"snapshot {snapshot_id} {status}"

        self._wait(probe, str)

    def when_free(self, change: Callable[[], object]) -> None:
        """Make a call; when the cluster refuses it because it is busy, wait and make it again.

        The same code also tells of states that do not pass, so only a transient state is waited for.
        One refusal by an available cluster is taken for a state that just ended.
        """
        excused = False

        def probe() -> tuple[bool, str]:
            nonlocal excused
            try:
                change()
            except AuroraError as error:
                if error.code not in BUSY_CODES:
                    raise
                seen = self.observe()
                if seen is None or (not _is_busy(seen) and excused):
                    raise
                excused = excused or not _is_busy(seen)
                return False, f"{seen.states}; {error.answer}"
            return True, ""

        self._wait(probe, str)

    def _wait(self, probe: Callable[[], tuple[bool, Seen]], told: Callable[[Seen], str]) -> Seen:
        def telling() -> tuple[bool, Seen]:
            done, seen = probe()
            if not done:
                self.tell(told(seen))
            return done, seen

        try:
            return self.patience.until(telling)
        except TimedOut as over:
            raise AuroraError(
                f"Waited {self.patience.timeout:g} s for cluster {self.cluster_id};"
                f" last seen: {told(over.last)}."
                " Run again with a longer wait_timeout: it goes on where this run stopped"
            ) from over


def _is_busy(seen: Observed) -> bool:
    return any(is_transient(status) for status in (seen.status, *(member.status for member in seen.members)))
