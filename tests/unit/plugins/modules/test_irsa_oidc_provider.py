"""irsa_oidc_provider against the laboratory's IAM; every change is seen by boto3."""

from __future__ import annotations

import typing as t

from ansible_collections.eks_observability.stack.plugins.modules.irsa_oidc_provider import main


def test_the_life_of_a_provider(run: t.Any, aws: t.Any, name: str) -> None:
    client, url = aws.client("iam"), f"https://oidc.eks.eu-central-1.amazonaws.com/id/{name}"
    arn = f"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/{name}"

    def seen() -> dict[str, t.Any] | None:
        if arn not in [
            one["Arn"] for one in client.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        ]:
            return None
        found: dict[str, t.Any] = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        return found

    run(main, check=True, url=url)
    assert seen() is None
    assert run.matrix(main, url=url)[1]["arn"] == arn
    client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="other")
    client.remove_client_id_from_open_id_connect_provider(
        OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com"
    )
    results = run.matrix(main, url=url, tags={"project": "demo"})
    assert results[0]["changes"] == ["client_ids", "tags"]
    found = seen()
    assert found
    assert sorted(found["ClientIDList"]) == ["other", "sts.amazonaws.com"]
    assert found["Tags"] == [{"Key": "project", "Value": "demo"}]
    run.matrix(main, url=url, state="absent")
    assert seen() is None
