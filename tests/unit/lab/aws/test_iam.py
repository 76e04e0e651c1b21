"""Signatures, permissions and the request log."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from lab.aws import AwsEndpoint
from lab.aws.request_log import is_mutating
from lab.certificates import Authority


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        pytest.param("secretsmanager", "list_secrets", "UnrecognizedClientException", id="JSON service"),
        pytest.param("rds", "describe_db_clusters", "InvalidClientTokenId", id="query service"),
        pytest.param("ec2", "describe_vpcs", "AuthFailure", id="EC2"),
        pytest.param("eks", "list_clusters", "UnrecognizedClientException", id="REST service"),
    ],
)
def test_unknown_key(aws: Any, refusal: Any, service: str, call: str, code: str) -> None:
    client = aws.client(service, ("AKIAUNKNOWNUNKNOWN00", "secret"))
    assert refusal(getattr(client, call))[0] == code


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        pytest.param("secretsmanager", "list_secrets", "InvalidSignatureException", id="JSON service"),
        pytest.param("rds", "describe_db_clusters", "SignatureDoesNotMatch", id="query service"),
        pytest.param("eks", "list_clusters", "InvalidSignatureException", id="REST service"),
    ],
)
def test_wrong_secret_key(aws: Any, refusal: Any, service: str, call: str, code: str) -> None:
    client = aws.client(service, (aws.endpoint.credentials[0], "wrong"))
    assert refusal(getattr(client, call))[0] == code


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        pytest.param("sts", "get_caller_identity", "MissingAuthenticationToken", id="query service"),
        pytest.param(
            "secretsmanager", "list_secrets", "MissingAuthenticationTokenException", id="JSON service"
        ),
    ],
)
def test_unsigned_request(aws: Any, refusal: Any, service: str, call: str, code: str) -> None:
    assert refusal(getattr(aws.unsigned(service), call))[0] == code


def test_motos_own_paths_tell_nothing(aws: Any) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{aws.endpoint.url}/moto-api/data.json")
    assert refused.value.code == 403


def test_another_region_is_not_enabled(aws: Any, refusal: Any) -> None:
    code, message = refusal(aws.client("rds", region_name="us-east-1").describe_db_clusters)
    assert code == "InvalidClientTokenId"
    assert "eu-central-1" in message


def test_a_missing_action_is_named(aws: Any, refusal: Any) -> None:
    code, message = refusal(aws.rds.stop_db_cluster, DBClusterIdentifier="any")
    assert (code, "rds:StopDBCluster" in message) == ("InvalidAction", True)


def test_there_is_one_endpoint_at_a_time(aws: Any, postgres: Any) -> None:
    authority = Authority.create(aws.settings.state / "other")
    second = AwsEndpoint(aws.settings, authority, postgres, aws.kubernetes)
    with pytest.raises(RuntimeError, match="in this process already"):
        second.start()
    assert aws.sts.get_caller_identity()


def test_administrator_is_known_by_name(aws: Any) -> None:
    identity = aws.sts.get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/lab-admin"
    assert identity["Account"] == "123456789012"


@pytest.fixture(scope="module")
def reader(aws: Any) -> tuple[str, str]:
    """A user who may do one thing only."""
    aws.iam.create_user(UserName="reader")
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "rds:DescribeDBClusters", "Resource": "*"},
    }
    aws.iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(document))
    key = aws.iam.create_access_key(UserName="reader")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def test_a_user_may_do_what_the_policy_says(aws: Any, reader: tuple[str, str]) -> None:
    assert "DBClusters" in aws.client("rds", reader).describe_db_clusters()
    assert aws.client("sts", reader).get_caller_identity()["Arn"].endswith("user/reader")


@pytest.mark.parametrize(
    ("service", "call", "code", "action"),
    [
        pytest.param("rds", "describe_db_instances", "AccessDenied", "rds:DescribeDBInstances", id="query"),
        pytest.param("ec2", "describe_vpcs", "UnauthorizedOperation", "ec2:DescribeVpcs", id="EC2"),
        pytest.param("eks", "list_clusters", "AccessDeniedException", "eks:ListClusters", id="REST"),
        pytest.param(
            "secretsmanager", "list_secrets", "AccessDeniedException", "secretsmanager:ListSecrets", id="JSON"
        ),
        pytest.param(
            *("resourcegroupstaggingapi", "get_resources", "AccessDeniedException", "tag:GetResources"),
            id="JSON, with a prefix that is not the service's name",
        ),
    ],
)
def test_a_user_may_do_nothing_else(
    aws: Any, refusal: Any, reader: tuple[str, str], service: str, call: str, code: str, action: str
) -> None:
    found, message = refusal(getattr(aws.client(service, reader), call))
    assert found == code
    assert f"user/reader is not authorized to perform: {action}" in message


@pytest.mark.parametrize(
    ("action", "sql", "mutating"),
    [
        pytest.param("DescribeDBClusters", None, False, id="describe"),
        pytest.param("ListSecrets", None, False, id="list"),
        pytest.param("GetRandomPassword", None, False, id="random password"),
        pytest.param("AssumeRoleWithWebIdentity", None, False, id="credentials"),
        pytest.param("PutSecretValue", None, True, id="put"),
        pytest.param("CreateDBCluster", None, True, id="create"),
        pytest.param("AttachRolePolicy", None, True, id="attach"),
        pytest.param("ExecuteStatement", "  select 1", False, id="reading statement"),
        pytest.param("ExecuteStatement", "SHOW work_mem", False, id="show"),
        pytest.param("ExecuteStatement", "ALTER ROLE x", True, id="changing statement"),
        pytest.param("ExecuteStatement", "selection", True, id="word that begins like select"),
        pytest.param("BeginTransaction", None, False, id="transaction"),
    ],
)
def test_mutating(action: str, sql: str | None, mutating: bool) -> None:
    assert is_mutating(action, sql) is mutating


def test_every_request_is_logged(aws: Any, refusal: Any) -> None:
    aws.secretsmanager.get_random_password()
    refusal(aws.rds.delete_db_cluster, DBClusterIdentifier="nothing", SkipFinalSnapshot=True)
    entries = {entry["action"]: entry for entry in aws.log()[-2:]}
    assert set(entries) == {"GetRandomPassword", "DeleteDBCluster"}
    assert entries["GetRandomPassword"]["mutating"] is False
    assert entries["DeleteDBCluster"] == {
        "time": entries["DeleteDBCluster"]["time"],
        "service": "rds",
        "action": "DeleteDBCluster",
        "mutating": True,
        "user": "arn:aws:iam::123456789012:user/lab-admin",
        "status": 404,
    }


def test_the_log_is_for_its_owner_only(aws: Any) -> None:
    assert os.stat(aws.settings.state / "aws-requests.jsonl").st_mode & 0o777 == 0o600


def test_eks_cluster_is_the_laboratorys(aws: Any) -> None:
    cluster = aws.eks.describe_cluster(name="lab")["cluster"]
    config = cluster["resourcesVpcConfig"]
    assert cluster["arn"] == aws.settings.eks_arn
    assert cluster["endpoint"] == aws.kubernetes.server
    assert cluster["identity"]["oidc"]["issuer"] == aws.settings.issuer
    subnets = aws.ec2.describe_subnets(SubnetIds=config["subnetIds"])["Subnets"]
    assert {subnet["VpcId"] for subnet in subnets} == {config["vpcId"]}
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 3
    group = aws.ec2.describe_security_groups(GroupIds=[config["clusterSecurityGroupId"]])["SecurityGroups"][0]
    assert group["VpcId"] == config["vpcId"]
    assert refused_cluster(aws) == "ResourceNotFoundException"


def refused_cluster(aws: Any) -> str:
    with pytest.raises(aws.eks.exceptions.ResourceNotFoundException) as refused:
        aws.eks.describe_cluster(name="another")
    return refused.value.response["Error"]["Code"]


def test_issuer_is_an_identity_provider(aws: Any) -> None:
    providers = aws.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    arn = f"arn:aws:iam::123456789012:oidc-provider/{aws.settings.issuer.removeprefix('https://')}"
    assert [provider["Arn"] for provider in providers] == [arn]
    assert aws.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == [
        "sts.amazonaws.com"
    ]


def test_a_provider_takes_other_audiences_when_asked(aws: Any, refusal: Any) -> None:
    url = "https://oidc.example.org/id/one"
    arn = aws.iam.create_open_id_connect_provider(Url=url, ClientIDList=["one"])["OpenIDConnectProviderArn"]

    def audiences() -> list[str]:
        found = aws.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        return sorted(found["ClientIDList"])

    for _again in range(2):
        aws.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
        assert audiences() == ["one", "two"]
    aws.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="one")
    assert audiences() == ["two"]
    code, _message = refusal(
        aws.iam.add_client_id_to_open_id_connect_provider, OpenIDConnectProviderArn=f"{arn}-2", ClientID="x"
    )
    assert code == "NoSuchEntity"
