# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes are told in the words of the provider that they are of."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)

from tests.unit.plugins.module_utils._external_secrets.fake_cluster import (
    PATHS,
    ROLE,
    SYNCED,
    Cluster,
    Object,
    causes,
)
from tests.unit.plugins.module_utils._external_secrets.faults import Change, both, change, drop, fail

VAULT = {"vault": {"server": "https://vault"}}
NAMELESS = {"aws": {"service": "SecretsManager", "region": "eu-central-1"}}
ABSENT = "error processing spec.data[0] (key: orders), err: Secret does not exist"
LOOKUP = 'Get "https://vault": dial tcp: lookup vault on 10.0.0.10:53: no such host'
TRUST = "operation error STS: AssumeRoleWithWebIdentity, api error AccessDenied: Not authorized"
PARAMETER = (
    "operation error SSM: GetParameter, StatusCode: 400, api error AccessDeniedException: User: x is not "
    "authorized to perform: ssm:GetParameter on resource: y"
)
#: What a cause of another provider must not name.
OF_AWS = ("AWS", "Secrets Manager", "secretsmanager", "region", "(none)", "role")


def of_vault(message: str, store: bool = False) -> Change:
    return both(fail(message, store=store), change("store", "spec.provider", VAULT))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param(
            of_vault(ABSENT),
            "The provider of SecretStore aurora-secret-store has no secret orders",
            id="a secret that is not there",
        ),
        pytest.param(
            of_vault(LOOKUP),
            "The provider of SecretStore aurora-secret-store does not answer External Secrets (lookup vault",
            id="a server that does not answer",
        ),
        pytest.param(
            of_vault(LOOKUP, store=True),
            "The provider of SecretStore aurora-secret-store does not answer External Secrets (lookup vault",
            id="a store whose server does not answer",
        ),
        pytest.param(
            of_vault("Code: 403. Errors: AccessDenied"),
            "could not read secret orders; last event: Code: 403. Errors: AccessDenied",
            id="words that would be of AWS",
        ),
        pytest.param(
            of_vault("unable to log in", store=True),
            "SecretStore aurora-secret-store is not ready",
            id="a store that is not ready",
        ),
        pytest.param(
            both(
                drop("secret"),
                change("store", "spec.provider", VAULT),
                change("external_secret", "status.conditions", [{**SYNCED, "reason": "SecretDeleted"}]),
            ),
            "(deletionPolicy Delete), because the provider of SecretStore aurora-secret-store has no secret",
            id="a Secret that went with its document",
        ),
    ],
)
def test_another_provider(broken: Change, said: str) -> None:
    cluster = Cluster()
    broken(cluster)
    (cause,) = causes(cluster)
    assert said in cause.what
    words = f"{cause.what} {cause.remedy}".replace("last event: Code: 403", "")
    assert [word for word in OF_AWS if word in words] == []


@pytest.mark.parametrize(
    ("message", "what", "remedy"),
    [
        pytest.param(ABSENT, "Parameter Store has no secret orders", "remoteRef.key", id="not there"),
        pytest.param(
            PARAMETER, f"Role {ROLE} may not read secret orders", "ssm:GetParameter on", id="denied"
        ),
        pytest.param("", "could not read secret orders", "(ssm:GetParameter). To have", id="no event"),
    ],
)
def test_parameter_store(message: str, what: str, remedy: str) -> None:
    cluster = Cluster()
    cluster.fail(*([message] if message else []))
    cluster.objects["store"]["spec"]["provider"]["aws"]["service"] = "ParameterStore"
    (cause,) = causes(cluster)
    assert what in cause.what
    assert remedy in cause.remedy
    assert "secretsmanager" not in cause.remedy


def test_a_store_that_names_no_service_account() -> None:
    cluster = Cluster()
    cluster.fail(TRUST, store=True)
    cluster.objects["store"]["spec"]["provider"] = NAMELESS
    (cause,) = causes(cluster)
    assert "cannot become the role with which SecretStore aurora-secret-store reads: Acc" in cause.what
    assert "the service account of External Secrets itself" in cause.remedy
    assert "(none)" not in f"{cause.what}{cause.remedy}"


@pytest.mark.parametrize(
    "policy",
    [
        "service control policy",
        "permissions boundary",
        "VPC endpoint policy",
        "identity-based policy",
        "resource-based policy",
        "session policy",
    ],
)
def test_the_policy_that_denies(policy: str) -> None:
    cluster = Cluster()
    cluster.fail(
        "AccessDeniedException: User: x is not authorized to perform: secretsmanager:GetSecretValue on "
        f"resource: y with an explicit deny in a {policy}"
    )
    assert f"a Deny in the {policy} forbids it" in causes(cluster)[0].what


def with_vault(*messages: str) -> Cluster:
    """An external secret whose second value is of a vault."""
    cluster = Cluster()
    cluster.fail(*messages)
    own = {"storeRef": {"name": "vault", "kind": "SecretStore"}}
    entry = {"secretKey": "b", "remoteRef": {"key": "kv"}, "sourceRef": own}
    cluster.objects["external_secret"]["spec"]["data"].append(entry)
    vault = {**cluster.objects["store"], "metadata": {"namespace": "observability", "name": "vault"}}
    vault["spec"] = {"provider": VAULT}
    cluster.objects["vault"] = vault
    return cluster


@pytest.mark.parametrize(
    ("place", "said"),
    [
        pytest.param("spec.data[0]", "Secrets Manager has no secret orders", id="of the first store"),
        pytest.param(
            "spec.data[1]", "The provider of SecretStore vault has no secret kv", id="of the second store"
        ),
    ],
)
def test_an_event_is_about_the_store_of_its_place(place: str, said: str) -> None:
    cluster = with_vault(f"error processing {place} (key: x), err: Secret does not exist")
    assert said in causes(cluster)[0].what


class Guarded(Cluster):
    """A cluster of which some may not be read."""

    def __init__(self, *hidden: str) -> None:
        super().__init__()
        self.hidden = [PATHS[name] for name in hidden]

    def get(self, path: str, query: t.Sequence[tuple[str, str]] = ()) -> Object | None:
        if path in self.hidden:
            raise KubernetesError(f"403 for {path}")
        return super().get(path, query)


def shared(cluster: Guarded) -> None:
    cluster.objects["external_secret"]["spec"]["secretStoreRef"] = {
        "name": "shared",
        "kind": "ClusterSecretStore",
    }
    cluster.objects["shared"] = cluster.objects.pop("store")


@pytest.mark.parametrize(
    ("hidden", "message", "store", "said"),
    [
        pytest.param(
            ["account"], ABSENT, False, "has no secret orders", id="account, and a secret is missing"
        ),
        pytest.param(
            ["account"],
            TRUST,
            True,
            "cannot become the role of SecretStore aurora-secret-store: AccessDenied",
            id="account, and the role refuses",
        ),
        pytest.param(["store"], ABSENT, False, "has no secret orders", id="store, and a secret is missing"),
        pytest.param(["store"], TRUST, True, "cannot become the role", id="store, and the role refuses"),
        pytest.param(["secret"], "key x does not exist in secret orders", False, "has no key x", id="Secret"),
        pytest.param(
            ["discovery"], "", False, "the event that says why is gone", id="issuer, which is no reason"
        ),
        pytest.param(
            ["secret"], "", False, "the event that says why is gone", id="Secret, which is no reason"
        ),
        pytest.param(["store"], "", False, "403 for /apis/external-secrets.io", id="store, and no event"),
        pytest.param(["account"], "", True, "; 403 for /api/v1", id="account, and no event"),
    ],
)
def test_what_may_not_be_read_does_not_hide_what_may(
    hidden: list[str], message: str, store: bool, said: str
) -> None:
    cluster = Guarded(*hidden)
    cluster.fail(*([message] if message else []), store=store)
    assert said in causes(cluster)[0].what


def test_a_cluster_store_that_may_not_be_read() -> None:
    cluster = Guarded("shared")
    cluster.fail(ABSENT)
    shared(cluster)
    (cause,) = causes(cluster)
    assert "The provider of ClusterSecretStore shared has no secret orders" in cause.what


def test_the_issuer_that_may_not_be_read_is_named_where_the_trust_is_told() -> None:
    cluster = Guarded("discovery")
    cluster.fail(TRUST, store=True)
    assert "(the issuer is not known here: 403 for /.well-known" in causes(cluster)[0].remedy
