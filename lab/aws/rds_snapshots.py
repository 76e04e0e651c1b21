"""Snapshots of clusters, by name only: the laboratory keeps no data in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.aws import rds_requests as requests
from lab.aws.faults import fault, invalid_combination
from lab.aws.rds_aurora import Aurora
from lab.aws.rds_model import Cluster

Request = Mapping[str, Any]
_COPIED = (
    *("AvailabilityZones", "ClusterCreateTime", "DBClusterIdentifier", "DbClusterResourceId", "Engine"),
    *("EngineMode", "EngineVersion", "MasterUsername", "Port", "StorageEncrypted", "KmsKeyId"),
)


def check_final(aurora: Aurora, request: Request) -> str | None:
    """The name of the snapshot to take before deletion. Raises AWS's error."""
    name, skip = request.get("FinalDBSnapshotIdentifier"), request.get("SkipFinalSnapshot", False)
    if skip and name:
        raise invalid_combination(
            "FinalDBSnapshotIdentifier is not allowed when SkipFinalSnapshot is specified."
        )
    if skip:
        return None
    if not name:
        raise invalid_combination(
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        )
    identifier = requests.check_identifier("FinalDBSnapshotIdentifier", name)
    _refuse_existing(aurora, identifier)
    return identifier


def create(aurora: Aurora, request: Request) -> dict[str, Any]:
    """CreateDBClusterSnapshot."""
    name = requests.check_identifier(
        "DBClusterSnapshotIdentifier", request.get("DBClusterSnapshotIdentifier")
    )
    with aurora.lock:
        _refuse_existing(aurora, name)
        return {"DBClusterSnapshot": take(aurora, aurora.cluster(request["DBClusterIdentifier"]), name)}


def _refuse_existing(aurora: Aurora, identifier: str) -> None:
    if identifier in aurora.snapshots:
        raise fault(
            "DBClusterSnapshotAlreadyExistsFault",
            f"Cannot create the cluster snapshot because {identifier} already exists.",
        )


def take(aurora: Aurora, cluster: Cluster, identifier: str) -> dict[str, Any]:
    """Write down that there is a snapshot."""
    description = aurora.describe_cluster(cluster)
    snapshot = {
        **{name: description[name] for name in _COPIED if name in description},
        "DBClusterSnapshotIdentifier": identifier,
        "DBClusterSnapshotArn": aurora.arn("cluster-snapshot", identifier),
        "SnapshotCreateTime": description["LatestRestorableTime"],
        "SnapshotType": "manual",
        "Status": "available",
        "PercentProgress": 100,
        "AllocatedStorage": 1,
        "IAMDatabaseAuthenticationEnabled": cluster.fields["IAMDatabaseAuthenticationEnabled"],
        "TagList": description["TagList"] if cluster.fields["CopyTagsToSnapshot"] else [],
    }
    aurora.snapshots[identifier] = snapshot
    return snapshot


def describe(aurora: Aurora, request: Request) -> dict[str, Any]:
    """DescribeDBClusterSnapshots."""
    identifier = request.get("DBClusterSnapshotIdentifier")
    with aurora.lock:
        if identifier and identifier.lower() not in aurora.snapshots:
            raise fault("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot {identifier} not found.")
        wanted = {
            "DBClusterSnapshotIdentifier": identifier,
            "DBClusterIdentifier": request.get("DBClusterIdentifier"),
            "SnapshotType": request.get("SnapshotType"),
        }
        return {
            "DBClusterSnapshots": [
                snapshot
                for snapshot in aurora.snapshots.values()
                if all(value is None or snapshot[name] == value.lower() for name, value in wanted.items())
            ]
        }


def delete(aurora: Aurora, request: Request) -> dict[str, Any]:
    """DeleteDBClusterSnapshot."""
    identifier = request["DBClusterSnapshotIdentifier"]
    with aurora.lock:
        snapshot = aurora.snapshots.pop(identifier.lower(), None)
    if snapshot is None:
        raise fault("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot {identifier} not found.")
    return {"DBClusterSnapshot": snapshot}
