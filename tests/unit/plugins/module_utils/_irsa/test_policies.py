# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa import policies

CLUSTER = {
    "issuer": "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC",
    "oidc_provider_arn": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC",
}
KEY = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"


def test_trust_names_provider_subject_and_audience() -> None:
    statement = policies.trust_policy(CLUSTER, "observability", ["aurora-access"])["Statement"][0]
    assert statement["Principal"] == {"Federated": CLUSTER["oidc_provider_arn"]}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{KEY}:aud": "sts.amazonaws.com",
            f"{KEY}:sub": "system:serviceaccount:observability:aurora-access",
        }
    }


def test_each_of_several_clusters_gets_its_statement() -> None:
    other = {"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/DEF", "oidc_provider_arn": "arn:other"}
    policy = policies.trust_policy([CLUSTER, other], "observability", ["aurora-access"])
    assert [each["Principal"]["Federated"] for each in policy["Statement"]] == [
        CLUSTER["oidc_provider_arn"],
        "arn:other",
    ]
    assert "oidc.eks.eu-west-1.amazonaws.com/id/DEF:sub" in str(policy["Statement"][1]["Condition"])


def test_the_value_of_a_secret_is_denied_to_everybody_else() -> None:
    statement = policies.access_policy(["arn:reader"], ["arn:admin"])["Statement"][0]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": ["arn:admin", "arn:reader"]}}
    assert "secretsmanager:GetSecretValue" in statement["Action"]
    assert not [action for action in statement["Action"] if "Policy" in action], "the policy can be mended"


@pytest.mark.parametrize(
    ("region", "keys", "service"),
    [
        pytest.param("eu-central-1", [], None, id="no key, no kms right"),
        pytest.param(
            "eu-central-1",
            ["k"],
            "secretsmanager.eu-central-1.amazonaws.com",
            id="key only through Secrets Manager",
        ),
        pytest.param(
            "cn-north-1", ["k"], "secretsmanager.cn-north-1.amazonaws.com.cn", id="China has its own suffix"
        ),
    ],
)
def test_reader_policy(region: str, keys: list[str], service: str | None) -> None:
    statements = policies.reader_policy(["b", "a"], region, keys)["Statement"]
    assert statements[0]["Resource"] == ["a", "b"]
    via = [s["Condition"]["StringEquals"]["kms:ViaService"] for s in statements[1:]]
    assert via == ([service] if service else [])
