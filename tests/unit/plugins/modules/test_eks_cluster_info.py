"""eks_cluster_info against the laboratory's AWS."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.modules.eks_cluster_info import main


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
def test_it_reads_what_boto3_reads(run: t.Any, aws: t.Any, check: bool) -> None:
    expected = aws.client("eks").describe_cluster(name="lab")["cluster"]
    issuer = expected["identity"]["oidc"]["issuer"].removeprefix("https://")
    providers = aws.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    (provider,) = [one for one in providers if one["Arn"].endswith(issuer)]
    result = run(main, check=check, name="lab")
    cluster = result["cluster"]
    assert not result["changed"]
    assert cluster["issuer"] == expected["identity"]["oidc"]["issuer"]
    assert cluster["oidc_provider_arn"] == provider["Arn"]
    assert cluster["oidc_client_ids"] == ["sts.amazonaws.com"]
    assert result["clusters"] == [cluster]
    assert cluster["vpc_id"] == expected["resourcesVpcConfig"]["vpcId"]
    assert cluster["subnet_ids"] == sorted(expected["resourcesVpcConfig"]["subnetIds"])
    assert cluster["cluster_security_group_id"] == expected["resourcesVpcConfig"]["clusterSecurityGroupId"]
    assert (cluster["partition"], cluster["account"]) == ("aws", "123456789012")
    assert run.calls.mutating == []


def test_several_clusters_come_in_the_order_of_the_task(run: t.Any, aws: t.Any, name: str) -> None:
    eks = aws.client("eks")
    network = eks.describe_cluster(name="lab")["cluster"]["resourcesVpcConfig"]
    eks.create_cluster(
        name=name,
        roleArn="arn:aws:iam::123456789012:role/eks",
        resourcesVpcConfig={"subnetIds": network["subnetIds"]},
    )
    result = run(main, name=name, more_names=["lab"])
    assert [cluster["name"] for cluster in result["clusters"]] == [name, "lab"]
    assert result["cluster"] == result["clusters"][0]
    assert result["cluster"]["oidc_provider_arn"] is None
    assert result["cluster"]["oidc_client_ids"] == []


def test_a_missing_cluster_is_a_clear_failure(run: t.Any, aws: t.Any) -> None:
    assert run.failure(main, name="nowhere").startswith(
        "There is no EKS cluster nowhere in region eu-central-1. Check the name"
    )


def test_missing_credentials_are_a_sentence(run: t.Any, aws: t.Any, monkeypatch: t.Any) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    assert run.failure(main, name="lab") == (
        "Failed to describe EKS cluster lab: Unable to locate credentials. Could not reach AWS without"
        " credentials. Set AWS_PROFILE to a profile that can log in, or AWS_ACCESS_KEY_ID and"
        " AWS_SECRET_ACCESS_KEY."
    )
