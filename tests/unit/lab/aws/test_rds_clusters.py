"""Clusters: what is refused, what is answered, and how their status changes."""

from __future__ import annotations

import time
from typing import Any

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
    for wish in ({}, {"EngineVersion": postgres.major}, {"DBParameterGroupFamily": family}):
        old, found = versions(Engine="aurora-postgresql", **wish)
        assert (found["EngineVersion"], found["DBParameterGroupFamily"]) == (postgres.version, family)
        assert found["ServerlessV2FeaturesSupport"] == {"MinCapacity": 0.0, "MaxCapacity": 256.0}
        assert old["ServerlessV2FeaturesSupport"]["MinCapacity"] == 0.5
        assert [target["EngineVersion"] for target in old["ValidUpgradeTarget"]] == [postgres.version]
    (default,) = versions(Engine="aurora-postgresql", DefaultOnly=True)
    assert default["EngineVersion"] == postgres.version
    assert versions(Engine="aurora-postgresql", EngineVersion="9.6") == []
    assert versions(Engine="mysql") == []


def test_orderable_options(aws: Any, postgres: Any) -> None:
    _old, option = aws.rds.describe_orderable_db_instance_options(Engine="aurora-postgresql")[
        "OrderableDBInstanceOptions"
    ]
    assert (option["DBInstanceClass"], option["EngineVersion"]) == ("db.serverless", postgres.version)
    others = aws.rds.describe_orderable_db_instance_options(
        Engine="aurora-postgresql", DBInstanceClass="db.r6g.large"
    )
    assert others["OrderableDBInstanceOptions"] == []


def test_an_old_version_cannot_pause_and_goes_up_only(aws: Any, refusal: Any, postgres: Any) -> None:
    old = f"{postgres.major}.1"
    aws.create("old", EngineVersion=old)
    sleepy = {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0, "MaxCapacity": 2}}
    change = {"DBClusterIdentifier": "old", "ApplyImmediately": True}
    assert "between 0.5 and" in refusal(aws.rds.modify_db_cluster, **change, **sleepy)[1]
    aws.rds.modify_db_cluster(**change, EngineVersion=postgres.version)
    assert aws.wait_cluster("old")["EngineVersion"] == postgres.version
    aws.rds.modify_db_cluster(**change, **sleepy)
    aws.wait_cluster("old")
    assert "upgrade path" in refusal(aws.rds.modify_db_cluster, **change, EngineVersion=old)[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"DatabaseInsightsMode": "advanced"}, "Performance Insights", id="insights alone"),
        pytest.param({"MonitoringInterval": 60}, "MonitoringRoleARN", id="monitoring without a role"),
    ],
)
def test_what_belongs_together_comes_together(
    aws: Any, refusal: Any, shared: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    code, message = refusal(aws.rds.modify_db_cluster, DBClusterIdentifier="shared", **change)
    assert (code, words in message) == ("InvalidParameterCombination", True)


def test_a_proxy_has_a_cluster_behind_it(aws: Any, shared: dict[str, Any], network: dict[str, Any]) -> None:
    aws.rds.create_db_proxy(
        DBProxyName="pool",
        EngineFamily="POSTGRESQL",
        Auth=[],
        RoleArn="arn:aws:iam::123456789012:role/pool",
        VpcSubnetIds=network["subnetIds"],
    )
    aws.rds.register_db_proxy_targets(DBProxyName="pool", DBClusterIdentifiers=["shared"])
    (target,) = aws.rds.describe_db_proxy_targets(DBProxyName="pool")["Targets"]
    assert (target["RdsResourceId"], target["Type"]) == ("shared", "TRACKED_CLUSTER")
    aws.rds.delete_db_proxy(DBProxyName="pool")


def test_a_changed_subnet_group_stays(aws: Any, network: dict[str, Any]) -> None:
    group = {"DBSubnetGroupName": "changing", "DBSubnetGroupDescription": "one"}
    aws.rds.create_db_subnet_group(**group, SubnetIds=network["subnetIds"])
    aws.rds.modify_db_subnet_group(
        **{**group, "DBSubnetGroupDescription": "two"}, SubnetIds=network["subnetIds"][:2]
    )
    (found,) = aws.rds.describe_db_subnet_groups(DBSubnetGroupName="changing")["DBSubnetGroups"]
    assert (found["DBSubnetGroupDescription"], len(found["Subnets"])) == ("two", 2)


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
