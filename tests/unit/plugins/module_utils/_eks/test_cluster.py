"""The summary of an EKS cluster."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._eks.cluster import (
    provider_of,
    summary,
)

ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF"


@pytest.mark.parametrize(
    ("issuer", "providers", "expected"),
    [
        pytest.param(ISSUER, [PROVIDER], PROVIDER, id="the provider of this issuer"),
        pytest.param(ISSUER, [PROVIDER + "0", "arn:aws:iam::1:oidc-provider/x"], None, id="only others"),
        pytest.param(ISSUER, [], None, id="none in IAM"),
        pytest.param(None, [PROVIDER], None, id="a cluster without an issuer"),
    ],
)
def test_provider(issuer: str | None, providers: list[str], expected: str | None) -> None:
    assert provider_of(issuer, providers) == expected


@pytest.mark.parametrize(
    ("partition", "region"),
    [
        pytest.param("aws", "eu-central-1", id="standard partition"),
        pytest.param("aws-cn", "cn-north-1", id="China"),
        pytest.param("aws-us-gov", "us-gov-west-1", id="GovCloud"),
    ],
)
def test_partition_region_and_account_come_from_the_arn(partition: str, region: str) -> None:
    cluster: dict[str, t.Any] = {
        "name": "lab",
        "arn": f"arn:{partition}:eks:{region}:123456789012:cluster/lab",
    }
    read = summary(cluster, [])
    assert (read["partition"], read["region"], read["account"]) == (partition, region, "123456789012")


def test_a_cluster_that_is_being_created_has_gaps() -> None:
    read = summary({"name": "lab", "arn": "arn:aws:eks:r:1:cluster/lab", "status": "CREATING"}, [PROVIDER])
    assert read["issuer"] is None
    assert read["oidc_provider_arn"] is None
    assert read["subnet_ids"] == []
