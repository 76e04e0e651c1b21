"""What RDS refuses in a request, before anything happens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.aws.faults import invalid_combination, invalid_value
from lab.aws.rds_model import CA_CERTIFICATE, ENGINE, SERVERLESS

#: Request name to answer name of what is kept and repeated without more meaning.
CLUSTER_FIELDS = {
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "BackupRetentionPeriod": "BackupRetentionPeriod",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "DatabaseInsightsMode": "DatabaseInsightsMode",
    "DeletionProtection": "DeletionProtection",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EngineLifecycleSupport": "EngineLifecycleSupport",
    "MonitoringInterval": "MonitoringInterval",
    "MonitoringRoleArn": "MonitoringRoleArn",
    "NetworkType": "NetworkType",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "PreferredBackupWindow": "PreferredBackupWindow",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
    "StorageType": "StorageType",
}
#: Of those, what waits for the maintenance window unless the request says ApplyImmediately.
DEFERRED = {"BackupRetentionPeriod", "EnableIAMDatabaseAuthentication"}
MEMBER_FIELDS = {
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "CACertificateIdentifier": "CACertificateIdentifier",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "DatabaseInsightsMode": "DatabaseInsightsMode",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "MonitoringInterval": "MonitoringInterval",
    "MonitoringRoleArn": "MonitoringRoleArn",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
    "PromotionTier": "PromotionTier",
    "PubliclyAccessible": "PubliclyAccessible",
}
_BOTH = {
    "DBClusterIdentifier",
    "DBClusterParameterGroupName",
    "EnableHttpEndpoint",
    "EngineVersion",
    "ManageMasterUserPassword",
    "MasterUserPassword",
    "MasterUserSecretKmsKeyId",
    "Port",
    "ServerlessV2ScalingConfiguration",
    "VpcSecurityGroupIds",
    *CLUSTER_FIELDS,
}
KNOWN = {
    "CreateDBCluster": _BOTH
    | {
        *("AvailabilityZones", "CACertificateIdentifier", "DatabaseName", "DBSubnetGroupName"),
        *("EnableCloudwatchLogsExports", "Engine", "EngineMode", "KmsKeyId", "MasterUsername"),
        *("StorageEncrypted", "Tags"),
    },
    "ModifyDBCluster": _BOTH
    | {"AllowMajorVersionUpgrade", "ApplyImmediately", "CloudwatchLogsExportConfiguration"}
    | {"RotateMasterUserPassword"},
    "CreateDBInstance": {
        *("DBInstanceIdentifier", "DBClusterIdentifier", "DBInstanceClass", "Engine", "EngineVersion"),
        *("AvailabilityZone", "DBSubnetGroupName", "Tags", *MEMBER_FIELDS),
    },
    "ModifyDBInstance": {
        *("DBInstanceIdentifier", "DBInstanceClass", "ApplyImmediately", "CertificateRotationRestart"),
        *MEMBER_FIELDS,
    },
}
_LOG_TYPES = {"postgresql", "instance", "iam-db-auth-error"}
_CERTIFICATES = {CA_CERTIFICATE, "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"}
_RESERVED_USERS = {"admin", "public", "rdsadmin", "rdsrepladmin", "rds_superuser", "user"}
_IDENTIFIER = re.compile(r"[a-z](?:-?[a-z0-9])*", re.IGNORECASE)
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.IGNORECASE)
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
_DAY = r"(mon|tue|wed|thu|fri|sat|sun)"
_BACKUP_WINDOW = re.compile(f"{_TIME}-{_TIME}")
_MAINTENANCE_WINDOW = re.compile(f"{_DAY}:{_TIME}-{_DAY}:{_TIME}", re.IGNORECASE)


def check_known(action: str, request: Mapping[str, Any]) -> None:
    """Refuse what the laboratory would silently ignore."""
    unknown = sorted(set(request) - KNOWN[action])
    if unknown:
        raise invalid_combination(f"The laboratory does not know {', '.join(unknown)} of {action}.")


def check_identifier(parameter: str, value: str | None) -> str:
    """The identifier in the form in which AWS keeps it."""
    if not value or len(value) > 63 or not _IDENTIFIER.fullmatch(value):
        raise invalid_value(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; "
            "must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain "
            "two consecutive hyphens."
        )
    return value.lower()


def check_new_cluster(request: Mapping[str, Any]) -> None:
    """What only a create request can have wrong."""
    check_engine(request.get("Engine"))
    if request.get("EngineMode", "provisioned") != "provisioned":
        raise invalid_combination(
            "The laboratory has Serverless v2 clusters only: EngineMode is provisioned."
        )
    user = request.get("MasterUsername") or ""
    if not _NAME.fullmatch(user):
        raise invalid_value("The parameter MasterUsername is not valid: it must begin with a letter.")
    if user.lower() in _RESERVED_USERS or user.startswith("pg_"):
        raise invalid_value(
            f"MasterUsername {user} cannot be used as it is a reserved word used by the engine"
        )
    database = request.get("DatabaseName")
    if database is not None and not _NAME.fullmatch(database):
        raise invalid_value("DatabaseName must begin with a letter and contain only alphanumeric characters.")
    managed, password = request.get("ManageMasterUserPassword"), request.get("MasterUserPassword")
    if not managed and password is None:
        raise invalid_value("The parameter MasterUserPassword must be provided and must not be blank.")
    check_log_types(request.get("EnableCloudwatchLogsExports", []))


def check_engine(engine: str | None) -> None:
    """Aurora PostgreSQL is the one engine of the laboratory."""
    if engine != ENGINE:
        raise invalid_value(f"Invalid DB engine: {engine}. The laboratory has {ENGINE} only.")


def check_cluster_values(request: Mapping[str, Any]) -> None:
    """What create and modify requests can both have wrong."""
    password = request.get("MasterUserPassword")
    if password is not None:
        if request.get("ManageMasterUserPassword"):
            raise invalid_combination(
                "You can't specify MasterUserPassword for this cluster when ManageMasterUserPassword "
                "is enabled."
            )
        _check_password(password)
    _check_number(request, "BackupRetentionPeriod", 1, 35)
    _check_number(request, "Port", 1150, 65535)
    window = request.get("PreferredBackupWindow")
    if window is not None and not _BACKUP_WINDOW.fullmatch(window):
        raise invalid_value(f"The parameter PreferredBackupWindow is not a valid window: {window}")
    check_maintenance_window(request)
    check_certificate(request)


def check_insights(request: Mapping[str, Any]) -> None:
    """Advanced insights need Performance Insights, and for long, all in one request."""
    if request.get("DatabaseInsightsMode") == "advanced" and not (
        request.get("EnablePerformanceInsights")
        and request.get("PerformanceInsightsRetentionPeriod", 0) >= 465
    ):
        raise invalid_combination(
            "To enable the Advanced mode of Database Insights, you must enable Performance Insights and set "
            "the Performance Insights retention period to at least 465 days."
        )
    interval = request.get("MonitoringInterval", 0)
    if interval and not request.get("MonitoringRoleArn"):
        raise invalid_combination(
            "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
        )


def check_maintenance_window(request: Mapping[str, Any]) -> None:
    """A window is ddd:hh24:mi-ddd:hh24:mi."""
    window = request.get("PreferredMaintenanceWindow")
    if window is not None and not _MAINTENANCE_WINDOW.fullmatch(window):
        raise invalid_value(f"Invalid maintenance window format: {window}")


def check_certificate(request: Mapping[str, Any]) -> None:
    """The certificate authority has to be one of RDS'."""
    certificate = request.get("CACertificateIdentifier")
    if certificate is not None and certificate not in _CERTIFICATES:
        raise invalid_value(f"Invalid CA certificate identifier: {certificate}")


def check_member_values(request: Mapping[str, Any]) -> None:
    """What create and modify requests of a member can have wrong."""
    if request.get("DBInstanceClass", SERVERLESS) != SERVERLESS:
        raise invalid_combination(
            f"The laboratory has {SERVERLESS} members only, and no {request['DBInstanceClass']}."
        )
    _check_number(request, "PromotionTier", 0, 15)
    check_maintenance_window(request)
    check_certificate(request)


def check_log_types(types: list[str]) -> None:
    """Log types that Aurora PostgreSQL can export."""
    wrong = sorted(set(types) - _LOG_TYPES)
    if wrong:
        raise invalid_combination(
            f"You cannot use the log types '{', '.join(wrong)}' with engine {ENGINE}. "
            "For supported log types, see the documentation."
        )


def fields(request: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The part of `request` that is kept and repeated, by the answer's names."""
    answer = {names[name]: value for name, value in request.items() if name in names}
    if "PreferredMaintenanceWindow" in answer:
        answer["PreferredMaintenanceWindow"] = answer["PreferredMaintenanceWindow"].lower()
    return answer


def _check_password(password: str) -> None:
    if not 8 <= len(password) <= 99:
        problem = "shorter than 8 characters" if len(password) < 8 else "longer than 99 characters"
        raise invalid_value(
            f"The parameter MasterUserPassword is not a valid password because it is {problem}."
        )
    if not (password.isascii() and password.isprintable()) or set(password) & set('/@" '):
        raise invalid_value(
            "The parameter MasterUserPassword is not a valid password. "
            "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        )


def _check_number(request: Mapping[str, Any], name: str, lowest: int, highest: int) -> None:
    value = request.get(name)
    if value is not None and not lowest <= value <= highest:
        raise invalid_value(f"Invalid value {value} for {name}: it must be between {lowest} and {highest}.")
