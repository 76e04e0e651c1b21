"""From the token of a service account to a secret, and every way in which that is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from joserfc.jwk import RSAKey

SUBJECT = "system:serviceaccount:observability:aurora-access"
ACTION = "sts:AssumeRoleWithWebIdentity"


def trust(aws: Any, *, with_audience: bool = True, **conditions: str) -> str:
    issuer = aws.settings.issuer.removeprefix("https://")
    wanted = {f"{issuer}:sub": SUBJECT}
    if with_audience:
        wanted[f"{issuer}:aud"] = "sts.amazonaws.com"
    wanted.update({f"{issuer}:{name}": value for name, value in conditions.items()})
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{issuer}"},
        "Action": ACTION,
        "Condition": {"StringEquals": wanted},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def secrets(aws: Any) -> dict[str, str]:
    """ARNs of two secrets."""
    create = aws.secretsmanager.create_secret
    return {name: create(Name=name, SecretString=f"value of {name}")["ARN"] for name in ("own", "foreign")}


@pytest.fixture(scope="module")
def role(aws: Any, secrets: dict[str, str]) -> str:
    """A role for the service account that may read one secret by its ARN, and one by a pattern."""
    arn = aws.iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust(aws))["Role"]["Arn"]
    statement = {
        "Effect": "Allow",
        "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
        "Resource": [
            secrets["own"],
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:by-pattern-??????",
        ],
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    aws.iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=json.dumps(document))
    return str(arn)


def assume(aws: Any, role: str, token: str) -> dict[str, Any]:
    return aws.unsigned("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="test", WebIdentityToken=token
    )


@pytest.fixture(scope="module")
def session(aws: Any, role: str) -> tuple[str, str, str]:
    """Credentials of the role."""
    given = assume(aws, role, aws.kubernetes.token())["Credentials"]
    return given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]


def test_the_right_service_account(aws: Any, session: tuple[str, str, str]) -> None:
    identity = aws.client("sts", session).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/reader/test"


def tampered(token: str) -> str:
    header, payload, signature = token.split(".")
    return ".".join([header, payload, signature[:-8] + "AAAAAAAA"])


@pytest.mark.parametrize(
    ("token", "code", "text"),
    [
        pytest.param(
            lambda k: k.token("system:serviceaccount:observability:intruder"),
            "AccessDenied",
            f"Not authorized to perform {ACTION}",
            id="another service account",
        ),
        pytest.param(
            lambda k: k.token("system:serviceaccount:default:aurora-access"),
            "AccessDenied",
            f"Not authorized to perform {ACTION}",
            id="another namespace",
        ),
        pytest.param(
            lambda k: k.token(aud=["other"]), "InvalidIdentityToken", "audience", id="another audience"
        ),
        pytest.param(lambda k: k.token(aud=None), "InvalidIdentityToken", "audience", id="no audience"),
        pytest.param(
            lambda k: k.token(exp=int(time.time()) - 5),
            "ExpiredTokenException",
            "expired",
            id="expired token",
        ),
        pytest.param(lambda k: k.token(exp=None), "ExpiredTokenException", "expired", id="no expiry"),
        pytest.param(lambda k: "a.b.c", "InvalidIdentityToken", "valid JWT", id="garbage"),
        pytest.param(
            lambda k: tampered(k.token()), "InvalidIdentityToken", "verification key", id="tampered"
        ),
        pytest.param(
            lambda k: k.token(iss="https://oidc.eks.eu-central-1.amazonaws.com/id/0"),
            "InvalidIdentityToken",
            "No OpenIDConnect provider",
            id="unknown issuer",
        ),
    ],
)
def test_refused_tokens(aws: Any, refusal: Any, role: str, token: Any, code: str, text: str) -> None:
    found, message = refusal(lambda: assume(aws, role, token(aws.kubernetes)))
    assert found == code
    assert text in message


def test_a_token_of_another_key(aws: Any, refusal: Any, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forger = RSAKey.generate_key(2048, {"kid": "test"})
    with monkeypatch.context() as patch:
        patch.setattr(aws.kubernetes, "key", forger)
        token = aws.kubernetes.token()
    assert refusal(lambda: assume(aws, role, token))[0] == "InvalidIdentityToken"


def test_an_unknown_role(aws: Any, refusal: Any) -> None:
    unknown = "arn:aws:iam::123456789012:role/nope"
    assert refusal(lambda: assume(aws, unknown, aws.kubernetes.token()))[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("name", "document", "code"),
    [
        pytest.param("without-aud", lambda aws: trust(aws, with_audience=False), None, id="no aud condition"),
        pytest.param("other-aud", lambda aws: trust(aws, aud="other"), "AccessDenied", id="aud that differs"),
        pytest.param("other-sub", lambda aws: trust(aws, sub="other"), "AccessDenied", id="sub that differs"),
    ],
)
def test_trust_policies(aws: Any, refusal: Any, name: str, document: Any, code: str | None) -> None:
    role = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(aws))["Role"]["Arn"]
    if code is None:
        assert assume(aws, role, aws.kubernetes.token())["AssumedRoleUser"]["Arn"].endswith(f"{name}/test")
    else:
        assert refusal(lambda: assume(aws, role, aws.kubernetes.token()))[0] == code


@pytest.mark.parametrize("identifier", ["name", "arn"])
def test_the_role_reads_its_secret(
    aws: Any, secrets: dict[str, str], session: tuple[str, str, str], identifier: str
) -> None:
    wanted = "own" if identifier == "name" else secrets["own"]
    assert (
        aws.client("secretsmanager", session).get_secret_value(SecretId=wanted)["SecretString"]
        == "value of own"
    )


def test_the_role_reads_a_secret_by_pattern(aws: Any, session: tuple[str, str, str]) -> None:
    aws.secretsmanager.create_secret(Name="by-pattern", SecretString="found")
    assert (
        aws.client("secretsmanager", session).get_secret_value(SecretId="by-pattern")["SecretString"]
        == "found"
    )


@pytest.mark.parametrize(
    ("service", "call", "arguments", "code"),
    [
        pytest.param(
            "secretsmanager",
            "get_secret_value",
            {"SecretId": "foreign"},
            "AccessDeniedException",
            id="other secret",
        ),
        pytest.param(
            "secretsmanager",
            "get_secret_value",
            {"SecretId": "absent"},
            "AccessDeniedException",
            id="absent secret",
        ),
        pytest.param("secretsmanager", "list_secrets", {}, "AccessDeniedException", id="list of secrets"),
        pytest.param(
            "secretsmanager",
            "put_secret_value",
            {"SecretId": "own", "SecretString": "x"},
            "AccessDeniedException",
            id="writing its secret",
        ),
        pytest.param("rds", "describe_db_clusters", {}, "AccessDenied", id="databases"),
        pytest.param("iam", "list_roles", {}, "AccessDenied", id="roles"),
    ],
)
def test_the_role_may_do_nothing_else(
    aws: Any,
    refusal: Any,
    session: tuple[str, str, str],
    service: str,
    call: str,
    arguments: dict[str, str],
    code: str,
) -> None:
    found, message = refusal(getattr(aws.client(service, session), call), **arguments)
    assert found == code
    assert "assumed-role/reader/test is not authorized" in message


def test_a_denial_of_a_json_service_is_json(aws: Any, session: tuple[str, str, str]) -> None:
    client = aws.client("secretsmanager", session)
    seen: list[Any] = []
    client.meta.events.register(
        "response-received.*.*", lambda response_dict, **_: seen.append(response_dict)
    )
    with pytest.raises(client.exceptions.ClientError):
        client.list_secrets()
    assert json.loads(seen[0]["body"])["__type"].endswith("AccessDeniedException")


def test_a_wrong_session_token(aws: Any, refusal: Any, session: tuple[str, str, str]) -> None:
    key, secret, token = session
    client = aws.client("secretsmanager", (key, secret, token + "x"))
    assert refusal(client.get_secret_value, SecretId="own")[0] == "UnrecognizedClientException"


def test_assume_role_needs_a_trust_policy_too(aws: Any, refusal: Any, role: str) -> None:
    assert refusal(aws.sts.assume_role, RoleArn=role, RoleSessionName="test")[0] == "AccessDenied"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    trusting = aws.iam.create_role(RoleName="trusting", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    answer = aws.sts.assume_role(RoleArn=trusting, RoleSessionName="test")
    assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/trusting/test")
