"""Clusters: what is refused, what is answered, and how their status changes."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

PASSWORD = "right-Password-1"


@pytest.fixture(scope="module")
def foreign_group(aws: Any) -> str:
    """A parameter group of another major version."""
    aws.rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="foreign", DBParameterGroupFamily="aurora-postgresql11", Description="x"
    )
    return "foreign"


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        pytest.param(
            {"DBClusterIdentifier": "shared"}, "DBClusterAlreadyExistsFault", "exists", id="taken name"
        ),
        pytest.param(
            {"DBClusterIdentifier": "a--b"}, "InvalidParameterValue", "identifier", id="two hyphens"
        ),
        pytest.param(
            {"Engine": "aurora-mysql"}, "InvalidParameterValue", "Invalid DB engine", id="other engine"
        ),
        pytest.param(
            {"EngineVersion": "9.6"}, "InvalidParameterCombination", "Cannot find version", id="version"
        ),
        pytest.param({"MasterUsername": "rdsadmin"}, "InvalidParameterValue", "reserved", id="reserved user"),
        pytest.param(
            {"MasterUserPassword": None}, "InvalidParameterValue", "must be provided", id="no password"
        ),
        pytest.param(
            {"MasterUserPassword": "short"}, "InvalidParameterValue", "shorter than 8", id="short password"
        ),
        pytest.param(
            {"MasterUserPassword": "with@at-sign"}, "InvalidParameterValue", "ASCII", id="illegal character"
        ),
        pytest.param(
            {"ManageMasterUserPassword": True},
            "InvalidParameterCombination",
            "enabled",
            id="given and managed",
        ),
        pytest.param(
            {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.3, "MaxCapacity": 1}},
            "InvalidParameterValue",
            "half steps",
            id="capacity",
        ),
        pytest.param(
            {"DBClusterParameterGroupName": "nope"},
            "DBClusterParameterGroupNotFound",
            "nope",
            id="parameter group",
        ),
        pytest.param(
            {"DBClusterParameterGroupName": "foreign"},
            "InvalidParameterCombination",
            "Family",
            id="group's family",
        ),
        pytest.param({"DBSubnetGroupName": "nope"}, "DBSubnetGroupNotFoundFault", "nope", id="subnet group"),
        pytest.param({"VpcSecurityGroupIds": ["sg-1"]}, "InvalidParameterValue", "sg-1", id="security group"),
        pytest.param(
            {"EnableCloudwatchLogsExports": ["audit"]}, "InvalidParameterCombination", "audit", id="log type"
        ),
        pytest.param(
            {"BackupRetentionPeriod": 36}, "InvalidParameterValue", "between 1 and 35", id="retention"
        ),
        pytest.param({"Port": 80}, "InvalidParameterValue", "between 1150", id="port"),
        pytest.param({"PreferredBackupWindow": "soon"}, "InvalidParameterValue", "soon", id="backup window"),
        pytest.param(
            {"PreferredMaintenanceWindow": "sun"}, "InvalidParameterValue", "sun", id="maintenance window"
        ),
        pytest.param(
            {"CACertificateIdentifier": "my-ca"}, "InvalidParameterValue", "my-ca", id="certificate"
        ),
        pytest.param(
            {"BacktrackWindow": 5},
            "InvalidParameterCombination",
            "does not know BacktrackWindow",
            id="unknown",
        ),
    ],
)
def test_refused_creation(
    aws: Any,
    refusal: Any,
    arguments: Any,
    shared: dict[str, Any],
    foreign_group: str,
    changes: dict[str, Any],
    code: str,
    text: str,
) -> None:
    found, message = refusal(aws.rds.create_db_cluster, **arguments("refused", **changes))
    assert (found, text in message) == (code, True), message
    assert "refused" not in {
        one["DBClusterIdentifier"] for one in aws.rds.describe_db_clusters()["DBClusters"]
    }


def test_security_group_of_another_vpc(
    aws: Any, refusal: Any, arguments: Any, network: dict[str, Any]
) -> None:
    vpc = aws.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = aws.ec2.create_security_group(GroupName="far", Description="far", VpcId=vpc)["GroupId"]
    wish = arguments("refused", DBSubnetGroupName=network["group"], VpcSecurityGroupIds=[group])
    code, message = refusal(aws.rds.create_db_cluster, **wish)
    assert (code, "different VPCs" in message) == ("InvalidParameterCombination", True)


def test_creation(aws: Any, arguments: Any, network: dict[str, Any], postgres: Any) -> None:
    tags = [{"Key": "project", "Value": "demo"}]
    wish = arguments(
        "Described",
        EngineVersion=postgres.major,
        DBSubnetGroupName=network["group"],
        VpcSecurityGroupIds=[network["clusterSecurityGroupId"]],
        BackupRetentionPeriod=7,
        PreferredBackupWindow="02:00-03:00",
        PreferredMaintenanceWindow="Mon:04:00-Mon:05:00",
        DeletionProtection=True,
        StorageEncrypted=True,
        EnableIAMDatabaseAuthentication=True,
        EnableCloudwatchLogsExports=["postgresql"],
        CopyTagsToSnapshot=True,
        ServerlessV2ScalingConfiguration={"MinCapacity": 0, "MaxCapacity": 2},
        Tags=tags,
    )
    started = time.monotonic()
    assert aws.rds.create_db_cluster(**wish)["DBCluster"]["Status"] == "creating"
    cluster = aws.wait_cluster("described")
    assert time.monotonic() - started >= aws.settings.transition_seconds
    expected = {
        "DBClusterArn": "arn:aws:rds:eu-central-1:123456789012:cluster:described",
        "Engine": "aurora-postgresql",
        "EngineVersion": postgres.version,
        "EngineMode": "provisioned",
        "DatabaseName": "app",
        "MasterUsername": "dbadmin",
        "Port": 5432,
        "DBSubnetGroup": "shared",
        "VpcSecurityGroups": [{"VpcSecurityGroupId": network["clusterSecurityGroupId"], "Status": "active"}],
        "DBClusterParameterGroup": f"default.aurora-postgresql{postgres.major}",
        "BackupRetentionPeriod": 7,
        "PreferredBackupWindow": "02:00-03:00",
        "PreferredMaintenanceWindow": "mon:04:00-mon:05:00",
        "DeletionProtection": True,
        "StorageEncrypted": True,
        "IAMDatabaseAuthenticationEnabled": True,
        "EnabledCloudwatchLogsExports": ["postgresql"],
        "CopyTagsToSnapshot": True,
        "HttpEndpointEnabled": False,
        "ServerlessV2ScalingConfiguration": {
            "MinCapacity": 0.0,
            "MaxCapacity": 2.0,
            "SecondsUntilAutoPause": 300,
        },
        "TagList": tags,
        "DBClusterMembers": [],
    }
    assert {name: cluster[name] for name in expected} == expected
    assert cluster["Endpoint"].startswith("127.54.")
    assert cluster["DbClusterResourceId"].startswith("cluster-")
    assert cluster["KmsKeyId"].startswith("arn:aws:kms:")
    assert "MasterUserSecret" not in cluster
    aws.login(cluster, "dbadmin", PASSWORD).close()


def test_default_security_group_is_the_vpcs(aws: Any, network: dict[str, Any], plain: dict[str, Any]) -> None:
    (group,) = plain["VpcSecurityGroups"]
    found = aws.ec2.describe_security_groups(GroupIds=[group["VpcSecurityGroupId"]])["SecurityGroups"][0]
    assert (found["GroupName"], found["VpcId"]) == ("default", network["vpcId"])


def test_lookup_by_name_arn_and_filter(aws: Any, refusal: Any, shared: dict[str, Any]) -> None:
    for identifier in ("SHARED", shared["DBClusterArn"]):
        assert aws.cluster(identifier)["DBClusterIdentifier"] == "shared"
    filters = [{"Name": "db-cluster-id", "Values": ["shared"]}]
    assert len(aws.rds.describe_db_clusters(Filters=filters)["DBClusters"]) == 1
    assert refusal(aws.rds.describe_db_clusters, DBClusterIdentifier="nope") == (
        "DBClusterNotFoundFault",
        "DBCluster nope not found.",
    )


def test_tags(aws: Any, shared: dict[str, Any]) -> None:
    arn = shared["DBClusterArn"]
    aws.rds.add_tags_to_resource(
        ResourceName=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    )
    aws.rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])
    assert aws.rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "b", "Value": "2"}]
    assert aws.cluster("shared")["TagList"] == [{"Key": "b", "Value": "2"}]


def test_engine_versions(aws: Any, postgres: Any) -> None:
    def versions(**wish: Any) -> list[dict[str, Any]]:
        return list(aws.rds.describe_db_engine_versions(**wish)["DBEngineVersions"])

    family = f"aurora-postgresql{postgres.major}"
    for wish in (
        {},
        {"EngineVersion": postgres.major},
        {"DBParameterGroupFamily": family},
        {"DefaultOnly": True},
    ):
        (found,) = versions(Engine="aurora-postgresql", **wish)
        assert (found["EngineVersion"], found["DBParameterGroupFamily"]) == (postgres.version, family)
        assert found["ServerlessV2FeaturesSupport"] == {"MinCapacity": 0.0, "MaxCapacity": 256.0}
    assert versions(Engine="aurora-postgresql", EngineVersion="9.6") == []
    assert versions(Engine="mysql") == []


def test_orderable_options(aws: Any, postgres: Any) -> None:
    (option,) = aws.rds.describe_orderable_db_instance_options(Engine="aurora-postgresql")[
        "OrderableDBInstanceOptions"
    ]
    assert (option["DBInstanceClass"], option["EngineVersion"]) == ("db.serverless", postgres.version)
    others = aws.rds.describe_orderable_db_instance_options(
        Engine="aurora-postgresql", DBInstanceClass="db.r6g.large"
    )
    assert others["OrderableDBInstanceOptions"] == []


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
        found, _ = refusal(aws.rds.modify_db_cluster, DBClusterIdentifier="changing", **wish)
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
        code, _ = refusal(
            aws.rds.modify_db_cluster, DBClusterIdentifier="switching", MasterUserPassword=PASSWORD
        )
        assert code == "InvalidParameterCombination"
        aws.rds.modify_db_cluster(
            DBClusterIdentifier="switching", ManageMasterUserPassword=False, MasterUserPassword=PASSWORD
        )
        assert "MasterUserSecret" not in aws.wait_cluster("switching")
        aws.login(cluster, "dbadmin", PASSWORD).close()


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

        code, _ = refusal(delete, DBClusterIdentifier="plain", FinalDBSnapshotIdentifier="doomed-final")
        assert code == "DBClusterSnapshotAlreadyExistsFault"
        rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="doomed-final")
        assert (
            refusal(rds.describe_db_cluster_snapshots, DBClusterSnapshotIdentifier="doomed-final")[0]
            == "DBClusterSnapshotNotFoundFault"
        )

    def test_groups_in_use_stay(
        self, aws: Any, refusal: Any, shared: dict[str, Any], network: dict[str, Any]
    ) -> None:
        code, _ = refusal(aws.rds.delete_db_subnet_group, DBSubnetGroupName=network["group"])
        assert code == "InvalidDBSubnetGroupStateFault"
        code, _ = refusal(aws.ec2.delete_security_group, GroupId=network["clusterSecurityGroupId"])
        assert code == "DependencyViolation"


def test_a_server_that_cannot_start_shows_in_the_status(aws: Any, arguments: Any) -> None:
    family = aws.rds.describe_db_engine_versions()["DBEngineVersions"][0]["DBParameterGroupFamily"]
    aws.rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="broken", DBParameterGroupFamily=family, Description="broken"
    )
    aws.rds.modify_db_cluster_parameter_group(
        DBClusterParameterGroupName="broken",
        Parameters=[{"ParameterName": "timezone", "ParameterValue": "Nowhere", "ApplyMethod": "immediate"}],
    )
    aws.rds.create_db_cluster(**arguments("broken", DBClusterParameterGroupName="broken"))
    aws.wait_cluster("broken", "incompatible-parameters")
    events = aws.rds.describe_events(SourceType="db-cluster", SourceIdentifier="broken")["Events"]
    assert any("Nowhere" in event["Message"] for event in events)
