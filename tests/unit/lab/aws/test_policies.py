"""IAM policy documents."""

from __future__ import annotations

from typing import Any

import pytest

from lab.aws.policies import Verdict, decide, trusts

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:demo-AbCdEf"
ISSUER = "oidc.example/id/A"
SUBJECT = "system:serviceaccount:observability:aurora-access"


def allow(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": ARN, **changes}


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        pytest.param([allow()], Verdict.ALLOW, id="exact ARN"),
        pytest.param(
            [allow(Resource=ARN[:-6] + "??????")], Verdict.ALLOW, id="six question marks for the suffix"
        ),
        pytest.param([allow(Resource=ARN[:-7] + "??????")], Verdict.NOTHING, id="question marks count"),
        pytest.param([allow(Resource="*" * 40 + "-nothing")], Verdict.NOTHING, id="many stars are one"),
        pytest.param([allow(Resource=[ARN + "x", "arn:*:demo-*"])], Verdict.ALLOW, id="one of a list"),
        pytest.param(
            [allow(Action="secretsmanager:getsecretvalue")], Verdict.ALLOW, id="actions ignore case"
        ),
        pytest.param([allow(Action="secretsmanager:Get*")], Verdict.ALLOW, id="action with a wildcard"),
        pytest.param([allow(Action="secretsmanager:ListSecrets")], Verdict.NOTHING, id="another action"),
        pytest.param(
            [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], Verdict.ALLOW, id="NotAction"
        ),
        pytest.param([allow(), allow(Effect="Deny", Resource="*")], Verdict.DENY, id="deny wins"),
        pytest.param([], Verdict.NOTHING, id="no statement"),
        pytest.param(
            [allow(Condition={"StringEquals": {"aws:PrincipalArn": "me"}})],
            Verdict.ALLOW,
            id="condition holds",
        ),
        pytest.param(
            [allow(Condition={"StringEquals": {"aws:principalarn": "you"}})],
            Verdict.NOTHING,
            id="condition does not hold",
        ),
        pytest.param(
            [allow(Condition={"StringEquals": {"aws:Absent": "x"}})], Verdict.NOTHING, id="absent key refuses"
        ),
        pytest.param(
            [allow(Condition={"StringEqualsIfExists": {"aws:Absent": "x"}})],
            Verdict.ALLOW,
            id="absent key passes with IfExists",
        ),
        pytest.param(
            [allow(Condition={"DateLessThan": {"aws:PrincipalArn": "me"}})],
            Verdict.NOTHING,
            id="unknown operator refuses",
        ),
        pytest.param(
            [allow(Effect="Deny", Condition={"StringNotEquals": {"aws:PrincipalArn": "me"}}), allow()],
            Verdict.ALLOW,
            id="deny of all but me",
        ),
    ],
)
def test_decide(statements: list[dict[str, Any]], verdict: Verdict) -> None:
    context = {"aws:PrincipalArn": ["me"]}
    assert decide([{"Statement": statements}], "secretsmanager:GetSecretValue", ARN, context) is verdict


def test_a_single_statement_needs_no_list() -> None:
    assert decide([{"Statement": allow()}], "secretsmanager:GetSecretValue", ARN, {}) is Verdict.ALLOW


@pytest.mark.parametrize(
    ("condition", "trusted"),
    [
        pytest.param(
            {"StringEquals": {f"{ISSUER}:sub": SUBJECT, f"{ISSUER}:aud": "sts"}}, True, id="sub and aud"
        ),
        pytest.param({"StringEquals": {f"{ISSUER}:sub": SUBJECT}}, True, id="no aud condition"),
        pytest.param({"StringLike": {f"{ISSUER}:sub": "system:serviceaccount:*:aurora-*"}}, True, id="like"),
        pytest.param({"StringEquals": {f"{ISSUER}:sub": SUBJECT + "x"}}, False, id="another account"),
        pytest.param(
            {"StringEquals": {f"{ISSUER}:sub": SUBJECT, f"{ISSUER}:aud": "other"}},
            False,
            id="another audience",
        ),
        pytest.param({"StringEquals": {f"{ISSUER}:sub": "system:*"}}, False, id="equals knows no wildcard"),
        pytest.param({"StringEquals": {ISSUER: SUBJECT}}, False, id="key without :sub"),
    ],
)
def test_trust(condition: dict[str, Any], trusted: bool) -> None:
    document = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Federated": "provider"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        }
    }
    context = {f"{ISSUER}:sub": [SUBJECT], f"{ISSUER}:aud": ["sts"]}
    action = "sts:AssumeRoleWithWebIdentity"
    assert trusts(document, action, ("Federated", "provider"), context) is trusted
    assert not trusts(document, action, ("Federated", "another provider"), context)
