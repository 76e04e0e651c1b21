"""The end of clusters."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest


class TestDeletion:
    @pytest.mark.parametrize(
        ("wish", "text"),
        [
            pytest.param({}, "is required unless SkipFinalSnapshot", id="neither"),
            pytest.param(
                {"SkipFinalSnapshot": True, "FinalDBSnapshotIdentifier": "x"},
                "is not allowed when",
                id="both",
            ),
        ],
    )
    def test_snapshot_must_be_decided(
        self, aws: Any, refusal: Any, plain: dict[str, Any], wish: dict[str, Any], text: str
    ) -> None:
        code, message = refusal(aws.rds.delete_db_cluster, DBClusterIdentifier="plain", **wish)
        assert (code, text in message) == ("InvalidParameterCombination", True)

    def test_the_whole_way(self, aws: Any, refusal: Any, plain: dict[str, Any]) -> None:
        cluster = aws.create(
            "doomed",
            members=1,
            DeletionProtection=True,
            MasterUserPassword=None,
            ManageMasterUserPassword=True,
        )
        delete, rds = aws.rds.delete_db_cluster, aws.rds
        code, message = refusal(delete, DBClusterIdentifier="doomed", SkipFinalSnapshot=True)
        assert (code, "Cannot delete protected Cluster" in message) == ("InvalidParameterCombination", True)
        rds.modify_db_cluster(DBClusterIdentifier="doomed", DeletionProtection=False)
        aws.wait_cluster("doomed")
        code, message = refusal(delete, DBClusterIdentifier="doomed", SkipFinalSnapshot=True)
        assert (code, "still contains DB instances" in message) == ("InvalidDBClusterStateFault", True)

        rds.delete_db_instance(DBInstanceIdentifier="doomed-1")
        assert aws.member("doomed-1")["DBInstanceStatus"] == "deleting"
        answer = delete(DBClusterIdentifier="doomed", FinalDBSnapshotIdentifier="Doomed-Final")["DBCluster"]
        assert answer["Status"] == "deleting"
        assert aws.cluster("doomed")["Status"] == "deleting"
        aws.wait_gone(lambda: aws.cluster("doomed"), "DBClusterNotFoundFault")
        aws.wait_gone(lambda: aws.member("doomed-1"), "DBInstanceNotFound")

        with pytest.raises(psycopg.OperationalError):
            aws.login(cluster, "dbadmin", "any")
        secret = cluster["MasterUserSecret"]["SecretArn"]
        assert refusal(aws.secretsmanager.describe_secret, SecretId=secret)[0] == "ResourceNotFoundException"
        (snapshot,) = rds.describe_db_cluster_snapshots(DBClusterIdentifier="doomed")["DBClusterSnapshots"]
        assert (snapshot["DBClusterSnapshotIdentifier"], snapshot["Status"]) == ("doomed-final", "available")
        messages = [
            event["Message"]
            for event in rds.describe_events(SourceType="db-cluster", SourceIdentifier="doomed")["Events"]
        ]
        assert messages[0] == "DB cluster creation started"
        assert messages[-1] == "DB cluster deleted"

        code, _message = refusal(
            delete, DBClusterIdentifier="plain", FinalDBSnapshotIdentifier="doomed-final"
        )
        assert code == "DBClusterSnapshotAlreadyExistsFault"
        rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="doomed-final")
        assert (
            refusal(rds.describe_db_cluster_snapshots, DBClusterSnapshotIdentifier="doomed-final")[0]
            == "DBClusterSnapshotNotFoundFault"
        )

    def test_groups_in_use_stay(
        self, aws: Any, refusal: Any, shared: dict[str, Any], network: dict[str, Any]
    ) -> None:
        code, _message = refusal(aws.rds.delete_db_subnet_group, DBSubnetGroupName=network["group"])
        assert code == "InvalidDBSubnetGroupStateFault"
        code, _message = refusal(aws.ec2.delete_security_group, GroupId=network["clusterSecurityGroupId"])
        assert code == "DependencyViolation"
