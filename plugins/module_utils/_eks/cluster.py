# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection needs to know of an EKS cluster."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Sequence

from . import api

if t.TYPE_CHECKING:
    from mypy_boto3_eks.client import EKSClient
    from mypy_boto3_iam.client import IAMClient


def read_clusters(eks: EKSClient, iam: IAMClient, names: Sequence[str]) -> list[dict[str, t.Any]]:
    """Describe clusters and the IAM providers that trust their tokens."""
    described = [_describe(eks, name) for name in names]
    providers = api.list_oidc_providers(iam)
    clusters = [summary(cluster, providers) for cluster in described]
    for cluster in clusters:
        arn = cluster["oidc_provider_arn"]
        provider = (api.read_oidc_provider(iam, arn) if arn else None) or {}
        cluster["oidc_client_ids"] = sorted(provider.get("ClientIDList", []))
    return clusters


def _describe(eks: EKSClient, name: str) -> api.Answer:
    cluster = api.describe_cluster(eks, name)
    if cluster is None:
        raise api.EksError(
            f"There is no EKS cluster {name} in region {eks.meta.region_name}."
            " Check the name, the region and the account of the credentials"
        )
    return cluster


def summary(cluster: api.Answer, providers: Iterable[str]) -> dict[str, t.Any]:
    """The cluster as the module returns it. `providers` are the ARNs of IAM's OIDC providers."""
    _arn, partition, _service, region, account, _resource = cluster["arn"].split(":", 5)
    network = cluster.get("resourcesVpcConfig", {})
    issuer = cluster.get("identity", {}).get("oidc", {}).get("issuer")
    return {
        "name": cluster["name"],
        "arn": cluster["arn"],
        "account": account,
        "partition": partition,
        "region": region,
        "endpoint": cluster.get("endpoint"),
        "issuer": issuer,
        "oidc_provider_arn": provider_of(issuer, providers),
        "vpc_id": network.get("vpcId"),
        "subnet_ids": sorted(network.get("subnetIds", [])),
        "cluster_security_group_id": network.get("clusterSecurityGroupId"),
        "version": cluster.get("version"),
        "status": cluster.get("status"),
    }


def provider_of(issuer: str | None, providers: Iterable[str]) -> str | None:
    """IAM names a provider by its issuer without the scheme."""
    if issuer is None:
        return None
    ending = f":oidc-provider/{issuer.removeprefix('https://')}"
    return next((arn for arn in providers if arn.endswith(ending)), None)
