# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of a cluster as a table: tasks, requests and answers each spell them differently."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Mapping

from .._aws import same_key
from .scaling import Scaling

Description = Mapping[str, t.Any]


def _same(value: t.Any) -> t.Any:
    return value


def _lower(value: str | None) -> str | None:
    return value and value.lower()


def _sorted(values: list[str]) -> list[str]:
    return sorted(values)


def _equal(one: t.Any, other: t.Any) -> bool:
    return bool(one == other)


def key(name: str, default: t.Any = None) -> Callable[[Description], t.Any]:
    """Read a property that AWS leaves out while it has its `default`."""

    def read(cluster: Description) -> t.Any:
        value = cluster.get(name)
        return default if value is None else value

    return read


def _security_groups(cluster: Description) -> list[str]:
    return sorted(group["VpcSecurityGroupId"] for group in cluster.get("VpcSecurityGroups", []))


def _upper(value: str | None) -> str | None:
    return value and value.upper()


def _has_secret(cluster: Description) -> bool:
    return bool(cluster.get("MasterUserSecret"))


def _secret_key(cluster: Description) -> str | None:
    return (cluster.get("MasterUserSecret") or {}).get("KmsKeyId")


@dataclasses.dataclass(frozen=True)
class Field:
    """One property: its option, its name in requests, and how it is read from an answer."""

    option: str
    request: str
    read: Callable[[Description], t.Any]
    changeable: bool = True
    normal: Callable[[t.Any], t.Any] = _same
    equal: Callable[[t.Any, t.Any], bool] = _equal
    wire: Callable[[t.Any], t.Any] = _same


# Changed by calls of their own or by another name in the request: planning.py names them.
HTTP_ENDPOINT = "enable_http_endpoint"
LOG_EXPORTS = "enabled_cloudwatch_logs_exports"

# AWS holds these against each other within one request, not against what the cluster has.
TOGETHER = (
    (
        "database_insights_mode",
        "enable_performance_insights",
        "performance_insights_retention_period",
        "performance_insights_kms_key_id",
    ),
    ("monitoring_interval", "monitoring_role_arn"),
)

FIELDS = (
    Field("engine_version", "EngineVersion", key("EngineVersion")),
    Field("database_name", "DatabaseName", key("DatabaseName"), changeable=False),
    Field("master_username", "MasterUsername", key("MasterUsername"), changeable=False),
    Field("manage_master_user_password", "ManageMasterUserPassword", _has_secret),
    Field("master_user_secret_kms_key_id", "MasterUserSecretKmsKeyId", _secret_key, equal=same_key),
    Field("db_subnet_group_name", "DBSubnetGroupName", key("DBSubnetGroup"), changeable=False, normal=_lower),
    Field("vpc_security_group_ids", "VpcSecurityGroupIds", _security_groups, normal=_sorted),
    Field(
        "db_cluster_parameter_group_name",
        "DBClusterParameterGroupName",
        key("DBClusterParameterGroup"),
        normal=_lower,
    ),
    Field(
        "scaling",
        "ServerlessV2ScalingConfiguration",
        Scaling.from_cluster,
        wire=lambda scaling: scaling.request(),
    ),
    Field("backup_retention_period", "BackupRetentionPeriod", key("BackupRetentionPeriod")),
    Field("preferred_backup_window", "PreferredBackupWindow", key("PreferredBackupWindow"), normal=_lower),
    Field(
        "preferred_maintenance_window",
        "PreferredMaintenanceWindow",
        key("PreferredMaintenanceWindow"),
        normal=_lower,
    ),
    Field("deletion_protection", "DeletionProtection", key("DeletionProtection", False)),
    Field("storage_encrypted", "StorageEncrypted", key("StorageEncrypted", False), changeable=False),
    Field("kms_key_id", "KmsKeyId", key("KmsKeyId"), changeable=False, equal=same_key),
    Field(HTTP_ENDPOINT, "EnableHttpEndpoint", key("HttpEndpointEnabled", False)),
    Field(
        "enable_iam_database_authentication",
        "EnableIAMDatabaseAuthentication",
        key("IAMDatabaseAuthenticationEnabled", False),
    ),
    Field(
        LOG_EXPORTS,
        "EnableCloudwatchLogsExports",
        key("EnabledCloudwatchLogsExports", []),
        normal=_sorted,
    ),
    Field("copy_tags_to_snapshot", "CopyTagsToSnapshot", key("CopyTagsToSnapshot", False)),
    Field("port", "Port", key("Port")),
    # AWS does not show the storage type of Aurora Standard.
    Field("storage_type", "StorageType", key("StorageType", "aurora")),
    Field("network_type", "NetworkType", key("NetworkType", "IPV4"), normal=_upper),
    Field("engine_lifecycle_support", "EngineLifecycleSupport", key("EngineLifecycleSupport")),
    Field("auto_minor_version_upgrade", "AutoMinorVersionUpgrade", key("AutoMinorVersionUpgrade")),
    Field("database_insights_mode", "DatabaseInsightsMode", key("DatabaseInsightsMode", "standard")),
    Field(
        "enable_performance_insights", "EnablePerformanceInsights", key("PerformanceInsightsEnabled", False)
    ),
    Field(
        "performance_insights_retention_period",
        "PerformanceInsightsRetentionPeriod",
        key("PerformanceInsightsRetentionPeriod"),
    ),
    Field(
        "performance_insights_kms_key_id",
        "PerformanceInsightsKMSKeyId",
        key("PerformanceInsightsKMSKeyId"),
        equal=same_key,
    ),
    Field("monitoring_interval", "MonitoringInterval", key("MonitoringInterval", 0)),
    Field("monitoring_role_arn", "MonitoringRoleArn", key("MonitoringRoleArn")),
)
BY_OPTION = {field.option: field for field in FIELDS}
