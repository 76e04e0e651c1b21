"""Pods of an account with an IAM role find the role and a token for AWS, as on EKS."""

from __future__ import annotations

from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/reader"
MOUNT = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
TOKEN = {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}


def made(api: Any, core: str, annotations: dict[str, str], **container: Any) -> dict[str, Any]:
    """The specification of a pod as the server keeps it."""
    api.post(f"{core}/serviceaccounts", {"metadata": {"name": "sa", "annotations": annotations}})
    spec = {
        "serviceAccountName": "sa",
        "automountServiceAccountToken": False,
        "containers": [{"name": "c", "image": "i:1", **container}],
    }
    answer = api.post(f"{core}/pods", {"metadata": {"name": "p"}, "spec": spec})
    assert answer.code == 201
    return dict(answer.body["spec"])


def test_role_and_token_are_given(api: Any, core: str) -> None:
    spec = made(api, core, {"eks.amazonaws.com/role-arn": ROLE})
    (container,), (volume,) = spec["containers"], spec["volumes"]
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    assert environment["AWS_ROLE_ARN"] == ROLE
    assert environment["AWS_WEB_IDENTITY_TOKEN_FILE"] == f"{MOUNT}/token"
    assert container["volumeMounts"] == [{"name": "aws-iam-token", "mountPath": MOUNT, "readOnly": True}]
    assert volume["name"] == "aws-iam-token"
    assert volume["projected"]["sources"] == [{"serviceAccountToken": TOKEN}]


@pytest.mark.parametrize(
    ("annotations", "changes"),
    [
        pytest.param({"audience": "other"}, {"audience": "other"}, id="audience"),
        pytest.param({"token-expiration": "3600"}, {"expirationSeconds": 3600}, id="lifetime"),
    ],
)
def test_annotations_change_the_token(
    api: Any, core: str, annotations: dict[str, str], changes: dict[str, Any]
) -> None:
    prefixed = {f"eks.amazonaws.com/{name}": value for name, value in annotations.items()}
    spec = made(api, core, {"eks.amazonaws.com/role-arn": ROLE, **prefixed})
    assert spec["volumes"][0]["projected"]["sources"] == [{"serviceAccountToken": {**TOKEN, **changes}}]


def test_what_the_pod_says_itself_stays(api: Any, core: str) -> None:
    own = {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::123456789012:role/own"}
    spec = made(api, core, {"eks.amazonaws.com/role-arn": ROLE}, env=[own])
    assert [entry for entry in spec["containers"][0]["env"] if entry["name"] == "AWS_ROLE_ARN"] == [own]


def test_others_get_nothing(api: Any, core: str) -> None:
    spec = made(api, core, {})
    assert "env" not in spec["containers"][0]
    assert "volumes" not in spec
