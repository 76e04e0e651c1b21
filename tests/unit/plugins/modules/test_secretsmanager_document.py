"""secretsmanager_document against the laboratory's AWS; every change is seen by boto3."""

from __future__ import annotations

import json
import typing as t
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.eks_observability.stack.plugins.modules.secretsmanager_document import main
from botocore.exceptions import ClientError

PASSWORD = "a-long-Password-of-the-application"


class Secrets:
    """An administrator's view of one secret."""

    def __init__(self, client: t.Any, name: str) -> None:
        self.client, self.name = client, name

    @property
    def values(self) -> dict[str, t.Any]:
        text = self.client.get_secret_value(SecretId=self.name)["SecretString"]
        values: dict[str, t.Any] = json.loads(text)
        return values

    @property
    def described(self) -> dict[str, t.Any]:
        described: dict[str, t.Any] = self.client.describe_secret(SecretId=self.name)
        return described

    @property
    def tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.described["Tags"]}

    @property
    def exists(self) -> bool:
        found = self.client.list_secrets(IncludePlannedDeletion=True)["SecretList"]
        return self.name in [secret["Name"] for secret in found]


@pytest.fixture
def secret(aws: t.Any, name: str) -> Secrets:
    return Secrets(aws.client("secretsmanager"), name)


def asked(secret: Secrets, **more: t.Any) -> dict[str, t.Any]:
    values = {"engine": "postgres", "port": 5432, "username": "app"}
    return {"name": secret.name, "values": values, "generated": {"password": {"length": 40}}, **more}


def test_create(run: t.Any, secret: Secrets) -> None:
    seen = run(main, check=True, documents=[asked(secret)])
    assert seen["changed"]
    assert not secret.exists
    document = asked(secret, description="Login of the application", tags={"project": "demo"})
    results = run.matrix(main, documents=[document])
    assert secret.values["port"] == 5432
    assert len(secret.values["password"]) == 40
    assert secret.described["Description"] == "Login of the application"
    assert secret.tags == {"project": "demo"}
    (created,) = results[1]["documents"]
    assert created == {
        "name": secret.name,
        "arn": secret.described["ARN"],
        "version_id": created["version_id"],
        "current_since": created["current_since"],
        "changed_keys": ["engine", "password", "port", "username"],
        "created": True,
        "restored": False,
    }
    assert secret.values["password"] not in json.dumps(results)


def test_since_when_a_value_is_current(run: t.Any, secret: Secrets) -> None:
    def told(**options: t.Any) -> datetime:
        (document,) = run(main, **options)["documents"]
        return datetime.fromisoformat(document["current_since"])

    def near(one: datetime, other: datetime) -> bool:
        return abs(one - other) <= timedelta(seconds=2)

    assert near(told(documents=[asked(secret)]), datetime.now(UTC))
    made = secret.client.get_secret_value(SecretId=secret.name)["CreatedDate"]
    assert [told(documents=[asked(secret)], check=check) for check in (False, True)] == [made, made]
    other = {**asked(secret), "values": {"port": 5433}}
    assert near(told(documents=[other], check=True), datetime.now(UTC)), "it would become current now"
    assert near(told(documents=[other]), datetime.now(UTC))


def test_change(run: t.Any, secret: Secrets) -> None:
    run(main, documents=[asked(secret, tags={"project": "demo", "old": "x"})])
    before = secret.values
    secret.client.put_secret_value(SecretId=secret.name, SecretString=json.dumps({**before, "theirs": [1]}))
    changed = asked(secret, values={"port": 5433, "host": "db"}, tags={"project": "new"}, description="now")
    results = run.matrix(main, documents=[changed])
    assert secret.values == {**before, "theirs": [1], "port": 5433, "host": "db"}
    assert secret.tags == {"project": "new"}
    assert secret.described["Description"] == "now"
    assert results[1]["documents"][0]["changed_keys"] == ["host", "port"]
    assert results[0]["diff"] == results[1]["diff"]
    diff = results[1]["diff"]["after"][secret.name]
    assert diff["keys"]["port"] == diff["keys"]["host"] == "(new value)"
    assert diff["keys"]["password"] == "(set)"


def test_a_secret_value_is_set_and_never_told(run: t.Any, secret: Secrets) -> None:
    document = {"name": secret.name, "secret_values": {"password": PASSWORD}}
    results = run.matrix(main, documents=[document])
    assert secret.values == {"password": PASSWORD}
    assert PASSWORD not in json.dumps(results)


def test_rotate(run: t.Any, secret: Secrets) -> None:
    run(main, documents=[asked(secret)])
    before = secret.values
    assert run(main, check=True, documents=[asked(secret)], rotate=True)["changed"]
    assert secret.values == before
    result = run(main, documents=[asked(secret)], rotate=True)
    assert result["documents"][0]["changed_keys"] == ["password"]
    assert secret.values["password"] != before["password"]
    assert {**secret.values, "password": ""} == {**before, "password": ""}


def test_delete_and_restore(run: t.Any, secret: Secrets) -> None:
    run(main, documents=[asked(secret)])
    before = secret.values
    run.matrix(main, state="absent", recovery_window_in_days=7, documents=[asked(secret)])
    assert "DeletedDate" in secret.described
    results = run.matrix(main, documents=[asked(secret)])
    assert [result["documents"][0]["restored"] for result in results] == [True, True, False, False]
    assert secret.values == before, "the password that was there is there again"


def test_a_restored_document_is_changed_in_the_same_run(run: t.Any, secret: Secrets) -> None:
    run(main, documents=[asked(secret)])
    run(main, state="absent", documents=[asked(secret)])
    result = run(main, documents=[asked(secret, values={"host": "db"})])
    assert result["documents"][0]["changed_keys"] == ["host"]
    assert secret.values["host"] == "db"


def test_delete_for_good(run: t.Any, secret: Secrets) -> None:
    run(main, documents=[asked(secret)])
    run.matrix(main, state="absent", recovery_window_in_days=0, documents=[asked(secret)])
    assert not secret.exists


def test_a_name_that_is_just_being_deleted_is_tried_again(
    run: t.Any, secret: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.eks_observability.stack.plugins.module_utils._secrets import api

    create, refusals = api.create_secret, ["once"]

    def refuse_once(client: t.Any, name: str, request: t.Any) -> t.Any:
        if refusals:
            refusals.pop()
            message = "You can't create this secret: one with this name is already scheduled for deletion."
            answer = {"Error": {"Code": "InvalidRequestException", "Message": message}}
            raise api.SecretError(
                message="Failed", exception=ClientError(t.cast(t.Any, answer), "CreateSecret")
            )
        return create(client, name, request)

    monkeypatch.setattr(api, "create_secret", refuse_once)
    assert run(main, documents=[asked(secret)])["documents"][0]["created"]
    assert secret.exists


def test_several_documents_in_one_call(run: t.Any, secret: Secrets) -> None:
    other = Secrets(secret.client, f"{secret.name}-other")
    run(main, documents=[asked(secret)])
    results = run.matrix(main, documents=[asked(secret), asked(other)])
    assert [document["created"] for document in results[1]["documents"]] == [False, True]
    assert list(results[1]["diff"]["after"]) == [other.name]
    assert secret.values["password"] != other.values["password"]


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
def test_a_value_that_is_no_document_is_left_alone(run: t.Any, secret: Secrets, check: bool) -> None:
    secret.client.create_secret(Name=secret.name, SecretString=PASSWORD)
    said = run.failure(main, check=check, documents=[asked(secret)])
    assert "is not a JSON object" in said
    assert PASSWORD not in said
    assert run.calls.mutating == []


def test_a_key_that_is_given_twice_changes_nothing(run: t.Any, secret: Secrets) -> None:
    said = run.failure(main, documents=[asked(secret, secret_values={"password": PASSWORD})])
    assert "gets password twice" in said
    assert not secret.exists


FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:rotate"


def denying(*admitted: str) -> dict[str, t.Any]:
    condition = {"ArnNotLike": {"aws:PrincipalArn": list(admitted)}}
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}


def test_rotation_is_only_touched_where_it_is_given(run: t.Any, secret: Secrets) -> None:
    days = asked(secret, rotation={"lambda_arn": FUNCTION, "automatically_after_days": 30})
    run.matrix(main, documents=[days])
    assert secret.described["RotationLambdaARN"] == FUNCTION
    assert secret.described["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert not run(main, documents=[asked(secret)])["changed"]
    assert secret.described["RotationEnabled"]
    schedule = asked(secret, rotation={"schedule_expression": "rate(10 days)", "duration": "3h"})
    results = run.matrix(main, documents=[schedule])
    assert list(results[0]["diff"]["after"][secret.name]) == ["rotation"]
    assert secret.described["RotationRules"] == {"ScheduleExpression": "rate(10 days)", "Duration": "3h"}
    run.matrix(main, documents=[asked(secret, rotation={"enabled": False})])
    assert not secret.described.get("RotationEnabled")


def test_a_resource_policy_is_only_touched_where_it_is_given(run: t.Any, secret: Secrets) -> None:
    def policy() -> t.Any:
        return json.loads(
            secret.client.get_resource_policy(SecretId=secret.name).get("ResourcePolicy", "null")
        )

    wanted = denying("arn:aws:iam::123456789012:user/lab-*")
    run.matrix(main, documents=[asked(secret, resource_policy=wanted)])
    assert policy() == wanted
    assert not run(main, documents=[asked(secret)])["changed"]
    results = run.matrix(main, documents=[asked(secret, resource_policy={})])
    assert list(results[0]["diff"]["before"][secret.name]) == ["resource_policy"]
    assert policy() is None
    public = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    said = run.failure(main, documents=[asked(secret, resource_policy={"Statement": [public]})])
    assert "PublicPolicyException" in said


def test_of_a_secret_of_rds_only_the_rotation_can_be_set(
    run: t.Any, aws: t.Any, shared_cluster: t.Any
) -> None:
    client, arn = aws.client("secretsmanager"), shared_cluster.admin_secret_arn
    before = client.get_secret_value(SecretId=arn)["VersionId"]
    run.matrix(main, documents=[{"name": arn, "rotation": {"automatically_after_days": 30}}])
    assert client.describe_secret(SecretId=arn)["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert client.get_secret_value(SecretId=arn)["VersionId"] == before, "not rotated, only planned"
    said = run.failure(main, documents=[{"name": arn, "values": {"port": 1}}])
    assert "belongs to rds, which alone may change it" in said


DRIFTS: dict[str, t.Callable[[Secrets], object]] = {
    "keys": lambda secret: secret.client.put_secret_value(
        SecretId=secret.name, SecretString=json.dumps({**secret.values, "port": 1})
    ),
    "description": lambda secret: secret.client.update_secret(SecretId=secret.name, Description="other"),
    "tags": lambda secret: secret.client.tag_resource(
        SecretId=secret.name, Tags=[{"Key": "project", "Value": "other"}]
    ),
    "rotation": lambda secret: secret.client.cancel_rotate_secret(SecretId=secret.name),
    "resource_policy": lambda secret: secret.client.delete_resource_policy(SecretId=secret.name),
}


@pytest.mark.parametrize("field", DRIFTS)
def test_drift_is_named_and_repaired(run: t.Any, secret: Secrets, field: str) -> None:
    wish = asked(
        secret,
        description="demo",
        tags={"project": "demo"},
        rotation={"lambda_arn": FUNCTION, "automatically_after_days": 30},
        resource_policy=denying("arn:aws:iam::123456789012:user/lab-*"),
    )
    run(main, documents=[wish])
    password = secret.values["password"]
    DRIFTS[field](secret)
    results = run.matrix(main, documents=[wish])
    sides = results[0]["diff"]
    assert {*sides["before"][secret.name], *sides["after"][secret.name]} == {field}
    assert secret.values["password"] == password
    assert secret.values["port"] == 5432
