"""Modules while AWS throttles requests and loses answers: no run fails, and nothing is done twice."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.modules import (
    aurora_cluster,
    aurora_database_role,
    aurora_parameter_group,
    aurora_password_rotation,
    aurora_security_group,
    aurora_serverless_scaling,
    aurora_subnet_group,
    irsa_oidc_provider,
    irsa_role,
    secretsmanager_document,
)

BAD = {"throttled": 0.3, "lost": 0.2}
MANY_LOST = {"lost": 0.5}
WAIT = 120
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "123456789012"}}],
}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}],
}


def test_a_cluster_is_made_changed_and_deleted_once(run: t.Any, aws: t.Any, name: str) -> None:
    rds = aws.client("rds")
    wish = {
        "cluster_id": name,
        "database_name": "app",
        "master_username": "dbadmin",
        "manage_master_user_password": True,
        "scaling": {"min_capacity": 0.5, "max_capacity": 2},
        "members": [{"instance_id": f"{name}-1"}, {"instance_id": f"{name}-2"}],
        "wait_timeout": WAIT,
    }
    actions = ("CreateDBCluster", "CreateDBInstance", "DeleteDBInstance", "DeleteDBCluster")
    before = {action: aws.done(action) for action in actions}
    with aws.weather(**BAD):
        assert run(aurora_cluster.main, **wish)["changed"]
        changed = {**wish, "scaling": {"max_capacity": 4}, "members": [{"instance_id": f"{name}-2"}]}
        assert run(aurora_cluster.main, **changed)["changes"] == ["scaling", "members"]
        assert not run(aurora_cluster.main, **changed)["changed"]
    cluster = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    assert [one["DBInstanceIdentifier"] for one in cluster["DBClusterMembers"]] == [f"{name}-2"]
    with aws.weather(**BAD):
        result = run(aurora_cluster.main, cluster_id=name, state="absent", wait_timeout=WAIT)
    snapshots = rds.describe_db_cluster_snapshots(DBClusterIdentifier=name)["DBClusterSnapshots"]
    assert [one["DBClusterSnapshotIdentifier"] for one in snapshots] == [result["final_snapshot_id"]]
    assert {action: aws.done(action) - before[action] for action in actions} == {
        "CreateDBCluster": 1,
        "CreateDBInstance": 2,
        "DeleteDBInstance": 2,
        "DeleteDBCluster": 1,
    }


def test_a_range_is_set(run: t.Any, aws: t.Any, shared_cluster: t.Any) -> None:
    wish = {"cluster_id": "shared", "min_capacity": 1, "max_capacity": 8, "wait_timeout": WAIT}
    with aws.weather(**BAD):
        assert run(aurora_serverless_scaling.main, **wish)["changed"]
        assert not run(aurora_serverless_scaling.main, **wish)["changed"]
    assert shared_cluster.describe()["ServerlessV2ScalingConfiguration"]["MaxCapacity"] == 8.0


def test_groups(run: t.Any, aws: t.Any, name: str) -> None:
    rds = aws.client("rds")
    subnets = aws.client("eks").describe_cluster(name="lab")["cluster"]["resourcesVpcConfig"]["subnetIds"]
    family = rds.describe_db_engine_versions()["DBEngineVersions"][0]["DBParameterGroupFamily"]
    common = {"name": name, "description": "demo", "tags": {"project": "demo"}}
    parameters = {**common, "family": family, "parameters": {"log_lock_waits": True}}
    network = aws.client("eks").describe_cluster(name="lab")["cluster"]["resourcesVpcConfig"]
    here = {"vpc_id": network["vpcId"]}
    runs = (
        (aurora_subnet_group.main, {**common, "subnet_ids": subnets}, {}),
        (aurora_parameter_group.main, parameters, {}),
        (aurora_security_group.main, {**common, **here, "source_cidrs": ["10.0.0.0/8"]}, here),
    )
    with aws.weather(**BAD):
        for main, wish, where in runs:
            assert run(main, **wish)["changed"]
            assert not run(main, **wish)["changed"]
            assert run(main, name=name, state="absent", **where)["changed"]
            assert not run(main, name=name, state="absent", **where)["changed"]


def test_a_document_has_one_version_for_each_change(run: t.Any, aws: t.Any, name: str) -> None:
    client = aws.client("secretsmanager")
    document = {
        "name": name,
        "values": {"username": "app"},
        "generated": {"password": {}},
        "tags": {"a": "b"},
    }
    with aws.weather(**MANY_LOST):
        run(secretsmanager_document.main, documents=[document])
        assert not run(secretsmanager_document.main, documents=[document])["changed"]
        run(secretsmanager_document.main, documents=[document], rotate=True)
    assert len(client.describe_secret(SecretId=name)["VersionIdsToStages"]) == 2


def test_a_role_and_a_provider(run: t.Any, aws: t.Any, name: str) -> None:
    wish = {"name": name, "trust_policy": TRUST, "inline_policies": {"read": READ}, "tags": {"a": "b"}}
    url = f"https://oidc.eks.eu-central-1.amazonaws.com/id/{name}"
    with aws.weather(**BAD):
        for main, options in ((irsa_role.main, wish), (irsa_oidc_provider.main, {"url": url})):
            assert run(main, **options)["changed"]
            assert not run(main, **options)["changed"]
        run(irsa_role.main, name=name, state="absent")
    roles = [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]]
    assert name not in roles


@pytest.fixture
def database(shared_cluster: t.Any) -> dict[str, t.Any]:
    return {
        "cluster_arn": shared_cluster.arn,
        "admin_secret_arn": shared_cluster.admin_secret_arn,
        "database": "app",
    }


def test_a_login_is_made_and_rotated(run: t.Any, aws: t.Any, database: dict[str, t.Any], name: str) -> None:
    client = aws.client("secretsmanager")
    text = json.dumps({"username": name, "password": "a-long-Password-of-the-role"})
    arn = client.create_secret(Name=f"{name}-credentials", SecretString=text)["ARN"]
    role = {"name": name, "secret_arn": arn, "member_of": ["pg_monitor"], "connection_limit": 5}
    with aws.weather(**MANY_LOST):
        assert run(aurora_database_role.main, **database, roles=[role])["changed"]
        assert not run(aurora_database_role.main, **database, roles=[role])["changed"]
        run(aurora_password_rotation.main, **database, secret_ids=[arn])
    stages = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    assert sorted(stage for each in stages.values() for stage in each) == ["AWSCURRENT", "AWSPREVIOUS"]
    with aws.weather(**BAD):
        assert not run(aurora_database_role.main, **database, roles=[role])["changed"]
