"""The engine versions of the laboratory: that of its PostgreSQL, and an old one by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.aws.faults import invalid_combination
from lab.aws.rds_capacity import MAXIMUM, MINIMUM
from lab.aws.rds_model import ENGINE, SERVERLESS

#: The smallest minimum of the old version, which cannot pause.
OLD_MINIMUM = 0.5


class EngineVersions:
    """What RDS says about its engine versions; `version` is PostgreSQL's, e.g. 15.18.

    The same PostgreSQL runs under the number of the old version, which can be upgraded to the new one.
    """

    def __init__(self, version: str, availability_zones: list[str]) -> None:
        self.version = version
        self.major = version.split(".")[0]
        self.old = f"{self.major}.1"
        self.family = f"{ENGINE}{self.major}"
        self._availability_zones = availability_zones

    def resolve(self, wish: str | None) -> str:
        """The version that a create request gets; a major version gets its newest minor."""
        if wish in (None, self.version, self.major):
            return self.version
        if wish == self.old:
            return self.old
        raise invalid_combination(f"Cannot find version {wish} for {ENGINE}")

    def upgrade(self, current: str, wish: str | None) -> str:
        """The version that a modify request leads to. Raises AWS's error."""
        if wish in (None, current, self.major):
            return current
        if wish != self.version:
            raise invalid_combination(f"Cannot find upgrade path from {current} to {wish}.")
        return self.version

    def lowest_minimum(self, version: str) -> float:
        """In ACU."""
        return OLD_MINIMUM if version == self.old else MINIMUM

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeDBEngineVersions."""
        fits = (
            request.get("Engine", ENGINE) == ENGINE
            and request.get("DBParameterGroupFamily", self.family) == self.family
        )
        offered = self._offered(request.get("EngineVersion"))
        versions = offered[-1:] if request.get("DefaultOnly") else offered
        return {"DBEngineVersions": [self._describe(version) for version in versions if fits]}

    def _offered(self, wish: str | None) -> list[str]:
        """The newest last."""
        return [each for each in (self.old, self.version) if wish in (None, self.major, each)]

    def _describe(self, version: str) -> dict[str, Any]:
        return {
            "Engine": ENGINE,
            "EngineVersion": version,
            "MajorEngineVersion": self.major,
            "DBParameterGroupFamily": self.family,
            "DBEngineDescription": "Aurora PostgreSQL",
            "DBEngineVersionDescription": f"Aurora PostgreSQL (compatible with PostgreSQL {version})",
            "ExportableLogTypes": ["iam-db-auth-error", "instance", "postgresql"],
            "ServerlessV2FeaturesSupport": {
                "MinCapacity": self.lowest_minimum(version),
                "MaxCapacity": MAXIMUM,
            },
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
            "ValidUpgradeTarget": [self._target()] if version == self.old else [],
        }

    def _target(self) -> dict[str, Any]:
        return {
            "Engine": ENGINE,
            "EngineVersion": self.version,
            "AutoUpgrade": False,
            "IsMajorVersionUpgrade": False,
        }

    def describe_orderable(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeOrderableDBInstanceOptions."""
        fits = request.get("Engine") == ENGINE and request.get("DBInstanceClass", SERVERLESS) == SERVERLESS
        versions = self._offered(request.get("EngineVersion"))
        return {"OrderableDBInstanceOptions": [self._option(version) for version in versions if fits]}

    def _option(self, version: str) -> dict[str, Any]:
        return {
            "Engine": ENGINE,
            "EngineVersion": version,
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
