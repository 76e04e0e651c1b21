"""What has to change for a cluster to become what the task asks for."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.errors import AuroraError
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.members import MemberWish
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.observed import Observed
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.planning import (
    ClusterWish,
    plan_change,
    plan_creation,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.predicted import predict
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.scaling import ScalingWish

PASSWORD = "a-long-Password-of-the-master"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1111-2222"


def instance(name: str, **more: t.Any) -> dict[str, t.Any]:
    return {
        "DBInstanceIdentifier": name,
        "DBInstanceArn": f"arn:{name}",
        "DBInstanceStatus": "available",
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "TagList": [{"Key": "project", "Value": "demo"}],
        **more,
    }


def observed(*members: tuple[str, bool, int], **more: t.Any) -> Observed:
    """A cluster as AWS answers; members are (name, is the writer, tier)."""
    cluster = {
        "DBClusterIdentifier": "demo",
        "DBClusterArn": "arn:demo",
        "Status": "available",
        "EngineVersion": "17.5",
        "DatabaseName": "app",
        "MasterUsername": "dbadmin",
        "DBSubnetGroup": "private",
        "DBClusterParameterGroup": "default.aurora-postgresql17",
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-2"}, {"VpcSecurityGroupId": "sg-1"}],
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4.0},
        "BackupRetentionPeriod": 7,
        "PreferredBackupWindow": "02:00-03:00",
        "PreferredMaintenanceWindow": "sun:03:30-sun:04:30",
        "DeletionProtection": True,
        "StorageEncrypted": True,
        "KmsKeyId": KEY,
        "HttpEndpointEnabled": True,
        "IAMDatabaseAuthenticationEnabled": True,
        "EnabledCloudwatchLogsExports": ["postgresql"],
        "CopyTagsToSnapshot": True,
        "Port": 5432,
        "NetworkType": "IPV4",
        "EngineLifecycleSupport": "open-source-rds-extended-support",
        "AutoMinorVersionUpgrade": True,
        "PerformanceInsightsEnabled": True,
        "PerformanceInsightsRetentionPeriod": 465,
        "PerformanceInsightsKMSKeyId": KEY,
        "MonitoringInterval": 60,
        "MonitoringRoleArn": "arn:monitoring",
        "TagList": [{"Key": "project", "Value": "demo"}, {"Key": "aws:rds:x", "Value": "y"}],
        "MasterUserSecret": {"SecretArn": "arn:secret", "SecretStatus": "active", "KmsKeyId": KEY},
        "DBClusterMembers": [
            {"DBInstanceIdentifier": name, "IsClusterWriter": writer, "PromotionTier": tier}
            for name, writer, tier in members
        ],
        **more,
    }
    return Observed(cluster, tuple(instance(name) for name, _writer, _tier in members))


def wish(**values: t.Any) -> ClusterWish:
    return ClusterWish("demo", values)


# One row per option: a value that the cluster has, spelt as a task may spell it, and one that it has not.
OPTIONS = [
    ("engine_version", "17.5", "17.6", {"EngineVersion": "17.6"}),
    ("manage_master_user_password", True, False, {"ManageMasterUserPassword": False}),
    ("master_user_secret_kms_key_id", "1111-2222", "3333", {"MasterUserSecretKmsKeyId": "3333"}),
    ("vpc_security_group_ids", ["sg-1", "sg-2"], ["sg-1"], {"VpcSecurityGroupIds": ["sg-1"]}),
    (
        "db_cluster_parameter_group_name",
        "Default.Aurora-PostgreSQL17",
        "demo",
        {"DBClusterParameterGroupName": "demo"},
    ),
    (
        "scaling",
        ScalingWish(max_capacity=4),
        ScalingWish(min_capacity=0),
        {
            "ServerlessV2ScalingConfiguration": {
                "MinCapacity": 0.0,
                "MaxCapacity": 4.0,
                "SecondsUntilAutoPause": 300,
            }
        },
    ),
    ("backup_retention_period", 7, 1, {"BackupRetentionPeriod": 1}),
    ("preferred_backup_window", "02:00-03:00", "04:00-05:00", {"PreferredBackupWindow": "04:00-05:00"}),
    (
        "preferred_maintenance_window",
        "Sun:03:30-Sun:04:30",
        "mon:03:30-mon:04:30",
        {"PreferredMaintenanceWindow": "mon:03:30-mon:04:30"},
    ),
    ("deletion_protection", True, False, {"DeletionProtection": False}),
    ("enable_http_endpoint", True, False, {}),
    ("enable_iam_database_authentication", True, False, {"EnableIAMDatabaseAuthentication": False}),
    (
        "enabled_cloudwatch_logs_exports",
        ["postgresql"],
        [],
        {"CloudwatchLogsExportConfiguration": {"EnableLogTypes": [], "DisableLogTypes": ["postgresql"]}},
    ),
    ("copy_tags_to_snapshot", True, False, {"CopyTagsToSnapshot": False}),
    ("port", 5432, 5433, {"Port": 5433}),
    ("storage_type", "aurora", "aurora-iopt1", {"StorageType": "aurora-iopt1"}),
    ("network_type", "IPV4", "DUAL", {"NetworkType": "DUAL"}),
    (
        "engine_lifecycle_support",
        "open-source-rds-extended-support",
        "open-source-rds-extended-support-disabled",
        {"EngineLifecycleSupport": "open-source-rds-extended-support-disabled"},
    ),
    ("auto_minor_version_upgrade", True, False, {"AutoMinorVersionUpgrade": False}),
    (
        "database_insights_mode",
        "standard",
        "advanced",
        {
            "DatabaseInsightsMode": "advanced",
            "EnablePerformanceInsights": True,
            "PerformanceInsightsRetentionPeriod": 465,
            "PerformanceInsightsKMSKeyId": KEY,
        },
    ),
    (
        "enable_performance_insights",
        True,
        False,
        {
            "DatabaseInsightsMode": "standard",
            "EnablePerformanceInsights": False,
            "PerformanceInsightsRetentionPeriod": 465,
            "PerformanceInsightsKMSKeyId": KEY,
        },
    ),
    (
        "performance_insights_retention_period",
        465,
        731,
        {
            "DatabaseInsightsMode": "standard",
            "EnablePerformanceInsights": True,
            "PerformanceInsightsRetentionPeriod": 731,
            "PerformanceInsightsKMSKeyId": KEY,
        },
    ),
    (
        "performance_insights_kms_key_id",
        "1111-2222",
        "3333",
        {
            "DatabaseInsightsMode": "standard",
            "EnablePerformanceInsights": True,
            "PerformanceInsightsRetentionPeriod": 465,
            "PerformanceInsightsKMSKeyId": "3333",
        },
    ),
    ("monitoring_interval", 60, 0, {"MonitoringInterval": 0, "MonitoringRoleArn": "arn:monitoring"}),
    (
        "monitoring_role_arn",
        "arn:monitoring",
        "arn:other",
        {"MonitoringInterval": 60, "MonitoringRoleArn": "arn:other"},
    ),
]


@pytest.mark.parametrize(("option", "same"), [pytest.param(*row[:2], id=row[0]) for row in OPTIONS])
def test_what_the_cluster_has_is_no_change(option: str, same: t.Any) -> None:
    plan = plan_change(wish(**{option: same}), observed())
    assert plan.changes == {}
    assert plan.modify == {}


@pytest.mark.parametrize(
    ("option", "other", "request_"), [pytest.param(row[0], *row[2:], id=row[0]) for row in OPTIONS]
)
def test_only_what_differs_is_sent(option: str, other: t.Any, request_: dict[str, t.Any]) -> None:
    plan = plan_change(wish(**{option: other}), observed())
    assert list(plan.changes) == [option]
    assert plan.modify == request_


def test_a_left_out_option_is_never_touched() -> None:
    assert plan_change(wish(), observed()).changes == {}


def test_the_http_endpoint_has_a_call_of_its_own() -> None:
    assert plan_change(wish(enable_http_endpoint=False), observed()).http_endpoint is False
    assert plan_change(wish(enable_http_endpoint=True), observed()).http_endpoint is None
    assert plan_change(wish(enable_http_endpoint=True), observed(HttpEndpointEnabled=None)).http_endpoint


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param("database_name", "other", id="database name"),
        pytest.param("master_username", "root", id="master user"),
        pytest.param("db_subnet_group_name", "public", id="subnet group"),
        pytest.param("storage_encrypted", False, id="encryption"),
        pytest.param("kms_key_id", "3333", id="key of the storage"),
    ],
)
def test_what_is_fixed_at_creation_is_refused(option: str, value: t.Any) -> None:
    with pytest.raises(AuroraError, match=rf"cluster demo: {option} is .*, not {value!r}"):
        plan_change(wish(**{option: value}), observed())


def test_a_provisioned_cluster_gets_its_first_range() -> None:
    provisioned = observed(ServerlessV2ScalingConfiguration=None)
    plan = plan_change(wish(scaling=ScalingWish(0.5, 4)), provisioned)
    assert plan.changes["scaling"][0] is None
    assert plan.modify["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 4.0}


class TestPassword:
    def test_it_is_not_sent_to_a_cluster_that_exists(self) -> None:
        plan = plan_change(ClusterWish("demo", {}, password=PASSWORD), observed())
        assert (plan.changes, plan.modify) == ({}, {})

    def test_it_is_sent_always_when_asked_for(self) -> None:
        plan = plan_change(ClusterWish("demo", {}, PASSWORD, always_send_password=True), observed())
        assert plan.modify == {"MasterUserPassword": PASSWORD}
        assert PASSWORD not in repr(plan.changes)

    def test_it_is_sent_when_rds_stops_managing_it(self) -> None:
        plan = plan_change(ClusterWish("demo", {"manage_master_user_password": False}, PASSWORD), observed())
        assert plan.modify == {"ManageMasterUserPassword": False, "MasterUserPassword": PASSWORD}

    def test_it_is_hidden_when_a_cluster_is_created(self) -> None:
        request, plan = plan_creation(ClusterWish("demo", {}, PASSWORD))
        assert request["MasterUserPassword"] == PASSWORD
        assert PASSWORD not in repr(plan)


WRITER, READER = ("demo-1", True, 1), ("demo-2", False, 2)


def members(*wishes: MemberWish) -> ClusterWish:
    return ClusterWish("demo", {}, members=wishes, tags={"project": "demo"})


@pytest.mark.parametrize(
    ("wanted", "add", "alter", "remove"),
    [
        pytest.param(("demo-1", "demo-2"), [], {}, (), id="as they are"),
        pytest.param(("demo-1", "demo-2", "demo-3"), ["demo-3"], {}, (), id="one more"),
        pytest.param(("demo-1",), [], {}, ("demo-2",), id="no reader"),
        pytest.param(("demo-2",), [], {}, ("demo-1",), id="the reader takes over"),
        pytest.param((), [], {}, ("demo-2", "demo-1"), id="nobody: the writer goes last"),
        pytest.param(
            ("demo-3",), ["demo-3"], {}, ("demo-2", "demo-1"), id="a new one before the old ones go"
        ),
    ],
)
def test_members(wanted: tuple[str, ...], add: list[str], alter: t.Any, remove: tuple[str, ...]) -> None:
    plan = plan_change(members(*(MemberWish(name) for name in wanted)), observed(WRITER, READER))
    assert (list(plan.add), plan.alter, plan.remove) == (add, alter, remove)
    assert ("members" in plan.changes) is bool(add or remove)


def test_a_promotion_tier_is_changed_only_where_it_is_given() -> None:
    plan = plan_change(members(MemberWish("demo-1"), MemberWish("demo-2", 0)), observed(WRITER, READER))
    assert plan.alter == {"demo-2": {"PromotionTier": 0}}
    assert plan.changes["members"] == ({"demo-2": {"promotion_tier": 2}}, {"demo-2": {"promotion_tier": 0}})


def test_left_out_members_stay() -> None:
    assert plan_change(wish(), observed(WRITER, READER)).remove == ()


def test_a_member_is_serverless_and_gets_tags_and_certificate() -> None:
    asked = dataclasses.replace(
        members(MemberWish("demo-3", 0)), ca_certificate_identifier="rds-ca-ecc384-g1"
    )
    assert plan_change(asked, observed()).add["demo-3"] == {
        "DBClusterIdentifier": "demo",
        "DBInstanceClass": "db.serverless",
        "Engine": "aurora-postgresql",
        "PubliclyAccessible": False,
        "PromotionTier": 0,
        "CACertificateIdentifier": "rds-ca-ecc384-g1",
        "Tags": [{"Key": "project", "Value": "demo"}],
    }


def test_the_certificate_authority_is_that_of_every_member() -> None:
    asked = ClusterWish("demo", {}, ca_certificate_identifier="rds-ca-ecc384-g1")
    plan = plan_change(asked, observed(WRITER, READER))
    assert plan.alter == {
        name: {"CACertificateIdentifier": "rds-ca-ecc384-g1"} for name in ("demo-1", "demo-2")
    }
    assert plan.changes["members"][0]["demo-2"] == {"ca_certificate_identifier": "rds-ca-rsa2048-g1"}
    assert plan.changes["members"][1]["demo-2"] == {"ca_certificate_identifier": "rds-ca-ecc384-g1"}


@pytest.mark.parametrize(
    ("tags", "purge", "add", "remove"),
    [
        pytest.param(None, True, None, None, id="left out"),
        pytest.param({"project": "demo"}, True, None, None, id="the same: AWS's own tag stays"),
        pytest.param({"project": "new"}, True, {"project": "new"}, (), id="another value"),
        pytest.param({"team": "db"}, True, {"team": "db"}, ("project",), id="another name, with purge"),
        pytest.param({"team": "db"}, False, {"team": "db"}, (), id="another name, without purge"),
        pytest.param({}, True, {}, ("project",), id="no tags is a value"),
    ],
)
def test_tags_of_cluster_and_members(tags: t.Any, purge: bool, add: t.Any, remove: t.Any) -> None:
    plan = plan_change(ClusterWish("demo", {}, tags=tags, purge_tags=purge), observed(WRITER))
    if add is None:
        assert plan.tagging == ()
    else:
        assert [(each.arn, each.add, each.remove) for each in plan.tagging] == [
            ("arn:demo", add, remove),
            ("arn:demo-1", add, remove),
        ]
        assert list(plan.changes) == ["tags"]


class TestCreation:
    ASKED = ClusterWish(
        "demo",
        {"scaling": ScalingWish(0, 4), "deletion_protection": False, "vpc_security_group_ids": ["sg-1"]},
        members=(MemberWish("demo-1"), MemberWish("demo-2", 3)),
        tags={"project": "demo"},
    )

    def test_request(self) -> None:
        request, _plan = plan_creation(self.ASKED)
        assert request == {
            "Engine": "aurora-postgresql",
            "EngineMode": "provisioned",
            "ServerlessV2ScalingConfiguration": {
                "MinCapacity": 0.0,
                "MaxCapacity": 4.0,
                "SecondsUntilAutoPause": 300,
            },
            "DeletionProtection": False,
            "VpcSecurityGroupIds": ["sg-1"],
            "Tags": [{"Key": "project", "Value": "demo"}],
        }

    def test_prediction_has_what_the_cluster_will_have(self) -> None:
        _request, plan = plan_creation(self.ASKED)
        cluster = predict(self.ASKED, None, plan)
        assert cluster.keys() == observed(WRITER).returned().keys()
        assert cluster["endpoint"] is None
        assert cluster["scaling"] == {
            "min_capacity": 0.0,
            "max_capacity": 4.0,
            "seconds_until_auto_pause": 300,
        }
        assert [(each["instance_id"], each["is_writer"]) for each in cluster["members"]] == [
            ("demo-1", True),
            ("demo-2", False),
        ]
        assert cluster["members"][0].keys() == observed(WRITER).returned()["members"][0].keys()


def test_prediction_of_a_change_keeps_the_rest() -> None:
    before = observed(WRITER, READER)
    asked = dataclasses.replace(members(MemberWish("demo-1", 0)), values={"deletion_protection": False})
    cluster = predict(asked, before, plan_change(asked, before))
    assert cluster["deletion_protection"] is False
    assert cluster["engine_version"] == "17.5"
    assert [(each["instance_id"], each["promotion_tier"]) for each in cluster["members"]] == [("demo-1", 0)]
