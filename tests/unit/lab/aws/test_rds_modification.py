"""Changes of clusters: values, capacity, and the master's password."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

PASSWORD = "right-Password-1"


class TestModification:
    @pytest.fixture(scope="class")
    @classmethod
    def cluster(cls, aws: Any) -> dict[str, Any]:
        """A cluster with a writer, for tests that change it one after the other."""
        return dict(aws.create("changing", members=1))

    @staticmethod
    def modify(aws: Any, **wish: Any) -> dict[str, Any]:
        answer = aws.rds.modify_db_cluster(DBClusterIdentifier="changing", **wish)["DBCluster"]
        assert answer["Status"] in ("modifying", "resetting-master-credentials")
        assert aws.cluster("changing")["Status"] == answer["Status"]
        return dict(aws.wait_cluster("changing"))

    @pytest.mark.parametrize(
        ("wish", "expected"),
        [
            pytest.param({"DeletionProtection": True}, {"DeletionProtection": True}, id="protection"),
            pytest.param({"DeletionProtection": False}, {"DeletionProtection": False}, id="no protection"),
            pytest.param({"CopyTagsToSnapshot": True}, {"CopyTagsToSnapshot": True}, id="copy tags"),
            pytest.param(
                {"BackupRetentionPeriod": 9, "ApplyImmediately": True},
                {"BackupRetentionPeriod": 9},
                id="retention",
            ),
            pytest.param(
                {"EnableIAMDatabaseAuthentication": True, "ApplyImmediately": True},
                {"IAMDatabaseAuthenticationEnabled": True},
                id="IAM login",
            ),
            pytest.param(
                {"PreferredMaintenanceWindow": "Tue:01:00-Tue:02:00"},
                {"PreferredMaintenanceWindow": "tue:01:00-tue:02:00"},
                id="maintenance window",
            ),
            pytest.param(
                {"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["postgresql", "instance"]}},
                {"EnabledCloudwatchLogsExports": ["instance", "postgresql"]},
                id="log exports on",
            ),
            pytest.param(
                {"CloudwatchLogsExportConfiguration": {"DisableLogTypes": ["instance"]}},
                {"EnabledCloudwatchLogsExports": ["postgresql"]},
                id="log exports off",
            ),
            pytest.param(
                {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0, "SecondsUntilAutoPause": 600}},
                {
                    "ServerlessV2ScalingConfiguration": {
                        "MinCapacity": 0.0,
                        "MaxCapacity": 2.0,
                        "SecondsUntilAutoPause": 600,
                    }
                },
                id="to zero",
            ),
            pytest.param(
                {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5}},
                {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 2.0}},
                id="and back",
            ),
        ],
    )
    def test_values(
        self, aws: Any, cluster: dict[str, Any], wish: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        after = self.modify(aws, **wish)
        assert {name: after[name] for name in expected} == expected

    def test_what_waits_for_the_maintenance_window(self, aws: Any, cluster: dict[str, Any]) -> None:
        before = aws.cluster("changing")["BackupRetentionPeriod"]
        after = self.modify(aws, BackupRetentionPeriod=before + 1)
        assert after["BackupRetentionPeriod"] == before
        assert after["PendingModifiedValues"] == {"BackupRetentionPeriod": before + 1}
        after = self.modify(aws, DeletionProtection=False, ApplyImmediately=True)
        assert after["BackupRetentionPeriod"] == before + 1
        assert "PendingModifiedValues" not in after

    @pytest.mark.parametrize(
        ("wish", "code"),
        [
            pytest.param({"EngineVersion": "99.1"}, "InvalidParameterCombination", id="upgrade"),
            pytest.param({"Port": 6000}, "InvalidParameterCombination", id="port"),
            pytest.param({"VpcSecurityGroupIds": ["sg-1"]}, "InvalidParameterValue", id="security group"),
            pytest.param(
                {"RotateMasterUserPassword": True}, "InvalidParameterCombination", id="rotate a given one"
            ),
            pytest.param(
                {"ServerlessV2ScalingConfiguration": {"MaxCapacity": 300}},
                "InvalidParameterValue",
                id="capacity",
            ),
        ],
    )
    def test_refused(
        self, aws: Any, refusal: Any, cluster: dict[str, Any], wish: dict[str, Any], code: str
    ) -> None:
        before = aws.cluster("changing")
        found, _message = refusal(aws.rds.modify_db_cluster, DBClusterIdentifier="changing", **wish)
        after = aws.cluster("changing")
        ignored = ("LatestRestorableTime",)
        assert found == code
        assert {k: v for k, v in after.items() if k not in ignored} == {
            k: v for k, v in before.items() if k not in ignored
        }

    def test_a_busy_cluster_refuses(self, aws: Any, refusal: Any, cluster: dict[str, Any]) -> None:
        aws.rds.modify_db_cluster(DBClusterIdentifier="changing", CopyTagsToSnapshot=False)
        code, message = refusal(
            aws.rds.modify_db_cluster, DBClusterIdentifier="changing", CopyTagsToSnapshot=True
        )
        assert (code, "modifying" in message) == ("InvalidDBClusterStateFault", True)
        aws.wait_cluster("changing")

    def test_given_password(self, aws: Any, cluster: dict[str, Any]) -> None:
        hostile = r"""a'b\c;--%$1"""
        self.modify(aws, MasterUserPassword=hostile)
        aws.login(cluster, "dbadmin", hostile).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            aws.login(cluster, "dbadmin", PASSWORD)
        log = (aws.settings.logs / "postgres-changing.log").read_text()
        assert hostile not in log

    def test_more_capacity_needs_a_reboot(self, aws: Any) -> None:
        cluster = aws.create("growing", members=2)

        def connections() -> int:
            with aws.login(cluster, "dbadmin", PASSWORD) as session:
                return int(session.execute("SHOW max_connections").fetchone()[0])

        def states() -> list[str]:
            members = aws.cluster("growing")["DBClusterMembers"]
            return [one["DBClusterParameterGroupStatus"] for one in members]

        assert (connections(), states()) == (400, ["in-sync", "in-sync"])
        aws.rds.modify_db_cluster(
            DBClusterIdentifier="growing", ServerlessV2ScalingConfiguration={"MaxCapacity": 4}
        )
        aws.wait_cluster("growing")
        assert (connections(), states()) == (400, ["pending-reboot", "pending-reboot"])
        for member in ("growing-2", "growing-1"):
            aws.rds.reboot_db_instance(DBInstanceIdentifier=member)
            aws.wait_member(member)
        assert (connections(), states()) == (823, ["in-sync", "in-sync"])


class TestManagedPassword:
    def test_rotation(self, aws: Any, refusal: Any) -> None:
        cluster = aws.create("rotating", MasterUserPassword=None, ManageMasterUserPassword=True)
        assert cluster["MasterUserSecret"]["SecretStatus"] == "active"
        first = aws.master(cluster)
        aws.login(cluster, first["username"], first["password"]).close()
        code, message = refusal(
            aws.rds.modify_db_cluster, DBClusterIdentifier="rotating", RotateMasterUserPassword=True
        )
        assert (code, "ApplyImmediately" in message) == ("InvalidParameterCombination", True)
        aws.rds.modify_db_cluster(
            DBClusterIdentifier="rotating", RotateMasterUserPassword=True, ApplyImmediately=True
        )
        aws.wait_cluster("rotating")
        second = aws.master(cluster)
        aws.secretsmanager.rotate_secret(SecretId=cluster["MasterUserSecret"]["SecretArn"])
        aws.wait_cluster("rotating")
        third = aws.master(cluster)
        assert len({one["password"] for one in (first, second, third)}) == 3
        aws.login(cluster, third["username"], third["password"]).close()
        with pytest.raises(psycopg.OperationalError):
            aws.login(cluster, first["username"], first["password"])

    def test_from_given_to_managed_and_back(self, aws: Any, refusal: Any) -> None:
        aws.create("switching")
        aws.rds.modify_db_cluster(DBClusterIdentifier="switching", ManageMasterUserPassword=True)
        cluster = aws.wait_cluster("switching")
        master = aws.master(cluster)
        aws.login(cluster, "dbadmin", master["password"]).close()
        code, _message = refusal(
            aws.rds.modify_db_cluster, DBClusterIdentifier="switching", MasterUserPassword=PASSWORD
        )
        assert code == "InvalidParameterCombination"
        aws.rds.modify_db_cluster(
            DBClusterIdentifier="switching", ManageMasterUserPassword=False, MasterUserPassword=PASSWORD
        )
        assert "MasterUserSecret" not in aws.wait_cluster("switching")
        aws.login(cluster, "dbadmin", PASSWORD).close()
