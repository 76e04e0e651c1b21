"""Secrets Manager where moto is more lenient than AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from moto.secretsmanager.models import SecretsStore

MARKED = "marked for deletion"


@pytest.fixture
def deleted(aws: Any, request: pytest.FixtureRequest) -> str:
    """Name of a secret that waits for its deletion."""
    name = "deleted-" + re.sub(r"[^a-z]+", "-", request.node.name)
    aws.secretsmanager.create_secret(Name=name, SecretString="before")
    aws.secretsmanager.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    return name


@pytest.mark.parametrize(
    ("call", "arguments", "text"),
    [
        pytest.param("get_secret_value", {}, MARKED, id="read"),
        pytest.param("put_secret_value", {"SecretString": "x"}, MARKED, id="write"),
        pytest.param("update_secret", {"Description": "x"}, MARKED, id="update"),
        pytest.param("tag_resource", {"Tags": [{"Key": "a", "Value": "b"}]}, MARKED, id="tag"),
        pytest.param("delete_secret", {"RecoveryWindowInDays": 7}, MARKED, id="delete again"),
    ],
)
def test_a_deleted_secret_refuses(
    aws: Any, refusal: Any, deleted: str, call: str, arguments: dict[str, Any], text: str
) -> None:
    code, message = refusal(getattr(aws.secretsmanager, call), SecretId=deleted, **arguments)
    assert (code, text in message) == ("InvalidRequestException", True)


def test_the_name_of_a_deleted_secret_is_taken(aws: Any, refusal: Any, deleted: str) -> None:
    code, message = refusal(aws.secretsmanager.create_secret, Name=deleted, SecretString="x")
    assert (code, "scheduled for deletion" in message) == ("InvalidRequestException", True)


def test_a_deleted_secret_can_be_restored(aws: Any, deleted: str) -> None:
    assert "DeletedDate" in aws.secretsmanager.describe_secret(SecretId=deleted)
    aws.secretsmanager.restore_secret(SecretId=deleted)
    aws.secretsmanager.put_secret_value(SecretId=deleted, SecretString="after")
    assert aws.secretsmanager.get_secret_value(SecretId=deleted)["SecretString"] == "after"


def test_deletion_without_recovery_frees_the_name(aws: Any, deleted: str) -> None:
    aws.secretsmanager.delete_secret(SecretId=deleted, ForceDeleteWithoutRecovery=True)
    aws.secretsmanager.create_secret(Name=deleted, SecretString="again")


def test_an_existing_name_is_taken(aws: Any, refusal: Any) -> None:
    aws.secretsmanager.create_secret(Name="taken", SecretString="x")
    code, _message = refusal(aws.secretsmanager.create_secret, Name="taken", SecretString="x")
    assert code == "ResourceExistsException"


def test_random_password(aws: Any) -> None:
    answer = aws.secretsmanager.get_random_password(PasswordLength=40, ExcludeCharacters="/@\"'\\ ,%:?#&+=")
    assert len(answer["RandomPassword"]) == 40
    assert not set(answer["RandomPassword"]) & set("/@\"'\\ ,%:?#&+=")


class TestManaged:
    """Secrets that RDS owns."""

    @pytest.fixture
    def arn(self, shared: dict[str, Any]) -> str:
        return str(shared["MasterUserSecret"]["SecretArn"])

    def test_description(self, aws: Any, arn: str) -> None:
        secret = aws.secretsmanager.describe_secret(SecretId=arn)
        assert secret["Name"].startswith("rds!cluster-")
        assert secret["OwningService"] == "rds"
        assert secret["RotationEnabled"] is True
        assert secret["RotationRules"] == {"AutomaticallyAfterDays": 7}

    def test_content(self, aws: Any, arn: str) -> None:
        content = aws.secret(arn)
        assert set(content) == {"username", "password"}
        assert content["username"] == "dbadmin"
        assert len(content["password"]) == 32
        assert not set(content["password"]) & set('/@" ')

    @pytest.mark.parametrize(
        ("call", "arguments"),
        [
            pytest.param("put_secret_value", {"SecretString": "x"}, id="write"),
            pytest.param("update_secret", {"SecretString": "x"}, id="update"),
            pytest.param("delete_secret", {"ForceDeleteWithoutRecovery": True}, id="delete"),
        ],
    )
    def test_hands_off(self, aws: Any, refusal: Any, arn: str, call: str, arguments: dict[str, Any]) -> None:
        code, message = refusal(getattr(aws.secretsmanager, call), SecretId=arn, **arguments)
        assert (code, "managed by rds" in message) == ("InvalidRequestException", True)


def test_a_customer_key_needs_kms_decrypt(aws: Any, refusal: Any) -> None:
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    aws.secretsmanager.create_secret(Name="encrypted", SecretString="x", KmsKeyId=key)
    reader = [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]
    decrypt = {
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": key,
        "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"}},
    }
    aws.iam.create_user(UserName="decrypter")
    given = aws.iam.create_access_key(UserName="decrypter")["AccessKey"]
    client = aws.client("secretsmanager", (given["AccessKeyId"], given["SecretAccessKey"]))

    def allow(statements: list[dict[str, Any]]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        aws.iam.put_user_policy(UserName="decrypter", PolicyName="p", PolicyDocument=document)

    allow(reader)
    assert refusal(client.get_secret_value, SecretId="encrypted") == (
        "AccessDeniedException",
        "Access to KMS is not allowed",
    )
    allow([*reader, decrypt])
    assert client.get_secret_value(SecretId="encrypted")["SecretString"] == "x"


class Arrival:
    """Stands for a secret during whose inspection another request adds one."""

    name = "first"

    def __init__(self, store: SecretsStore) -> None:
        self._store = store
        self._arrived = False

    @property
    def arn(self) -> str:
        if not self._arrived:
            self._arrived = True
            self._store["second"] = Arrival(self._store)
        return "arn:aws:secretsmanager:eu-west-1:111122223333:secret:first-aaaaaa"


@pytest.mark.parametrize(
    ("look", "found"),
    [
        pytest.param(lambda store: "second" in store, True, id="in"),
        pytest.param(lambda store: store["second"].name, "first", id="by key"),
        pytest.param(lambda store: store.get("second").name, "first", id="get"),
        pytest.param(lambda store: store.pop("second").name, "first", id="pop"),
        pytest.param(lambda store: [one.arn[-6:] for one in store.values()], ["aaaaaa"], id="all"),
    ],
)
def test_a_secret_may_come_while_all_are_looked_at(
    aws: Any, look: Callable[[SecretsStore], object], found: object
) -> None:
    store = SecretsStore()
    store["first"] = Arrival(store)
    assert look(store) == found


FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:rotate"


class TestRotation:
    """Settings are kept and told; no function runs."""

    @pytest.fixture
    def name(self, aws: Any, request: pytest.FixtureRequest) -> str:
        name = "rotating-" + re.sub(r"[^a-z]+", "-", request.node.name)
        aws.secretsmanager.create_secret(Name=name, SecretString="x")
        return name

    def test_rules_are_told(self, aws: Any, name: str) -> None:
        rules = {"ScheduleExpression": "rate(10 days)", "Duration": "3h"}
        aws.secretsmanager.rotate_secret(
            SecretId=name, RotationLambdaARN=FUNCTION, RotationRules=rules, RotateImmediately=False
        )
        described = aws.secretsmanager.describe_secret(SecretId=name)
        assert (described["RotationLambdaARN"], described["RotationRules"]) == (FUNCTION, rules)
        assert aws.secretsmanager.get_secret_value(SecretId=name)["SecretString"] == "x"
        aws.secretsmanager.cancel_rotate_secret(SecretId=name)
        assert not aws.secretsmanager.describe_secret(SecretId=name)["RotationEnabled"]

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            pytest.param({}, "No Lambda", id="no function"),
            pytest.param({"RotationLambdaARN": FUNCTION}, "runs no functions", id="at once"),
            pytest.param({"RotationLambdaARN": "rotate-with-it"}, "Invalid Lambda", id="no ARN"),
            pytest.param(
                {"RotationLambdaARN": FUNCTION, "RotationRules": {"AutomaticallyAfterDays": 1000 + 1}},
                "within 1-1000",
                id="too rarely",
            ),
        ],
    )
    def test_what_aws_refuses(
        self, aws: Any, refusal: Any, name: str, settings: dict[str, Any], words: str
    ) -> None:
        assert words in refusal(aws.secretsmanager.rotate_secret, SecretId=name, **settings)[1]

    def test_the_current_version_follows_its_label(self, aws: Any, name: str) -> None:
        manager = aws.secretsmanager
        old = manager.get_secret_value(SecretId=name)["VersionId"]
        new = manager.put_secret_value(SecretId=name, SecretString="y", VersionStages=["AWSPENDING"])[
            "VersionId"
        ]
        assert manager.get_secret_value(SecretId=name)["SecretString"] == "x"
        manager.update_secret_version_stage(
            SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=new, RemoveFromVersionId=old
        )
        assert manager.get_secret_value(SecretId=name)["SecretString"] == "y"
        previous = manager.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
        assert previous["SecretString"] == "x"


class TestResourcePolicy:
    """Of the policy of a secret, what it denies counts."""

    def test_it_shuts_out_whom_iam_lets_in(self, aws: Any, refusal: Any) -> None:
        manager, iam = aws.secretsmanager, aws.iam
        manager.create_secret(Name="restricted", SecretString="x")
        everything = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        iam.create_user(UserName="stranger")
        iam.put_user_policy(UserName="stranger", PolicyName="all", PolicyDocument=json.dumps(everything))
        key = iam.create_access_key(UserName="stranger")["AccessKey"]
        stranger = aws.client("secretsmanager", (key["AccessKeyId"], key["SecretAccessKey"]))
        assert stranger.get_secret_value(SecretId="restricted")["SecretString"] == "x"
        admitted = ["arn:aws:iam::123456789012:user/lab-*"]
        deny = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": admitted}},
        }
        manager.put_resource_policy(SecretId="restricted", ResourcePolicy=json.dumps({"Statement": [deny]}))
        code, message = refusal(stranger.get_secret_value, SecretId="restricted")
        assert code == "AccessDeniedException"
        assert "explicit deny in a resource-based policy" in message
        assert manager.get_secret_value(SecretId="restricted")["SecretString"] == "x"
        assert stranger.describe_secret(SecretId="restricted")["Name"] == "restricted"

    def test_it_lets_in_nobody_of_the_public(self, aws: Any, refusal: Any) -> None:
        aws.secretsmanager.create_secret(Name="public", SecretString="x")
        allow = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}
        code, _message = refusal(
            aws.secretsmanager.put_resource_policy,
            SecretId="public",
            ResourcePolicy=json.dumps({"Statement": [allow]}),
        )
        assert code == "PublicPolicyException"
