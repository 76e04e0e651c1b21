# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa import policies

CLUSTER = {
    "issuer": "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC",
    "oidc_provider_arn": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC",
}
KEY = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"
ROLE_ARN = "arn:aws:iam::123456789012:role/demo"


def role(**conditions: str) -> dict:
    policy = policies.trust_policy(CLUSTER, "observability", ["aurora-access"])
    equals = policy["Statement"][0]["Condition"]["StringEquals"]
    for claim, value in conditions.items():
        equals[f"{KEY}:{claim}"] = value
        if not value:
            del equals[f"{KEY}:{claim}"]
    return {"arn": ROLE_ARN, "assume_role_policy_document": policy}


def account(annotation: str | None = ROLE_ARN) -> dict:
    return {"metadata": {"annotations": {policies.ROLE_ANNOTATION: annotation} if annotation else None}}


def other_issuer() -> dict:
    changed = copy.deepcopy(role())
    changed["assume_role_policy_document"]["Statement"][0]["Principal"]["Federated"] = (
        "arn:aws:iam::1:oidc-provider/other"
    )
    return changed


def test_trust_names_provider_subject_and_audience() -> None:
    statement = policies.trust_policy(CLUSTER, "observability", ["aurora-access"])["Statement"][0]
    assert statement["Principal"] == {"Federated": CLUSTER["oidc_provider_arn"]}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{KEY}:aud": "sts.amazonaws.com",
            f"{KEY}:sub": "system:serviceaccount:observability:aurora-access",
        }
    }


@pytest.mark.parametrize(
    ("the_role", "the_account", "words"),
    [
        pytest.param(role(), account(), [], id="a right trust has no fault"),
        pytest.param(
            role(sub="system:serviceaccount:default:aurora-access"),
            account(),
            [":sub is", "default"],
            id="other namespace",
        ),
        pytest.param(role(sub=""), account(), [":sub is missing"], id="no sub"),
        pytest.param(role(aud=""), account(), [":aud is missing", "sts.amazonaws.com"], id="no aud"),
        pytest.param(role(aud="other"), account(), [":aud is other"], id="other aud"),
        pytest.param(role(), account(None), ["annotation", "missing"], id="no annotation"),
        pytest.param(
            role(),
            account("arn:aws:iam::1:role/other"),
            ["annotation", "role/other"],
            id="other role annotated",
        ),
        pytest.param(role(), {}, ["does not exist"], id="no service account"),
        pytest.param({}, account(), ["IAM role does not exist"], id="no role"),
        pytest.param(other_issuer(), account(), ["Principal.Federated", "other"], id="other issuer"),
    ],
)
def test_faults_are_named(the_role: dict, the_account: dict, words: list[str]) -> None:
    found = policies.faults(CLUSTER, "observability", "aurora-access", the_role, the_account)
    assert bool(found) == bool(words)
    assert all(word in " ".join(found) for word in words)


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
