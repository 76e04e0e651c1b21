# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look in AWS names no cause that is none: what it cannot judge, it leaves to others."""

from __future__ import annotations

import functools
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.in_aws import look
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.sync import sync
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from botocore.exceptions import ClientError

from tests.unit.plugins.module_utils._external_secrets.fake_cluster import (
    PATHS,
    ROLE,
    WANTED,
    Cluster,
    Object,
    once,
)
from tests.unit.plugins.module_utils._external_secrets.test_providers import PARAMETER, with_vault

OWN, OTHER = "123456789012", "999999999999"
KEY = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"
PROVIDER = f"arn:aws:iam::{OWN}:oidc-provider/{KEY}"
SUB = "system:serviceaccount:observability:aurora-access"
TIMEOUT = (
    "operation error STS: AssumeRoleWithWebIdentity, exceeded maximum number of attempts, dial tcp "
    "10.1.1.1:443: i/o timeout"
)
FITS = {"StringEquals": {f"{KEY}:sub": SUB, f"{KEY}:aud": "sts.amazonaws.com"}}
TOO_WIDE = {
    "StringEquals": {f"{KEY}:aud": "sts.amazonaws.com"},
    "StringLike": {f"{KEY}:sub": "system:serviceaccount:observability:*"},
}
UNJUDGED = {"ForAnyValue:StringEquals": {f"{KEY}:sub": SUB}}
OWN_AUDIENCE = {"StringEquals": {f"{KEY}:sub": SUB, f"{KEY}:aud": "own"}}


class Account:
    """An account of AWS, as its clients show it; `asked` are the secrets that were asked for."""

    def __init__(
        self, condition: Object | None = None, own: str = OWN, secrets: dict[str, str] | None = None
    ) -> None:
        self.condition = condition
        self.own = own
        self.secrets = secrets or {}
        self.asked: list[str] = []

    def get_caller_identity(self) -> Object:
        return {"Account": self.own}

    def get_role(self, RoleName: str) -> Object:  # noqa: N803 - as boto3 calls it
        if self.condition is None:
            raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "none"}}, "GetRole")
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": self.condition,
        }
        return {"Role": {"Arn": ROLE, "AssumeRolePolicyDocument": {"Statement": [statement]}}}

    def list_open_id_connect_providers(self) -> Object:
        return {"OpenIDConnectProviderList": [{"Arn": PROVIDER}]}

    def describe_secret(self, SecretId: str) -> Object:  # noqa: N803
        self.asked.append(SecretId)
        if SecretId not in self.secrets:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeSecret")
        return {"VersionIdsToStages": {"1": ["AWSCURRENT"]}}

    def get_secret_value(self, SecretId: str) -> Object:  # noqa: N803
        return {"SecretString": self.secrets[SecretId]}


def cause(cluster: Cluster, account: Account) -> str:
    looking = functools.partial(look, lambda service, region: account)
    (found,) = sync(cluster, "observability", [WANTED], once, looking)[1]
    return f"{found.what}. {found.remedy}"


@pytest.mark.parametrize(
    ("condition", "audience"),
    [
        pytest.param(FITS, "", id="that fits"),
        pytest.param(TOO_WIDE, "", id="that is too wide"),
        pytest.param(UNJUDGED, "", id="that cannot be judged"),
        pytest.param(OWN_AUDIENCE, "own", id="for an audience of the account's own"),
    ],
)
@pytest.mark.parametrize(
    ("messages", "said"),
    [
        pytest.param([TIMEOUT], "AWS does not answer External Secrets", id="an event wins"),
        pytest.param([], "nothing is seen that keeps ServiceAccount", id="nothing is made up"),
    ],
)
def test_a_trust_is_no_cause(condition: Object, audience: str, messages: list[str], said: str) -> None:
    cluster = Cluster()
    cluster.fail(*messages, store=True)
    if audience:
        cluster.objects["account"]["metadata"]["annotations"]["eks.amazonaws.com/audience"] = audience
    assert said in cause(cluster, Account(condition))
    assert "admits others" not in cause(cluster, Account(condition))


@pytest.mark.parametrize(
    ("own", "said"),
    [
        pytest.param(OWN, f"the role {ROLE} does not exist", id="own account"),
        pytest.param(
            OTHER,
            f"AWS was not looked at: {ROLE} is of account {OWN}, and the credentials are of {OTHER}",
            id="another account",
        ),
    ],
)
def test_a_role_that_is_not_found(own: str, said: str) -> None:
    cluster = Cluster()
    cluster.fail(store=True)
    found = cause(cluster, Account(own=own))
    assert said in found
    assert ("does not exist" in found) is (own == OWN)


@pytest.mark.parametrize(
    ("own", "role", "said"),
    [
        pytest.param(OWN, None, "Secrets Manager has no secret orders", id="own account"),
        pytest.param(OTHER, None, f"is of account {OWN}", id="another account"),
        pytest.param(
            OWN,
            f"arn:aws:iam::{OTHER}:role/reader",
            f"is of account {OTHER}",
            id="another account, by the role of the store",
        ),
    ],
)
def test_a_secret_is_looked_for_in_the_account_of_the_role(own: str, role: str | None, said: str) -> None:
    cluster, account = Cluster(), Account(own=own)
    cluster.fail()
    if role:
        cluster.objects["store"]["spec"]["provider"]["aws"]["role"] = role
    assert said in cause(cluster, account)
    assert bool(account.asked) is (said == "Secrets Manager has no secret orders")


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        pytest.param([PARAMETER], "may not read secret orders", id="an event wins"),
        pytest.param([], "Parameter Store was not looked at", id="nothing is made up"),
    ],
)
def test_parameters_are_no_secrets(messages: list[str], said: str) -> None:
    cluster, account = Cluster(), Account()
    cluster.fail(*messages)
    cluster.objects["store"]["spec"]["provider"]["aws"]["service"] = "ParameterStore"
    assert said in cause(cluster, account)
    assert account.asked == []


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        pytest.param(
            ["error processing spec.data[1] (key: kv), err: permission denied"],
            "last event: error processing spec.data[1] (key: kv), err: permission denied",
            id="an event is told",
        ),
        pytest.param([], "the event that says why is gone", id="nothing is made up"),
    ],
)
def test_what_another_store_keeps_is_not_looked_for(messages: list[str], said: str) -> None:
    cluster, account = with_vault(*messages), Account(secrets={"orders": '{"username": "app"}'})
    cluster.objects["external_secret"]["spec"]["dataFrom"] = []
    assert said in cause(cluster, account)
    assert account.asked == ["orders"]


def test_a_document_that_nests_without_end_is_not_judged() -> None:
    cluster = Cluster()
    cluster.fail()
    deep = Account(secrets={"orders": '{"username": ' + "[" * 5000 + "]" * 5000 + "}"})
    assert "secret orders nests too deep to be looked at" in cause(cluster, deep)


def test_without_the_issuer_a_trust_is_not_judged() -> None:
    class Guarded(Cluster):
        def get(self, path: str, query: t.Sequence[tuple[str, str]] = ()) -> Object | None:
            if path == PATHS["discovery"]:
                raise KubernetesError("403 for the issuer")
            return super().get(path, query)

    cluster = Guarded()
    cluster.fail(store=True)
    found = cause(cluster, Account({"StringEquals": {f"{KEY}:sub": "nobody"}}))
    assert "the issuer of the cluster is not known (403 for the issuer)" in found
