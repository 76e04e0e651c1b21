# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster with its members as AWS answers, and how it is returned by the modules."""

from __future__ import annotations

import dataclasses
import typing as t

from .. import _tags
from .scaling import Scaling

Answer = dict[str, t.Any]

READY = frozenset({"available", "storage-optimization"})
# AWS does not leave these states by itself; every other state is on its way to somewhere.
STUCK = frozenset(
    {
        "cloning-failed",
        "failed",
        "inaccessible-encryption-credentials",
        "inaccessible-encryption-credentials-recoverable",
        "incompatible-network",
        "incompatible-option-group",
        "incompatible-parameters",
        "incompatible-restore",
        "insufficient-capacity",
        "migration-failed",
        "restore-error",
        "stopped",
        "storage-full",
    }
)


def is_transient(status: str) -> bool:
    return status not in READY and status not in STUCK


def tags_of(resource: Answer) -> dict[str, str]:
    return _tags.read(resource.get("TagList"))


@dataclasses.dataclass(frozen=True)
class Member:
    """An instance of the cluster: what DescribeDBInstances says, and its entry in the cluster."""

    instance: Answer
    entry: Answer

    @property
    def instance_id(self) -> str:
        return str(self.instance["DBInstanceIdentifier"])

    @property
    def status(self) -> str:
        return str(self.instance["DBInstanceStatus"])

    @property
    def is_writer(self) -> bool:
        return bool(self.entry.get("IsClusterWriter"))

    @property
    def promotion_tier(self) -> int:
        return int(self.entry.get("PromotionTier") or self.instance.get("PromotionTier") or 0)

    @property
    def pending_reboot(self) -> bool:
        return self.entry.get("DBClusterParameterGroupStatus") == "pending-reboot"

    @property
    def arn(self) -> str:
        return str(self.instance["DBInstanceArn"])

    def returned(self) -> Answer:
        return {
            "instance_id": self.instance_id,
            "status": self.status,
            "is_writer": self.is_writer,
            "promotion_tier": self.promotion_tier,
            "parameter_group_status": self.entry.get("DBClusterParameterGroupStatus"),
            "endpoint": (self.instance.get("Endpoint") or {}).get("Address"),
        }


@dataclasses.dataclass(frozen=True)
class Observed:
    """A cluster and its members at one moment."""

    cluster: Answer
    instances: tuple[Answer, ...]

    @property
    def cluster_id(self) -> str:
        return str(self.cluster["DBClusterIdentifier"])

    @property
    def status(self) -> str:
        return str(self.cluster["Status"])

    @property
    def arn(self) -> str:
        return str(self.cluster["DBClusterArn"])

    @property
    def members(self) -> tuple[Member, ...]:
        """The writer first, then by promotion tier and name."""
        entries = {entry["DBInstanceIdentifier"]: entry for entry in self.cluster.get("DBClusterMembers", [])}
        members = [Member(each, entries.get(each["DBInstanceIdentifier"], {})) for each in self.instances]
        return tuple(sorted(members, key=lambda it: (not it.is_writer, it.promotion_tier, it.instance_id)))

    @property
    def states(self) -> str:
        """For people: the state of everything."""
        members = "".join(f", {member.instance_id} {member.status}" for member in self.members)
        return f"cluster {self.cluster_id} {self.status}{members}"

    @property
    def stuck(self) -> bool:
        return any(status in STUCK for status in self._all_states())

    @property
    def settled(self) -> bool:
        return all(status in READY for status in self._all_states())

    def _all_states(self) -> tuple[str, ...]:
        return (self.status, *(member.status for member in self.members))

    def returned(self) -> Answer:
        scaling = Scaling.from_cluster(self.cluster)
        return {
            "cluster_id": self.cluster_id,
            "arn": self.arn,
            "resource_id": self.cluster.get("DbClusterResourceId"),
            "status": self.status,
            "endpoint": self.cluster.get("Endpoint"),
            "reader_endpoint": self.cluster.get("ReaderEndpoint"),
            "port": self.cluster.get("Port"),
            "engine_version": self.cluster.get("EngineVersion"),
            "database_name": self.cluster.get("DatabaseName"),
            "master_username": self.cluster.get("MasterUsername"),
            "master_user_secret_arn": (self.cluster.get("MasterUserSecret") or {}).get("SecretArn"),
            "scaling": dataclasses.asdict(scaling) if scaling else None,
            "members": [member.returned() for member in self.members],
            "deletion_protection": bool(self.cluster.get("DeletionProtection", False)),
            "tags": tags_of(self.cluster),
        }
