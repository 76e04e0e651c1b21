"""aurora_cluster against the laboratory's AWS; every change is seen by boto3, the database by a login."""

from __future__ import annotations

import json
import typing as t

import psycopg
import pytest
from ansible_collections.eks_observability.stack.plugins.modules.aurora_cluster import main

from tests.unit.plugins.conftest import settled

PASSWORD = "a-long-Password-of-the-master"
WAIT = 60
MONITORING = "arn:aws:iam::123456789012:role/rds-monitoring"
OTHER_GROUP = "(another one)"


class Rds:
    """An administrator's view of one cluster."""

    def __init__(self, aws: t.Any, cluster_id: str) -> None:
        self.client, self.cluster_id, self.authority = aws.client("rds"), cluster_id, aws.authority
        self.secrets, self.ec2 = aws.client("secretsmanager"), aws.client("ec2")

    @property
    def exists(self) -> bool:
        clusters = self.client.describe_db_clusters()["DBClusters"]
        return self.cluster_id in [cluster["DBClusterIdentifier"] for cluster in clusters]

    @property
    def cluster(self) -> dict[str, t.Any]:
        answer = self.client.describe_db_clusters(DBClusterIdentifier=self.cluster_id)
        cluster: dict[str, t.Any] = answer["DBClusters"][0]
        return cluster

    @property
    def members(self) -> dict[str, tuple[bool, int]]:
        """(is the writer, tier) by name."""
        return {
            member["DBInstanceIdentifier"]: (member["IsClusterWriter"], member["PromotionTier"])
            for member in self.cluster["DBClusterMembers"]
        }

    @property
    def tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.cluster["TagList"]}

    @property
    def everything(self) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
        """Cluster and members, but for what passes by itself."""
        filters = [{"Name": "db-cluster-id", "Values": [self.cluster_id]}]
        members = self.client.describe_db_instances(Filters=filters)["DBInstances"]
        cluster = {key: value for key, value in self.cluster.items() if key != "LatestRestorableTime"}
        return cluster, members

    @property
    def default_groups(self) -> list[str]:
        """The security group that a cluster gets by itself."""
        (group,) = self.groups("default")
        return [group]

    def groups(self, name: str) -> list[str]:
        found = self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])
        default = next(vpc["VpcId"] for vpc in self.ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"])
        return [one["GroupId"] for one in found["SecurityGroups"] if one["VpcId"] == default]

    @property
    def family(self) -> str:
        family: str = self.client.describe_db_engine_versions()["DBEngineVersions"][0][
            "DBParameterGroupFamily"
        ]
        return family

    @property
    def default_parameters(self) -> str:
        return f"default.{self.family}"

    def another(self, option: str) -> t.Any:
        """Another group than the cluster's, made for it."""
        if option == "DBClusterParameterGroupName":
            self.client.create_db_cluster_parameter_group(
                DBClusterParameterGroupName="other", DBParameterGroupFamily=self.family, Description="other"
            )
            return "other"
        return [self.ec2.create_security_group(GroupName="other", Description="other")["GroupId"]]

    def drift(self, change: dict[str, t.Any]) -> None:
        """What somebody does by hand."""
        member, arn = f"{self.cluster_id}-1", self.cluster["DBClusterArn"]
        if "Member" in change:
            self.client.modify_db_instance(
                DBInstanceIdentifier=member, ApplyImmediately=True, **change["Member"]
            )
        elif "HttpEndpoint" in change:
            self.client.disable_http_endpoint(ResourceArn=arn)
        elif "Tags" in change or "MemberTags" in change:
            tags = change.get("Tags") or change["MemberTags"]
            target = arn if "Tags" in change else arn.replace(":cluster:", ":db:") + "-1"
            self.client.add_tags_to_resource(
                ResourceName=target, Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
            )
        else:
            self.modify(
                **{key: self.another(key) if value == OTHER_GROUP else value for key, value in change.items()}
            )
        settled(self.client, self.cluster_id)

    def modify(self, **changes: t.Any) -> None:
        self.client.modify_db_cluster(DBClusterIdentifier=self.cluster_id, ApplyImmediately=True, **changes)

    def login(self, password: str | None = None) -> None:
        """Log in as the master, by default with the password that RDS manages."""
        cluster = self.cluster
        if password is None:
            arn = cluster["MasterUserSecret"]["SecretArn"]
            password = json.loads(self.secrets.get_secret_value(SecretId=arn)["SecretString"])["password"]
        with psycopg.connect(
            host=cluster["Endpoint"],
            port=cluster["Port"],
            user=cluster["MasterUsername"],
            password=password,
            dbname=cluster["DatabaseName"],
            sslmode="verify-full",
            sslrootcert=self.authority,
        ) as connection:
            connection.execute("SELECT 1")


@pytest.fixture
def rds(aws: t.Any, name: str) -> Rds:
    return Rds(aws, name)


def asked(rds: Rds, **more: t.Any) -> dict[str, t.Any]:
    return {
        "cluster_id": rds.cluster_id,
        "engine_version": "15",
        "database_name": "app",
        "master_username": "dbadmin",
        "manage_master_user_password": True,
        "scaling": {"min_capacity": 0.5, "max_capacity": 2},
        "members": [{"instance_id": f"{rds.cluster_id}-1", "promotion_tier": 1}],
        "wait_timeout": WAIT,
        **more,
    }


def test_the_life_of_a_cluster(run: t.Any, rds: Rds) -> None:
    first, second = f"{rds.cluster_id}-1", f"{rds.cluster_id}-2"
    wish = asked(
        rds,
        scaling={"min_capacity": 0, "max_capacity": 2, "seconds_until_auto_pause": 600},
        members=[{"instance_id": first}, {"instance_id": second, "promotion_tier": 3}],
        backup_retention_period=3,
        preferred_maintenance_window="Sun:03:30-Sun:04:30",
        deletion_protection=True,
        enable_http_endpoint=True,
        enabled_cloudwatch_logs_exports=["postgresql"],
        tags={"project": "demo"},
    )
    assert run(main, check=True, **wish)["changed"]
    assert not rds.exists
    results = run.matrix(main, **wish)
    assert rds.cluster["EngineMode"] == "provisioned"
    assert rds.cluster["ServerlessV2ScalingConfiguration"] == {
        "MinCapacity": 0.0,
        "MaxCapacity": 2.0,
        "SecondsUntilAutoPause": 600,
    }
    assert rds.cluster["HttpEndpointEnabled"]
    assert rds.cluster["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert rds.members == {first: (True, 1), second: (False, 3)}
    assert rds.tags == {"project": "demo"}
    rds.login()
    predicted, made = results[0]["cluster"], results[1]["cluster"]
    assert predicted.keys() == made.keys()
    only_aws_knows = (
        "arn",
        "resource_id",
        "endpoint",
        "reader_endpoint",
        "master_user_secret_arn",
        "members",
    )
    assert {key: value for key, value in predicted.items() if key not in only_aws_knows} == {
        key: value for key, value in made.items() if key not in only_aws_knows
    }
    assert results[0]["diff"] == results[1]["diff"]

    changes = {
        "cluster_id": rds.cluster_id,
        "scaling": {"max_capacity": 4},
        "backup_retention_period": 5,
        "enable_http_endpoint": False,
        "enabled_cloudwatch_logs_exports": [],
        "members": [{"instance_id": second, "promotion_tier": 0}],
        "tags": {"team": "db"},
        "wait_timeout": WAIT,
    }
    results = run.matrix(main, **changes)
    assert sorted(results[0]["changes"]) == sorted(changes.keys() - {"cluster_id", "wait_timeout"})
    assert rds.cluster["ServerlessV2ScalingConfiguration"]["MaxCapacity"] == 4.0
    assert rds.cluster["ServerlessV2ScalingConfiguration"]["SecondsUntilAutoPause"] == 600
    assert rds.cluster["BackupRetentionPeriod"] == 5
    assert not rds.cluster["HttpEndpointEnabled"]
    assert rds.cluster["DeletionProtection"], "what the task left out stays"
    assert rds.members == {second: (True, 0)}
    assert rds.tags == {"team": "db"}

    rds.client.modify_db_instance(DBInstanceIdentifier=second, PubliclyAccessible=True, ApplyImmediately=True)
    settled(rds.client, rds.cluster_id)
    results = run.matrix(main, **changes)
    assert results[0]["diff"]["before"] == {"members": {second: {"publicly_accessible": True}}}
    assert results[0]["diff"]["after"] == {"members": {second: {"publicly_accessible": False}}}

    said = run.failure(main, cluster_id=rds.cluster_id, state="absent")
    assert "protected against deletion. Set allow_unprotect" in said
    assert run.calls.mutating == []
    results = run.matrix(
        main, cluster_id=rds.cluster_id, state="absent", allow_unprotect=True, wait_timeout=WAIT
    )
    assert not rds.exists
    snapshot = rds.client.describe_db_cluster_snapshots(
        DBClusterSnapshotIdentifier=results[1]["final_snapshot_id"]
    )["DBClusterSnapshots"][0]
    assert snapshot["Status"] == "available"


def test_a_given_password_is_only_sent_when_the_cluster_is_made(run: t.Any, rds: Rds) -> None:
    wish = asked(rds, manage_master_user_password=False, master_user_password=PASSWORD, members=[])
    results = run.matrix(main, **wish)
    assert PASSWORD not in json.dumps(results)
    rds.login(PASSWORD)
    other = f"other-{PASSWORD}"
    assert not run(main, **{**wish, "master_user_password": other})["changed"]
    result = run(main, **{**wish, "master_user_password": other}, update_password="always")
    assert result["changes"] == ["master_user_password"]
    assert other not in json.dumps(result)
    rds.login(other)


def test_a_killed_run_is_finished_by_the_next(run: t.Any, rds: Rds) -> None:
    rds.client.create_db_cluster(
        DBClusterIdentifier=rds.cluster_id,
        Engine="aurora-postgresql",
        MasterUsername="dbadmin",
        ManageMasterUserPassword=True,
        DatabaseName="app",
        ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 2},
    )
    assert rds.cluster["Status"] == "creating"
    result = run(main, **asked(rds))
    assert result["changes"] == ["members"]
    assert rds.members == {f"{rds.cluster_id}-1": (True, 1)}
    assert not run(main, **asked(rds))["changed"]


def test_a_provisioned_cluster_gets_its_first_range(run: t.Any, rds: Rds) -> None:
    wish = asked(rds, members=[])
    run(main, **{key: value for key, value in wish.items() if key != "scaling"})
    assert "ServerlessV2ScalingConfiguration" not in rds.cluster
    run.matrix(main, **wish)
    assert rds.cluster["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 2.0}


@pytest.fixture(scope="module")
def lasting(laboratory: t.Any) -> Rds:
    """One cluster for the tests that leave it as it was."""
    return Rds(laboratory, "lasting")


@pytest.fixture
def made(run: t.Any, aws: t.Any, lasting: Rds) -> dict[str, t.Any]:
    wish = asked(
        lasting,
        backup_retention_period=3,
        deletion_protection=False,
        copy_tags_to_snapshot=True,
        enable_iam_database_authentication=True,
        enable_http_endpoint=True,
        enabled_cloudwatch_logs_exports=["postgresql"],
        preferred_backup_window="02:00-03:00",
        preferred_maintenance_window="sun:04:00-sun:05:00",
        vpc_security_group_ids=lasting.default_groups,
        db_cluster_parameter_group_name=lasting.default_parameters,
        storage_type="aurora",
        network_type="IPV4",
        engine_lifecycle_support="open-source-rds-extended-support-disabled",
        auto_minor_version_upgrade=False,
        database_insights_mode="advanced",
        enable_performance_insights=True,
        performance_insights_retention_period=465,
        monitoring_interval=60,
        monitoring_role_arn=MONITORING,
        ca_certificate_identifier="rds-ca-rsa2048-g1",
        tags={"project": "demo"},
    )
    run(main, **wish)
    return wish


@pytest.mark.parametrize(
    ("drift", "option"),
    [
        pytest.param({"BackupRetentionPeriod": 1}, "backup_retention_period", id="backups"),
        pytest.param({"DeletionProtection": True}, "deletion_protection", id="protection"),
        pytest.param(
            {"PreferredMaintenanceWindow": "mon:04:00-mon:05:00"},
            "preferred_maintenance_window",
            id="maintenance",
        ),
        pytest.param(
            {"CloudwatchLogsExportConfiguration": {"DisableLogTypes": ["postgresql"]}},
            "enabled_cloudwatch_logs_exports",
            id="logs",
        ),
        pytest.param({"VpcSecurityGroupIds": OTHER_GROUP}, "vpc_security_group_ids", id="security groups"),
        pytest.param(
            {"DBClusterParameterGroupName": OTHER_GROUP}, "db_cluster_parameter_group_name", id="parameters"
        ),
        pytest.param({"StorageType": "aurora-iopt1"}, "storage_type", id="storage"),
        pytest.param({"NetworkType": "DUAL"}, "network_type", id="network"),
        pytest.param(
            {"EngineLifecycleSupport": "open-source-rds-extended-support"},
            "engine_lifecycle_support",
            id="support",
        ),
        pytest.param({"AutoMinorVersionUpgrade": True}, "auto_minor_version_upgrade", id="minor versions"),
        pytest.param({"DatabaseInsightsMode": "standard"}, "database_insights_mode", id="insights"),
        pytest.param(
            {"PerformanceInsightsRetentionPeriod": 731},
            "performance_insights_retention_period",
            id="how long insights are kept",
        ),
        pytest.param(
            {"MonitoringInterval": 30, "MonitoringRoleArn": MONITORING},
            "monitoring_interval",
            id="monitoring",
        ),
        pytest.param(
            {"MonitoringRoleArn": f"{MONITORING}-2"}, "monitoring_role_arn", id="role of the monitoring"
        ),
        pytest.param({"HttpEndpoint": False}, "enable_http_endpoint", id="Data API"),
        pytest.param({"Tags": {"project": "other"}}, "tags", id="tags of the cluster"),
        pytest.param({"MemberTags": {"project": "other"}}, "tags", id="tags of a member"),
        pytest.param({"Member": {"PromotionTier": 9}}, "members", id="tier of a member"),
        pytest.param(
            {"Member": {"CACertificateIdentifier": "rds-ca-ecc384-g1"}}, "members", id="authority of a member"
        ),
        pytest.param({"CopyTagsToSnapshot": False}, "copy_tags_to_snapshot", id="tags of snapshots"),
        pytest.param({"PreferredBackupWindow": "05:00-06:00"}, "preferred_backup_window", id="window"),
        pytest.param(
            {"EnableIAMDatabaseAuthentication": False}, "enable_iam_database_authentication", id="IAM logins"
        ),
        pytest.param(
            {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 8}},
            "scaling",
            id="range",
        ),
    ],
)
def test_drift_is_named_and_repaired_and_nothing_else_is_touched(
    run: t.Any, lasting: Rds, made: dict[str, t.Any], drift: dict[str, t.Any], option: str
) -> None:
    before = lasting.everything
    lasting.drift(drift)
    assert lasting.everything != before
    results = run.matrix(main, **made)
    assert results[0]["changes"] == results[1]["changes"] == [option]
    assert list(results[0]["diff"]["before"]) == [option]
    assert lasting.everything == before


def test_a_repeated_run_reads_with_two_calls(run: t.Any, made: dict[str, t.Any]) -> None:
    run(main, check=True, **made)
    assert [call.operation for call in run.calls] == ["DescribeDBClusters", "DescribeDBInstances"]


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
@pytest.mark.parametrize(
    ("wish", "words"),
    [
        pytest.param({"engine_version": "14.1"}, "14.1 cannot be reached from 15.", id="downgrade"),
        pytest.param({"engine_version": "99"}, "99 cannot be reached from 15.", id="unknown version"),
        pytest.param({"database_name": "other"}, "database_name is 'app', not 'other'", id="fixed property"),
        pytest.param({"scaling": {"min_capacity": 0.3}}, "min_capacity is 0.3", id="no half step"),
    ],
)
def test_mistakes_change_nothing(
    run: t.Any, made: dict[str, t.Any], wish: dict[str, t.Any], words: str, check: bool
) -> None:
    assert words in run.failure(main, check=check, **{**made, **wish})
    assert run.calls.mutating == []


def test_a_new_cluster_of_an_unknown_version_is_refused_with_those_offered(run: t.Any, rds: Rds) -> None:
    assert "engine_version 99 is not offered in this region. Choose one of: 15." in run.failure(
        main, check=True, **asked(rds, engine_version="99")
    )


def test_the_last_state_is_in_a_timeout(run: t.Any, rds: Rds) -> None:
    said = run.failure(main, **asked(rds, wait_timeout=0))
    assert f"Waited 0 s for cluster {rds.cluster_id}; last seen: cluster {rds.cluster_id} creating" in said
    assert run(main, **asked(rds))["changed"]


def test_what_is_not_there_needs_no_deletion(run: t.Any, rds: Rds) -> None:
    for check in (True, False):
        assert not run(main, check=check, cluster_id=rds.cluster_id, state="absent")["changed"]


def test_an_old_version_cannot_pause_until_it_is_upgraded(run: t.Any, rds: Rds) -> None:
    old = next(
        version["EngineVersion"]
        for version in rds.client.describe_db_engine_versions()["DBEngineVersions"]
        if version["ServerlessV2FeaturesSupport"]["MinCapacity"] > 0
    )
    sleepy = {"scaling": {"min_capacity": 0, "max_capacity": 2}}
    for check in (True, False):
        said = run.failure(main, check=check, **asked(rds, engine_version=old, **sleepy))
        assert f"Aurora PostgreSQL {old} cannot pause, its smallest minimum is 0.5 ACU" in said
        assert run.calls.mutating == []
    run(main, **asked(rds, engine_version=old))
    assert not run(main, **asked(rds))["changed"], "an existing cluster of this major version stays as it is"
    newest = rds.client.describe_db_engine_versions()["DBEngineVersions"][-1]["EngineVersion"]
    results = run.matrix(main, **asked(rds, engine_version=newest, **sleepy))
    assert results[0]["changes"] == ["engine_version", "scaling"]
    assert rds.cluster["EngineVersion"] == newest
    assert f"Choose {newest} or one of: none" in run.failure(main, **asked(rds, engine_version=old))


def test_the_password_of_the_master_can_come_from_a_document(run: t.Any, rds: Rds, name: str) -> None:
    document = f"{name}-master"
    wish = asked(rds, manage_master_user_password=False, master_user_secret_id=document)
    assert "has no password" in run.failure(main, **wish)
    arn = rds.secrets.create_secret(Name=document, SecretString=json.dumps({"password": PASSWORD}))["ARN"]
    results = run.matrix(main, **wish)
    assert results[1]["cluster"]["master_user_secret_arn"] == arn
    assert PASSWORD not in json.dumps(results)
    rds.login(PASSWORD)
    run.matrix(main, **asked(rds))
    rds.login()
    run.matrix(main, **wish)
    rds.login(PASSWORD)


def test_rds_makes_a_new_password_when_asked(run: t.Any, made: dict[str, t.Any], lasting: Rds) -> None:
    def password() -> str:
        arn = lasting.cluster["MasterUserSecret"]["SecretArn"]
        value = json.loads(lasting.secrets.get_secret_value(SecretId=arn)["SecretString"])
        return str(value["password"])

    before = password()
    assert run(main, check=True, rotate_master_user_password=True, **made)["changed"]
    assert password() == before
    result = run(main, rotate_master_user_password=True, **made)
    assert result["changes"] == ["master_user_password"]
    assert password() != before
    lasting.login()


def test_a_killed_deletion_is_waited_for_and_its_snapshot_named(run: t.Any, rds: Rds) -> None:
    def found_while_it_is_deleted(**how: t.Any) -> t.Any:
        run(main, **asked(rds, members=[]))
        # It lasts a moment, so it begins when the module looks.
        run.calls.before["DescribeDBClusters"] = lambda: rds.client.delete_db_cluster(
            DBClusterIdentifier=rds.cluster_id, **how
        )
        return run(main, cluster_id=rds.cluster_id, state="absent", wait_timeout=WAIT)

    snapshot = f"{rds.cluster_id}-final-20261122101500"
    result = found_while_it_is_deleted(FinalDBSnapshotIdentifier=snapshot)
    assert (result["changed"], result["final_snapshot_id"]) == (False, snapshot)
    assert not rds.exists
    result = found_while_it_is_deleted(SkipFinalSnapshot=True)
    assert result["final_snapshot_id"] is None, "that of an earlier cluster of this name is not its own"
