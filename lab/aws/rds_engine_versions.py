"""The one engine version of the laboratory: that of its PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.aws.faults import invalid_combination
from lab.aws.rds_capacity import MAXIMUM, MINIMUM
from lab.aws.rds_model import ENGINE, SERVERLESS


class EngineVersions:
    """What RDS says about its engine versions; `version` is PostgreSQL's, e.g. 15.18."""

    def __init__(self, version: str, availability_zones: list[str]) -> None:
        self.version = version
        self.major = version.split(".")[0]
        self.family = f"{ENGINE}{self.major}"
        self._availability_zones = availability_zones

    def resolve(self, wish: str | None) -> str:
        """The version that a create request gets; a major version gets its newest minor."""
        if wish in (None, self.version, self.major):
            return self.version
        raise invalid_combination(f"Cannot find version {wish} for {ENGINE}")

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeDBEngineVersions."""
        wanted = (
            request.get("Engine", ENGINE) == ENGINE
            and request.get("EngineVersion", self.version) in (self.version, self.major)
            and request.get("DBParameterGroupFamily", self.family) == self.family
        )
        return {"DBEngineVersions": [self._version()] if wanted else []}

    def _version(self) -> dict[str, Any]:
        return {
            "Engine": ENGINE,
            "EngineVersion": self.version,
            "MajorEngineVersion": self.major,
            "DBParameterGroupFamily": self.family,
            "DBEngineDescription": "Aurora PostgreSQL",
            "DBEngineVersionDescription": f"Aurora PostgreSQL (compatible with PostgreSQL {self.version})",
            "ExportableLogTypes": ["iam-db-auth-error", "instance", "postgresql"],
            "ServerlessV2FeaturesSupport": {"MinCapacity": MINIMUM, "MaxCapacity": MAXIMUM},
            "Status": "available",
            "SupportedCACertificateIdentifiers": [
                "rds-ca-ecc384-g1",
                "rds-ca-rsa4096-g1",
                "rds-ca-rsa2048-g1",
            ],
            "SupportedEngineModes": ["provisioned"],
            "SupportsCertificateRotationWithoutRestart": True,
            "SupportsLogExportsToCloudwatchLogs": True,
            "SupportsReadReplica": False,
            "ValidUpgradeTarget": [],
        }

    def describe_orderable(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeOrderableDBInstanceOptions."""
        wanted = (
            request.get("Engine") == ENGINE
            and request.get("EngineVersion", self.version) in (self.version, self.major)
            and request.get("DBInstanceClass", SERVERLESS) == SERVERLESS
        )
        option = {
            "Engine": ENGINE,
            "EngineVersion": self.version,
            "DBInstanceClass": SERVERLESS,
            "LicenseModel": "postgresql-license",
            "AvailabilityZones": [{"Name": zone} for zone in self._availability_zones],
            "MultiAZCapable": False,
            "ReadReplicaCapable": False,
            "StorageType": "aurora",
            "SupportedEngineModes": ["provisioned"],
            "SupportedNetworkTypes": ["IPV4"],
            "SupportsClusters": True,
            "SupportsIAMDatabaseAuthentication": True,
            "SupportsPerformanceInsights": True,
            "SupportsStorageEncryption": True,
            "Vpc": True,
        }
        return {"OrderableDBInstanceOptions": [option] if wanted else []}
