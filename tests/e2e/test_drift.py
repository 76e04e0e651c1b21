"""What somebody changes by hand is named by --check --diff, mended by a run, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.journey import Journey
from tests.e2e.laboratory import Laboratory, Run, eventually

CLUSTER, ROLE, DOCUMENT = "demo-aurora-postgres", "demo-aurora-access-role", "aurora-postgres-credentials"
ROLES = ("--tags", "aurora,secrets,irsa", "--limit", "aurora")
TAG = [{"Key": "project", "Value": "other"}, {"Key": "stray", "Value": "x"}]
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
Hand = Callable[[Laboratory], object]


def security_group(lab: Laboratory) -> dict[str, Any]:
    groups = lab.aws("ec2").describe_security_groups(Filters=[{"Name": "group-name", "Values": [CLUSTER]}])
    return dict(groups["SecurityGroups"][0])


def arn(lab: Laboratory, kind: str, name: str = CLUSTER) -> str:
    return f"arn:aws:rds:{lab.endpoints['region']}:123456789012:{kind}:{name}"


def tag_rds(kind: str, name: str = CLUSTER) -> Hand:
    return lambda lab: lab.aws("rds").add_tags_to_resource(ResourceName=arn(lab, kind, name), Tags=TAG)


def let_everybody_in(lab: Laboratory) -> None:
    everybody = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    lab.aws("ec2").authorize_security_group_ingress(
        GroupId=security_group(lab)["GroupId"], IpPermissions=[everybody]
    )


def open_to_the_internet(lab: Laboratory) -> None:
    lab.aws("rds").modify_db_instance(
        DBInstanceIdentifier=f"{CLUSTER}-1", PubliclyAccessible=True, PromotionTier=9, ApplyImmediately=True
    )


def other_subnets(lab: Laboratory) -> None:
    rds = lab.aws("rds")
    group = rds.describe_db_subnet_groups(DBSubnetGroupName=CLUSTER)["DBSubnetGroups"][0]
    subnets = [subnet["SubnetIdentifier"] for subnet in group["Subnets"]]
    rds.modify_db_subnet_group(
        DBSubnetGroupName=CLUSTER, DBSubnetGroupDescription="other", SubnetIds=sorted(subnets)[1:]
    )


def other_parameter(lab: Laboratory) -> None:
    parameter = {"ParameterName": "log_lock_waits", "ParameterValue": "0", "ApplyMethod": "immediate"}
    lab.aws("rds").modify_db_cluster_parameter_group(
        DBClusterParameterGroupName=CLUSTER, Parameters=[parameter]
    )


def other_port_in_the_document(lab: Laboratory) -> None:
    text = json.dumps({**lab.document(DOCUMENT), "port": 1})
    lab.aws("secretsmanager").put_secret_value(SecretId=DOCUMENT, SecretString=text)


def trust_somebody_else(lab: Laboratory) -> None:
    iam = lab.aws("iam")
    policy = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    conditions = policy["Statement"][0]["Condition"]["StringEquals"]
    conditions[next(key for key in conditions if key.endswith(":sub"))] = "system:serviceaccount:evil:evil"
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(policy))


def back_door(lab: Laboratory) -> None:
    lab.aws("iam").put_role_policy(
        RoleName=ROLE, PolicyName="back-door", PolicyDocument=json.dumps(EVERYTHING)
    )


def annotate_another_role(lab: Laboratory) -> None:
    lab.resource("v1", "ServiceAccount").patch(
        name="aurora-access",
        namespace="observability",
        body={"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/evil"}}},
        content_type="application/merge-patch+json",
    )


# What is done by hand, and the words by which a run with --check --diff tells of it.
HANDS: dict[str, tuple[Hand, list[str]]] = {
    "rule of the security group": (let_everybody_in, ["0.0.0.0/0"]),
    "tag of the security group": (
        lambda lab: lab.aws("ec2").create_tags(Resources=[security_group(lab)["GroupId"]], Tags=TAG),
        ["project: other"],
    ),
    "subnet group": (other_subnets, ["description: other", "subnet_ids"]),
    "tags of the subnet group": (tag_rds("subgrp"), ["tags"]),
    "parameter": (other_parameter, ["log_lock_waits"]),
    "tags of the parameter group": (tag_rds("cluster-pg"), ["tags"]),
    "cluster": (
        lambda lab: lab.aws("rds").modify_db_cluster(
            DBClusterIdentifier=CLUSTER, BackupRetentionPeriod=1, ApplyImmediately=True
        ),
        ["backup_retention_period: 1"],
    ),
    "tags of the cluster": (tag_rds("cluster"), ["tags"]),
    "member": (open_to_the_internet, ["publicly_accessible: true", "promotion_tier: 9"]),
    "tags of the member": (tag_rds("db", f"{CLUSTER}-1"), ["tags"]),
    "document": (other_port_in_the_document, ["port: (new value)"]),
    "description of the document": (
        lambda lab: lab.aws("secretsmanager").update_secret(SecretId=DOCUMENT, Description="other"),
        ["description: other"],
    ),
    "trust policy": (trust_somebody_else, ["trust_policy", "system:serviceaccount:evil:evil"]),
    "inline policy of somebody else": (back_door, ["inline_policies", "back-door"]),
    "description of the role": (
        lambda lab: lab.aws("iam").update_role(RoleName=ROLE, Description="other", MaxSessionDuration=3600),
        ["description: other"],
    ),
    "tags of the role": (lambda lab: lab.aws("iam").tag_role(RoleName=ROLE, Tags=TAG), ["tags"]),
    "annotation": (annotate_another_role, []),
    "Data API": (
        lambda lab: lab.aws("rds").disable_http_endpoint(ResourceArn=arn(lab, "cluster")),
        ["enable_http_endpoint"],
    ),
    "tags of the document": (
        lambda lab: lab.aws("secretsmanager").tag_resource(SecretId=DOCUMENT, Tags=TAG),
        ["stray: x"],
    ),
}


def seen(lab: Laboratory) -> dict[str, Any]:
    """All that the three roles make, as others see it."""
    rds, iam, manager = lab.aws("rds"), lab.aws("iam"), lab.aws("secretsmanager")
    groups = rds.describe_db_subnet_groups(DBSubnetGroupName=CLUSTER)["DBSubnetGroups"]
    parameters = rds.get_paginator("describe_db_cluster_parameters").paginate(
        DBClusterParameterGroupName=CLUSTER, Source="user"
    )
    cluster = rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]
    found = {
        "security group": security_group(lab),
        "subnet group": [
            sorted(one["SubnetIdentifier"] for one in groups[0]["Subnets"]),
            *map(_named, groups),
        ],
        "tags": [
            rds.list_tags_for_resource(ResourceName=arn(lab, kind, name))["TagList"]
            for kind, name in (("subgrp", CLUSTER), ("cluster-pg", CLUSTER), ("db", f"{CLUSTER}-1"))
        ],
        "parameters": {
            one["ParameterName"]: one["ParameterValue"] for page in parameters for one in page["Parameters"]
        },
        "cluster": {key: value for key, value in cluster.items() if key != "LatestRestorableTime"},
        "member": rds.describe_db_instances(DBInstanceIdentifier=f"{CLUSTER}-1")["DBInstances"],
        "document": lab.document(DOCUMENT),
        "description": [manager.describe_secret(SecretId=DOCUMENT)[key] for key in ("Description", "Tags")],
        "role": iam.get_role(RoleName=ROLE)["Role"] | {"RoleLastUsed": None},
        "policies": {
            name: iam.get_role_policy(RoleName=ROLE, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=ROLE)["PolicyNames"]
        },
        "annotations": dict(
            lab.resource("v1", "ServiceAccount")
            .get(name="aurora-access", namespace="observability")
            .metadata.annotations
        ),
    }
    return {name: _in_order(value) for name, value in found.items()}


def _in_order(value: Any) -> Any:
    """Lists of AWS come in any order."""
    if isinstance(value, dict):
        return {key: _in_order(one) for key, one in value.items()}
    return sorted(map(_in_order, value), key=repr) if isinstance(value, list) else value


def _named(group: dict[str, Any]) -> str:
    return str(group["DBSubnetGroupDescription"])


@dataclass(frozen=True)
class Drift:
    """Before, and what two runs made of it."""

    before: dict[str, Any]
    drifted: dict[str, Any]
    check: Run
    repair: Run
    after: dict[str, Any]
    again: Run


@pytest.fixture(scope="module")
def drift(journey: Journey, lab: Laboratory) -> Drift:
    before = seen(lab)
    for hand, _words in HANDS.values():
        hand(lab)
    eventually(lambda: seen(lab)["cluster"]["Status"] == "available", "the cluster after its changes")
    eventually(
        lambda: seen(lab)["member"][0]["DBInstanceStatus"] == "available", "the member after its changes"
    )
    drifted = seen(lab)
    check = lab.play("site.yml", "--check", "--diff", *ROLES)
    repair = lab.play("site.yml", "--diff", *ROLES)
    return Drift(before, drifted, check, repair, seen(lab), lab.play("site.yml", *ROLES))


@pytest.mark.parametrize("what", HANDS)
def test_it_is_named_by_check_and_by_the_run(drift: Drift, what: str) -> None:
    for run in (drift.check, drift.repair):
        assert run.code == 0, run.output
        assert [word for word in HANDS[what][1] if word not in run.output] == [], run.output


def test_check_mode_mends_nothing(drift: Drift) -> None:
    assert drift.check.mutations == []


def test_it_is_mended_and_nothing_else_is_touched(drift: Drift) -> None:
    assert {name for name in drift.before if drift.drifted[name] == drift.before[name]} == set()
    assert {name: drift.after[name] for name in drift.before} == drift.before
    assert drift.again.code == 0, drift.again.output
    assert drift.again.changed == {"aurora": 0}, drift.again.output


def test_no_run_prints_a_secret(drift: Drift, lab: Laboratory) -> None:
    secrets = lab.secrets_in_use()
    runs = (drift.check, drift.repair, drift.again)
    assert [secret[:3] for secret in secrets for run in runs if secret in run.output] == []
