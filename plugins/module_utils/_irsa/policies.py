# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM roles for service accounts: the two policies, and why an account cannot assume a role.

This module util is private to the collection. Plain data in, plain data out: nothing here talks to AWS.
"""

from __future__ import annotations

import typing as t

AUDIENCE = "sts.amazonaws.com"
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
ASSUME = "sts:AssumeRoleWithWebIdentity"


def issuer_key(issuer: str) -> str:
    """The issuer as IAM spells it in condition keys and provider ARNs: without its scheme."""
    return issuer.removeprefix("https://")


def subject(namespace: str, service_account: str) -> str:
    """The C(sub) claim of a service account's token."""
    return f"system:serviceaccount:{namespace}:{service_account}"


def trust_policy(
    cluster: t.Mapping[str, t.Any], namespace: str, service_accounts: t.Sequence[str]
) -> dict[str, t.Any]:
    """Trust for exactly these service accounts of one EKS cluster.

    cluster is the C(cluster) that eks_cluster_info returns.
    """
    key = issuer_key(cluster["issuer"])
    subjects = [subject(namespace, name) for name in service_accounts]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": cluster["oidc_provider_arn"]},
                "Action": ASSUME,
                "Condition": {
                    "StringEquals": {
                        f"{key}:aud": AUDIENCE,
                        f"{key}:sub": subjects[0] if len(subjects) == 1 else subjects,
                    }
                },
            }
        ],
    }


def reader_policy(
    secret_arns: t.Sequence[str], region: str, kms_key_arns: t.Sequence[str] = ()
) -> dict[str, t.Any]:
    """Read these secrets; decrypt with these keys, and only when Secrets Manager asks."""
    statements: list[dict[str, t.Any]] = [
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            "Resource": sorted(secret_arns),
        }
    ]
    if kms_key_arns:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        statements.append(
            {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": sorted(kms_key_arns),
                "Condition": {"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.{suffix}"}},
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def faults(
    cluster: t.Mapping[str, t.Any],
    namespace: str,
    service_account: str,
    role: t.Mapping[str, t.Any],
    account: t.Mapping[str, t.Any],
) -> list[str]:
    """Why the service account cannot assume the role; an empty list when it can.

    role is an entry of iam_role_info's C(iam_roles), account a ServiceAccount object; either may be empty.
    """
    if not account:
        return [f"the service account {namespace}/{service_account} does not exist"]
    if not role:
        return ["the IAM role does not exist"]
    found = []
    annotation = (account["metadata"].get("annotations") or {}).get(ROLE_ANNOTATION)
    if annotation != role["arn"]:
        found.append(f"its annotation {ROLE_ANNOTATION} is {annotation or 'missing'}, not {role['arn']}")
    reasons = [
        _statement_fault(statement, cluster, subject(namespace, service_account))
        for statement in _listed(role["assume_role_policy_document"]["Statement"])
    ]
    if all(reasons):
        found.append("the trust policy does not admit it: " + ", or ".join(dict.fromkeys(map(str, reasons))))
    return found


def _statement_fault(
    statement: t.Mapping[str, t.Any], cluster: t.Mapping[str, t.Any], sub: str
) -> str | None:
    """Why one statement of a trust policy does not admit the subject, or None when it does."""
    if statement.get("Effect") != "Allow" or ASSUME not in _listed(statement.get("Action")):
        return f"no statement allows {ASSUME}"
    principal = statement.get("Principal")
    federated = _listed(principal.get("Federated")) if isinstance(principal, dict) else []
    if cluster["oidc_provider_arn"] not in federated:
        return (
            f"Principal.Federated is {', '.join(federated) or 'missing'}, not {cluster['oidc_provider_arn']}"
        )
    key = issuer_key(cluster["issuer"])
    for claim, wanted in (("sub", sub), ("aud", AUDIENCE)):
        values = _condition(statement, f"{key}:{claim}")
        if not values:
            return f"the condition {key}:{claim} is missing; it must be {wanted}"
        if wanted not in values:
            return f"the condition {key}:{claim} is {', '.join(values)}, not {wanted}"
    return None


def _condition(statement: t.Mapping[str, t.Any], key: str) -> list[str]:
    """The values that StringEquals or StringLike name for a condition key."""
    tests = statement.get("Condition") or {}
    return [
        value
        for operator in ("StringEquals", "StringLike")
        for value in _listed((tests.get(operator) or {}).get(key))
    ]


def _listed(value: t.Any) -> list[t.Any]:
    """IAM writes a list of one as its only element."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
