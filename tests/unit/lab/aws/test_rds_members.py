"""Members of a cluster."""

from __future__ import annotations

from typing import Any

import pytest


def wish(**changes: Any) -> dict[str, Any]:
    arguments = {
        "DBInstanceIdentifier": "refused",
        "DBClusterIdentifier": "shared",
        "DBInstanceClass": "db.serverless",
        "Engine": "aurora-postgresql",
        **changes,
    }
    return {name: value for name, value in arguments.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        pytest.param(
            {"DBInstanceIdentifier": "shared-1"}, "DBInstanceAlreadyExists", "exists", id="taken name"
        ),
        pytest.param({"DBClusterIdentifier": "nope"}, "DBClusterNotFoundFault", "nope", id="no such cluster"),
        pytest.param(
            {"DBClusterIdentifier": None}, "InvalidParameterCombination", "Aurora clusters", id="no cluster"
        ),
        pytest.param(
            {"DBInstanceClass": "db.r6g.large"},
            "InvalidParameterCombination",
            "db.serverless",
            id="other class",
        ),
        pytest.param({"Engine": "postgres"}, "InvalidParameterValue", "Invalid DB engine", id="other engine"),
        pytest.param({"PromotionTier": 16}, "InvalidParameterValue", "between 0 and 15", id="promotion tier"),
        pytest.param({"CACertificateIdentifier": "x"}, "InvalidParameterValue", "x", id="certificate"),
        pytest.param(
            {"AllocatedStorage": 5}, "InvalidParameterCombination", "AllocatedStorage", id="unknown"
        ),
    ],
)
def test_refused_creation(
    aws: Any, refusal: Any, shared: dict[str, Any], changes: dict[str, Any], code: str, text: str
) -> None:
    found, message = refusal(aws.rds.create_db_instance, **wish(**changes))
    assert (found, text in message) == (code, True), message


def test_a_cluster_without_scaling_takes_no_serverless_member(
    aws: Any, refusal: Any, plain: dict[str, Any]
) -> None:
    code, message = refusal(aws.rds.create_db_instance, **wish(DBClusterIdentifier="plain"))
    assert (code, "scaling configuration" in message) == ("InvalidDBClusterStateFault", True)


def test_description(aws: Any, shared: dict[str, Any], network: dict[str, Any], postgres: Any) -> None:
    member = aws.member("SHARED-1")
    expected = {
        "DBInstanceArn": "arn:aws:rds:eu-central-1:123456789012:db:shared-1",
        "DBInstanceStatus": "available",
        "DBInstanceClass": "db.serverless",
        "DBClusterIdentifier": "shared",
        "Engine": "aurora-postgresql",
        "EngineVersion": postgres.version,
        "PromotionTier": 1,
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "PubliclyAccessible": False,
        "VpcSecurityGroups": shared["VpcSecurityGroups"],
    }
    assert {name: member[name] for name in expected} == expected
    assert (member["Endpoint"]["Address"], member["Endpoint"]["Port"]) == (shared["Endpoint"], shared["Port"])
    assert member["DBSubnetGroup"]["VpcId"] == network["vpcId"]
    assert aws.cluster("shared")["DBClusterMembers"] == [
        {
            "DBInstanceIdentifier": "shared-1",
            "IsClusterWriter": True,
            "DBClusterParameterGroupStatus": "in-sync",
            "PromotionTier": 1,
        }
    ]


def test_members_of_a_cluster(aws: Any, refusal: Any, shared: dict[str, Any]) -> None:
    filters = [{"Name": "db-cluster-id", "Values": [shared["DBClusterArn"]]}]
    (found,) = aws.rds.describe_db_instances(Filters=filters)["DBInstances"]
    assert found["DBInstanceIdentifier"] == "shared-1"
    assert refusal(aws.rds.describe_db_instances, DBInstanceIdentifier="nope")[0] == "DBInstanceNotFound"


def test_a_member_waits_for_its_cluster(aws: Any, arguments: Any) -> None:
    aws.rds.create_db_cluster(**arguments("early"))
    answer = aws.rds.create_db_instance(**wish(DBInstanceIdentifier="early-1", DBClusterIdentifier="early"))
    assert answer["DBInstance"]["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in answer["DBInstance"]
    aws.wait_member("early-1")
    assert aws.cluster("early")["Status"] == "available"


def test_change_and_succession(aws: Any, refusal: Any) -> None:
    aws.create("family", members=3)

    def writer() -> list[str]:
        members = aws.cluster("family")["DBClusterMembers"]
        return [one["DBInstanceIdentifier"] for one in members if one["IsClusterWriter"]]

    assert writer() == ["family-1"]
    answer = aws.rds.modify_db_instance(
        DBInstanceIdentifier="family-3", PromotionTier=0, CACertificateIdentifier="rds-ca-ecc384-g1"
    )["DBInstance"]
    assert (answer["DBInstanceStatus"], answer["PromotionTier"]) == ("modifying", 0)
    code, _message = refusal(aws.rds.modify_db_instance, DBInstanceIdentifier="family-3", PromotionTier=1)
    assert code == "InvalidDBInstanceState"
    assert aws.wait_member("family-3")["CACertificateIdentifier"] == "rds-ca-ecc384-g1"
    code, message = refusal(
        aws.rds.delete_db_instance, DBInstanceIdentifier="family-1", FinalDBSnapshotIdentifier="x"
    )
    assert (code, "cluster instance" in message) == ("InvalidParameterCombination", True)
    aws.rds.delete_db_instance(DBInstanceIdentifier="family-1", SkipFinalSnapshot=True)
    aws.wait_gone(lambda: aws.member("family-1"), "DBInstanceNotFound")
    assert writer() == ["family-3"]
