# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function per call to EKS and IAM: no decisions here."""

from __future__ import annotations

import typing as t

from .._aws import AwsError, aws_call, aws_lookup

if t.TYPE_CHECKING:
    from mypy_boto3_eks.client import EKSClient
    from mypy_boto3_iam.client import IAMClient

Answer = dict[str, t.Any]


class EksError(AwsError):
    """A call to EKS or IAM failed, or there is no such cluster."""


@aws_lookup(EksError, "describe EKS cluster {name}", "ResourceNotFoundException")
def describe_cluster(client: EKSClient, name: str) -> Answer:
    return t.cast(Answer, client.describe_cluster(name=name)["cluster"])


@aws_call(EksError, "list the OIDC providers of IAM")
def list_oidc_providers(client: IAMClient) -> list[str]:
    return [each["Arn"] for each in client.list_open_id_connect_providers()["OpenIDConnectProviderList"]]


@aws_lookup(EksError, "read OIDC provider {arn}", "NoSuchEntity")
def read_oidc_provider(client: IAMClient, arn: str) -> Answer:
    return t.cast(Answer, client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn))
