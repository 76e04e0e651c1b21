# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM roles for service accounts: the two policies.

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
    clusters: t.Mapping[str, t.Any] | t.Sequence[t.Mapping[str, t.Any]],
    namespace: str,
    service_accounts: t.Sequence[str],
) -> dict[str, t.Any]:
    """Trust for exactly these service accounts, in one EKS cluster or in each of several.

    A cluster is the C(cluster) that eks_cluster_info returns.
    """
    listed = [clusters] if isinstance(clusters, t.Mapping) else clusters
    return {
        "Version": "2012-10-17",
        "Statement": [_trust(cluster, namespace, service_accounts) for cluster in listed],
    }


def _trust(
    cluster: t.Mapping[str, t.Any], namespace: str, service_accounts: t.Sequence[str]
) -> dict[str, t.Any]:
    key = issuer_key(cluster["issuer"])
    subjects = [subject(namespace, name) for name in service_accounts]
    return {
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


def access_policy(readers: t.Sequence[str], administrators: t.Sequence[str]) -> dict[str, t.Any]:
    """Resource policy of a secret: its value is for these principals of the account alone.

    Both are ARNs of users and roles, in which * and ? are wildcards. What is not about the value, such as
    this policy, stays in the hands of those whom IAM lets.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NobodyElse",
                "Effect": "Deny",
                "Principal": "*",
                "Action": [
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
                "Resource": "*",
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": sorted({*readers, *administrators})}},
            }
        ],
    }
