"""Aurora clusters and their members, as the laboratory keeps and as RDS describes them."""

from __future__ import annotations

import datetime
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.aws.postgres import PostgresServer
from lab.aws.rds_capacity import Scaling

ENGINE = "aurora-postgresql"
SERVERLESS = "db.serverless"
CA_CERTIFICATE = "rds-ca-rsa2048-g1"
_HOSTED_ZONE = "Z1RLNUO7B9Q6NB"


def utcnow() -> datetime.datetime:
    """Now, without a zone, as moto writes times."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def resource_id(kind: str) -> str:
    """An id that AWS makes and never reuses, e.g. cluster-ABC..."""
    return f"{kind}-" + "".join(
        secrets.choice(string.ascii_uppercase + string.digits) for _index in range(26)
    )


@dataclass
class Cluster:
    """A cluster. `fields` holds what a request sets and DescribeDBClusters repeats, by the answer's names."""

    identifier: str
    arn: str
    resource_id: str
    engine_version: str
    master_username: str
    server: PostgresServer
    parameter_group: str
    scaling: Scaling | None
    availability_zones: list[str]
    fields: dict[str, Any]
    tags: dict[str, str]
    status: str = "creating"
    master_secret: dict[str, str] | None = None
    pending: dict[str, Any] = field(default_factory=dict)
    log_exports: list[str] = field(default_factory=list)
    security_groups: list[str] = field(default_factory=list)
    created: datetime.datetime = field(default_factory=utcnow)
    #: The settings that its parameter group and capacity ask for.
    wanted: dict[str, str] = field(default_factory=dict)

    def describe(self, members: list[Member]) -> dict[str, Any]:
        """As DescribeDBClusters answers it."""
        return {
            **_cluster_constants(),
            **self.fields,
            "DBClusterIdentifier": self.identifier,
            "DBClusterArn": self.arn,
            "DbClusterResourceId": self.resource_id,
            "Status": self.status,
            "Engine": ENGINE,
            "EngineVersion": self.engine_version,
            "MasterUsername": self.master_username,
            "Endpoint": self.server.address,
            "ReaderEndpoint": self.server.address,
            "Port": self.server.port,
            "DBClusterParameterGroup": self.parameter_group,
            "AvailabilityZones": self.availability_zones,
            "ClusterCreateTime": self.created,
            "EarliestRestorableTime": self.created,
            "LatestRestorableTime": utcnow(),
            "MultiAZ": len({member.availability_zone for member in members}) > 1,
            "DBClusterMembers": [self.describe_member(member) for member in members],
            "VpcSecurityGroups": describe_groups(self.security_groups),
            "EnabledCloudwatchLogsExports": self.log_exports or None,
            "ServerlessV2ScalingConfiguration": self.scaling.describe() if self.scaling else None,
            "MasterUserSecret": self.master_secret,
            "PendingModifiedValues": self.pending or None,
            "TagList": describe_tags(self.tags),
        }

    def describe_member(self, member: Member) -> dict[str, Any]:
        """A line of DBClusterMembers."""
        in_sync = all(self.wanted.get(name) == value for name, value in member.in_force.items()) and set(
            self.wanted
        ) == set(member.in_force)
        return {
            "DBInstanceIdentifier": member.identifier,
            "IsClusterWriter": member.is_writer,
            "DBClusterParameterGroupStatus": "in-sync" if in_sync else "pending-reboot",
            "PromotionTier": member.fields["PromotionTier"],
        }


@dataclass
class Member:
    """A `db.serverless` instance of a cluster; `fields` as in Cluster."""

    identifier: str
    arn: str
    resource_id: str
    cluster: Cluster
    availability_zone: str
    is_writer: bool
    fields: dict[str, Any]
    tags: dict[str, str]
    status: str = "creating"
    created: datetime.datetime = field(default_factory=utcnow)
    #: The cluster parameters with which it runs.
    in_force: dict[str, str] = field(default_factory=dict)

    def describe(self, subnet_group: Any) -> dict[str, Any]:
        """As DescribeDBInstances answers it; `subnet_group` is moto's object."""
        cluster = self.cluster
        inherited = ("StorageEncrypted", "KmsKeyId", "BackupRetentionPeriod", "PreferredBackupWindow")
        major = cluster.engine_version.split(".")[0]
        answer = {
            **_member_constants(major),
            **{name: cluster.fields[name] for name in inherited if name in cluster.fields},
            "PreferredMaintenanceWindow": cluster.fields["PreferredMaintenanceWindow"],
            **self.fields,
            "DBInstanceIdentifier": self.identifier,
            "DBInstanceArn": self.arn,
            "DbiResourceId": self.resource_id,
            "DBClusterIdentifier": cluster.identifier,
            "DBInstanceStatus": self.status,
            "Engine": ENGINE,
            "EngineVersion": cluster.engine_version,
            "MasterUsername": cluster.master_username,
            "DBName": cluster.fields.get("DatabaseName"),
            "InstanceCreateTime": self.created,
            "AvailabilityZone": self.availability_zone,
            "DBSubnetGroup": subnet_group,
            "VpcSecurityGroups": describe_groups(cluster.security_groups),
            "IAMDatabaseAuthenticationEnabled": cluster.fields["IAMDatabaseAuthenticationEnabled"],
            "TagList": describe_tags(self.tags),
        }
        if self.status != "creating":
            address, port = cluster.server.address, cluster.server.port
            answer["Endpoint"] = {"Address": address, "Port": port, "HostedZoneId": _HOSTED_ZONE}
        return answer


def describe_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS writes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def parse_tags(tags: list[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags of a request."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags or []}


def describe_groups(groups: list[str]) -> list[dict[str, str]]:
    """Security groups as RDS writes them."""
    return [{"VpcSecurityGroupId": group, "Status": "active"} for group in groups]


def _cluster_constants() -> dict[str, Any]:
    return {
        "ActivityStreamStatus": "stopped",
        "AllocatedStorage": 1,
        "AssociatedRoles": [],
        "CrossAccountClone": False,
        "DomainMemberships": [],
        "EngineMode": "provisioned",
        "HostedZoneId": _HOSTED_ZONE,
        "ReadReplicaIdentifiers": [],
        "ServerlessV2PlatformVersion": "3",
    }


def _member_constants(major: str) -> dict[str, Any]:
    return {
        "ActivityStreamStatus": "stopped",
        "AllocatedStorage": 1,
        "AssociatedRoles": [],
        "BackupTarget": "region",
        "CustomerOwnedIpEnabled": False,
        "DBInstanceClass": SERVERLESS,
        "DBParameterGroups": [
            {"DBParameterGroupName": f"default.{ENGINE}{major}", "ParameterApplyStatus": "in-sync"}
        ],
        "DBSecurityGroups": [],
        "DbInstancePort": 0,
        "DeletionProtection": False,
        "DomainMemberships": [],
        "LicenseModel": "postgresql-license",
        "MultiAZ": False,
        "NetworkType": "IPV4",
        "OptionGroupMemberships": [{"OptionGroupName": f"default:{ENGINE}-{major}", "Status": "in-sync"}],
        "PendingModifiedValues": {},
        "ReadReplicaDBInstanceIdentifiers": [],
        "StorageThroughput": 0,
        "StorageType": "aurora",
    }
