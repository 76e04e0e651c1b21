# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a service account cannot assume a role: every field that can be wrong is named."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa import policies
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.explanation import Trust

KEY = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"
CLUSTER = {
    "issuer": f"https://{KEY}",
    "oidc_provider_arn": f"arn:aws:iam::123456789012:oidc-provider/{KEY}",
    "oidc_client_ids": ["sts.amazonaws.com"],
}
ROLE_ARN = "arn:aws:iam::123456789012:role/demo"
SUB = "system:serviceaccount:observability:aurora-access"
Role = dict[str, t.Any]


def role(change: t.Callable[[dict[str, t.Any]], object] = lambda statement: None) -> Role:
    """A role whose trust policy is right, but for the change of its statement."""
    policy = policies.trust_policy(CLUSTER, "observability", ["aurora-access"])
    change(policy["Statement"][0])
    return {"arn": ROLE_ARN, "assume_role_policy_document": policy}


def claim(name: str, value: t.Any, operator: str = "StringEquals") -> Role:
    """A role whose condition on a claim is another; a value of None takes it away."""

    def change(statement: dict[str, t.Any]) -> None:
        del statement["Condition"]["StringEquals"][f"{KEY}:{name}"]
        if value is not None:
            statement["Condition"].setdefault(operator, {})[f"{KEY}:{name}"] = value

    return role(change)


def federated(arn: str) -> Role:
    return role(lambda statement: statement["Principal"].update(Federated=arn))


def with_statement(**statement: t.Any) -> Role:
    """The right role with one more statement."""
    changed = copy.deepcopy(role())
    changed["assume_role_policy_document"]["Statement"].append(statement)
    return changed


def annotated(arn: str) -> dict[str, t.Any]:
    return {"metadata": {"annotations": {policies.ROLE_ANNOTATION: arn} if arn else None}}


DENY = {"Effect": "Deny", "Principal": {"Federated": CLUSTER["oidc_provider_arn"]}, "Action": "sts:*"}
EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    ("the_role", "the_account", "words"),
    [
        pytest.param(role(), annotated(ROLE_ARN), [], id="all is right"),
        pytest.param(
            claim("sub", [SUB, "system:serviceaccount:a:b"]), annotated(ROLE_ARN), [], id="one of two"
        ),
        pytest.param(
            claim("sub", SUB, "StringLike"), annotated(ROLE_ARN), [], id="a pattern without wildcard"
        ),
        pytest.param(with_statement(**EC2), annotated(ROLE_ARN), [], id="a statement about something else"),
        pytest.param(
            claim("sub", "system:serviceaccount:default:aurora-access"),
            annotated(ROLE_ARN),
            [":sub is", "default", SUB],
            id="sub: another namespace",
        ),
        pytest.param(claim("sub", None), annotated(ROLE_ARN), [":sub is missing", SUB], id="sub: missing"),
        pytest.param(
            claim("aud", None),
            annotated(ROLE_ARN),
            [":aud is missing", "sts.amazonaws.com"],
            id="aud: missing",
        ),
        pytest.param(claim("aud", "other"), annotated(ROLE_ARN), [":aud is other"], id="aud: another"),
        pytest.param(
            claim("sub", "system:serviceaccount:observability:*"),
            annotated(ROLE_ARN),
            ["StringEquals takes * and ? as they are", SUB],
            id="wildcard: where it is none",
        ),
        pytest.param(
            claim("sub", "system:serviceaccount:*:aurora-access", "StringLike"),
            annotated(ROLE_ARN),
            ["admits others", "system:serviceaccount:*:aurora-access", SUB],
            id="wildcard: wider than the account",
        ),
        pytest.param(
            claim("sub", "system:serviceaccount:default:*", "StringLike"),
            annotated(ROLE_ARN),
            [":sub is system:serviceaccount:default:*"],
            id="wildcard: of another namespace",
        ),
        pytest.param(
            federated("arn:aws:iam::123456789012:oidc-provider/other"),
            annotated(ROLE_ARN),
            ["Principal.Federated", "oidc-provider/other"],
            id="issuer: another",
        ),
        pytest.param(
            federated(f"arn:aws:iam::999999999999:oidc-provider/{KEY}"),
            annotated(ROLE_ARN),
            ["account 999999999999", "the role's is 123456789012"],
            id="account: of the provider",
        ),
        pytest.param(
            role(),
            annotated("arn:aws:iam::999999999999:role/demo"),
            ["annotation", "account 999999999999 instead of 123456789012"],
            id="account: of the annotation",
        ),
        pytest.param(role(), annotated(""), ["annotation", "missing", ROLE_ARN], id="annotation: missing"),
        pytest.param(
            role(),
            annotated("arn:aws:iam::123456789012:role/other"),
            ["annotation", "role/other"],
            id="annotation: another role",
        ),
        pytest.param(
            role(),
            {
                "metadata": {
                    "annotations": {policies.ROLE_ANNOTATION: ROLE_ARN, "eks.amazonaws.com/audience": "x"}
                }
            },
            ["eks.amazonaws.com/audience is x"],
            id="annotation: another audience",
        ),
        pytest.param(
            role(),
            {},
            ["service account observability/aurora-access does not exist"],
            id="no service account",
        ),
        pytest.param({}, annotated(ROLE_ARN), ["IAM role does not exist"], id="no role"),
        pytest.param(
            role(lambda statement: statement.update(Action="sts:AssumeRole")),
            annotated(ROLE_ARN),
            ["no statement allows sts:AssumeRoleWithWebIdentity"],
            id="another action",
        ),
        pytest.param(
            claim("sub", SUB, "ForAllValues:StringEquals"),
            annotated(ROLE_ARN),
            ["cannot be judged here", "ForAllValues:StringEquals"],
            id="a condition that it does not know",
        ),
        pytest.param(
            role(
                lambda statement: statement["Condition"]["StringEquals"].update({"aws:SourceIp": "10.0.0.1"})
            ),
            annotated(ROLE_ARN),
            ["aws:SourceIp"],
            id="a key that the token does not carry",
        ),
        pytest.param(with_statement(**DENY), annotated(ROLE_ARN), ["Deny"], id="a deny"),
    ],
)
def test_the_field_that_is_wrong_is_named(
    the_role: Role, the_account: dict[str, t.Any], words: list[str]
) -> None:
    found = Trust(CLUSTER, "observability", "aurora-access", the_role, the_account).faults()
    assert bool(found) == bool(words), found
    assert [word for word in words if word not in " ".join(found)] == [], found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            {"oidc_provider_arn": None}, "IAM has no OIDC provider for the issuer", id="no provider"
        ),
        pytest.param(
            {"oidc_client_ids": ["other"]},
            "takes tokens for other, not sts.amazonaws.com",
            id="another audience",
        ),
        pytest.param({"oidc_client_ids": None}, "", id="audiences that nobody has looked at"),
    ],
)
def test_the_provider_is_looked_at(change: dict[str, t.Any], words: str) -> None:
    found = Trust(
        {**CLUSTER, **change}, "observability", "aurora-access", role(), annotated(ROLE_ARN)
    ).faults()
    assert words in " ".join(found)
    assert bool(found) == bool(words)


def for_audience(audience: str) -> dict[str, t.Any]:
    account = annotated(ROLE_ARN)
    account["metadata"]["annotations"]["eks.amazonaws.com/audience"] = audience
    return account


def also(change: t.Callable[[dict[str, t.Any]], object], the_role: Role) -> Role:
    change(the_role["assume_role_policy_document"]["Statement"][0]["Condition"])
    return the_role


@pytest.mark.parametrize(
    ("the_role", "the_account", "refused"),
    [
        pytest.param(role(), annotated(ROLE_ARN), "", id="all is right"),
        pytest.param(
            claim("sub", "system:serviceaccount:observability:*", "StringLike"),
            annotated(ROLE_ARN),
            "",
            id="wider than the account",
        ),
        pytest.param(claim("aud", None), annotated(ROLE_ARN), "", id="aud: any"),
        pytest.param(
            claim("sub", SUB, "ForAllValues:StringEquals"), annotated(ROLE_ARN), "", id="an unknown condition"
        ),
        pytest.param(
            also(lambda condition: condition["StringEquals"].update({"aws:SourceIp": "10.0.0.1"}), role()),
            annotated(ROLE_ARN),
            "",
            id="a key that is not of the token",
        ),
        pytest.param(
            also(lambda condition: condition["StringEquals"].update({f"{KEY}:amr": "x"}), role()),
            annotated(ROLE_ARN),
            f"asks for {KEY}:amr",
            id="a claim that the token lacks",
        ),
        pytest.param(claim("aud", "own"), for_audience("own"), "", id="an audience of its own that fits"),
        pytest.param(
            role(), for_audience("own"), ":aud is sts.amazonaws.com, not own", id="an audience of its own"
        ),
        pytest.param(claim("sub", "x"), annotated(ROLE_ARN), ":sub is x", id="another sub"),
        pytest.param(
            also(lambda condition: condition["StringEquals"].pop(f"{KEY}:sub"), claim("aud", "other")),
            annotated(ROLE_ARN),
            ":aud is other",
            id="any sub, and another aud",
        ),
        pytest.param(with_statement(**DENY), annotated(ROLE_ARN), "has a Deny", id="a deny"),
    ],
)
def test_what_certainly_refuses(the_role: Role, the_account: dict[str, t.Any], refused: str) -> None:
    cluster = {**CLUSTER, "oidc_client_ids": None}
    found = Trust(cluster, "observability", "aurora-access", the_role, the_account).refusals()
    assert bool(found) == bool(refused), found
    assert refused in " ".join(found)
