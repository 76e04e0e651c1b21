"""From Secrets Manager to a Secret, over Kubernetes' tokens and AWS' permissions: and each way to fail."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from lab.standins.api.kinds import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE
from tests.unit.lab.standins.laboratory import NAMESPACE_NAME, Lab

Object = dict[str, Any]

DOCUMENT = "demo/aurora"
ALL: Object = {"dataFrom": [{"extract": {"key": DOCUMENT}}]}
GET_FAILED = ("False", "SecretSyncedError", "could not get secret data from provider")
UPDATE_FAILED = ("False", "SecretSyncedError", "could not update secret")
SYNCED = ("True", "SecretSynced", "secret synced")
VALID = ("True", "Valid", "store validated")
NO_CLIENT = ("False", "InvalidProviderConfig", "unable to create client")
NOT_VALID = ("False", "InvalidProviderConfig", "unable to validate store")
DENIED = "api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"


@pytest.fixture(scope="module")
def accounts(lab: Lab) -> None:
    document = {"username": "app", "password": "p w+%", "port": 5432}
    manager = lab.aws("secretsmanager")
    manager.create_secret(Name=DOCUMENT, SecretString=json.dumps(document))
    manager.create_secret(Name="demo/other", SecretString="{}")
    subject = f"system:serviceaccount:{NAMESPACE_NAME}"
    lab.account("reader", lab.role("reader", f"{subject}:reader", DOCUMENT))
    lab.account("mistrusted", lab.role("mistrusted", f"{subject}:someone-else", DOCUMENT))
    lab.account("roleless", f"arn:aws:iam::{lab.settings.account}:role/nope")
    lab.account("plain")


def store(lab: Lab, name: str, account: str) -> None:
    reference = {"jwt": {"serviceAccountRef": {"name": account}}}
    aws = {"service": "SecretsManager", "region": lab.settings.region, "auth": reference}
    metadata = {"name": name, "namespace": NAMESPACE_NAME}
    body = {"apiVersion": SECRET_STORE.api, "kind": "SecretStore", "metadata": metadata}
    lab.api.create(SECRET_STORE, {**body, "spec": {"provider": {"aws": aws}}})


def external_secret(lab: Lab, name: str, spec: Object) -> None:
    metadata = {"name": name, "namespace": NAMESPACE_NAME}
    body = {"apiVersion": EXTERNAL_SECRET.api, "kind": "ExternalSecret", "metadata": metadata}
    lab.api.create(EXTERNAL_SECRET, {**body, "spec": {"secretStoreRef": {"name": name}, **spec}})


def ready(obj: Object | None) -> tuple[str, str, str] | None:
    for condition in ((obj or {}).get("status") or {}).get("conditions") or []:
        return condition["status"], condition["reason"], condition["message"]
    return None


def force(lab: Lab, name: str, value: str) -> None:
    annotation = {"metadata": {"annotations": {"force-sync": value}}}
    lab.api.patch(EXTERNAL_SECRET, name, NAMESPACE_NAME, annotation)


def secret_data(lab: Lab, name: str) -> dict[str, str]:
    secret = lab.get(SECRET, name)
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} if secret else {}


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize(
    ("account", "spec", "store_ready", "external_ready", "about", "event"),
    [
        pytest.param(
            "reader", ALL, VALID, SYNCED, "ExternalSecret", ("Created", "secret created"), id="all-is-well"
        ),
        pytest.param(
            "mistrusted",
            ALL,
            NOT_VALID,
            GET_FAILED,
            "SecretStore",
            ("InvalidProviderConfig", DENIED),
            id="wrong-sub",
        ),
        pytest.param(
            "plain",
            ALL,
            NO_CLIENT,
            GET_FAILED,
            "SecretStore",
            (
                "InvalidProviderConfig",
                "unable to create session: an IAM role must be associated with service account plain "
                "(namespace: demo)",
            ),
            id="no-annotation",
        ),
        pytest.param(
            "roleless",
            ALL,
            NOT_VALID,
            GET_FAILED,
            "ExternalSecret",
            ("UpdateFailed", "is not ready"),
            id="no-role",
        ),
        pytest.param(
            "ghost",
            ALL,
            NO_CLIENT,
            GET_FAILED,
            "SecretStore",
            ("InvalidProviderConfig", 'unable to create session: ServiceAccount "ghost" not found'),
            id="no-service-account",
        ),
        pytest.param(
            "reader",
            {"dataFrom": [{"extract": {"key": "demo/other"}}]},
            VALID,
            GET_FAILED,
            "ExternalSecret",
            ("UpdateFailed", "api error AccessDeniedException: User: arn:aws:sts::"),
            id="policy-lacks-the-secret",
        ),
        pytest.param(
            "reader",
            {"data": [{"secretKey": "x", "remoteRef": {"key": DOCUMENT, "property": "nope"}}]},
            VALID,
            GET_FAILED,
            "ExternalSecret",
            ("UpdateFailed", "key nope does not exist in secret demo/aurora"),
            id="no-property",
        ),
        pytest.param(
            "reader",
            {**ALL, "target": {"template": {"data": {"x": "{{ .nope }}"}}}},
            VALID,
            UPDATE_FAILED,
            "ExternalSecret",
            (
                "UpdateFailed",
                "could not apply template: could not execute template: could not execute template: ",
            ),
            id="template-key-unknown",
        ),
        pytest.param(
            "reader",
            {**ALL, "target": {"template": {"data": {"x": "{{ .username | nope }}"}}}},
            VALID,
            UPDATE_FAILED,
            "ExternalSecret",
            ("UpdateFailed", 'function "nope" not defined'),
            id="template-function-unknown",
        ),
        pytest.param(
            None,
            ALL,
            None,
            GET_FAILED,
            "ExternalSecret",
            ("UpdateFailed", 'SecretStore.external-secrets.io "no-store" not found'),
            id="no-store",
        ),
    ],
)
def test_external_secrets_says(
    lab: Lab,
    request: pytest.FixtureRequest,
    account: str | None,
    spec: Object,
    store_ready: tuple[str, str, str] | None,
    external_ready: tuple[str, str, str],
    about: str,
    event: tuple[str, str],
) -> None:
    name = request.node.callspec.id
    if account:
        store(lab, name, account)
    external_secret(lab, name, spec)

    def told() -> bool:
        events = [one[1:] for one in lab.events(name) if one[0] == about]
        return any(reason == event[0] and event[1] in message for reason, message in events)

    def said() -> bool:
        found = lab.get(SECRET_STORE, name)
        external = lab.get(EXTERNAL_SECRET, name)
        return (ready(found), ready(external)) == (store_ready, external_ready) and told()

    lab.until(said, f"conditions and event of {name}")


@pytest.mark.usefixtures("accounts")
def test_a_secret_follows_its_document_and_is_repaired(lab: Lab) -> None:
    store(lab, "follow", "reader")
    password = '{{ .password | urlquery | replace "+" "%20" }}'
    template = {
        "data": {"user": "{{ .username }}", "dsn": f"://{{{{ .username }}}}:{password}@{{{{ .port }}}}"}
    }
    target = {"name": "follow-secret", "template": template}
    external_secret(lab, "follow", {**ALL, "refreshInterval": "90s", "target": target})
    wanted = {"user": "app", "dsn": "://app:p%20w%2B%25@5432"}
    lab.until(lambda: secret_data(lab, "follow-secret") == wanted, "the Secret")

    def synced() -> Any:
        external = lab.get(EXTERNAL_SECRET, "follow")
        return external["status"] if ready(external) == SYNCED else None

    status = lab.until(synced, "the status of the ExternalSecret")
    assert status["binding"] == {"name": "follow-secret"}
    # The real one writes the spec back in its own form, which makes it another generation.
    assert lab.get(EXTERNAL_SECRET, "follow")["spec"]["refreshInterval"] == "1m30s"
    assert status["syncedResourceVersion"].startswith("2-")

    version = lab.get(SECRET, "follow-secret")["metadata"]["resourceVersion"]
    force(lab, "follow", "1")
    lab.until(lambda: synced()["syncedResourceVersion"] != status["syncedResourceVersion"], "a forced sync")
    assert lab.get(SECRET, "follow-secret")["metadata"]["resourceVersion"] == version

    document = {"username": "other", "password": "x", "port": 1}
    lab.aws("secretsmanager").put_secret_value(SecretId=DOCUMENT, SecretString=json.dumps(document))
    force(lab, "follow", "2")
    lab.until(lambda: secret_data(lab, "follow-secret").get("user") == "other", "the new document")

    lab.api.patch(SECRET, "follow-secret", NAMESPACE_NAME, {"data": {"user": "eA=="}})
    lab.until(
        lambda: secret_data(lab, "follow-secret").get("user") == "other", "the repair of a change by hand"
    )
    assert ("ExternalSecret", "Updated", "secret updated") in lab.events("follow")

    lab.api.delete(EXTERNAL_SECRET, "follow", NAMESPACE_NAME)
    lab.until(lambda: not secret_data(lab, "follow-secret"), "the Secret to go with its owner")


@pytest.fixture(scope="module")
def shared(lab: Lab, accounts: None) -> None:
    """Cluster stores that read with the account of whoever uses them."""
    for name, spec in {
        "everyone": {},
        "others": {"conditions": [{"namespaces": ["default"]}]},
        "mine": {
            "conditions": [
                {"namespaceSelector": {"matchLabels": {"nobody": "has"}}},
                {"namespaceRegexes": ["^de"]},
            ]
        },
        "foreign": {"controller": "another"},
    }.items():
        reference = {"jwt": {"serviceAccountRef": {"name": "reader"}}}
        aws = {"service": "SecretsManager", "region": lab.settings.region, "auth": reference}
        body = {"apiVersion": SECRET_STORE.api, "kind": "ClusterSecretStore", "metadata": {"name": name}}
        lab.api.create(CLUSTER_SECRET_STORE, {**body, "spec": {"provider": {"aws": aws}, **spec}})


def cluster_store(name: str) -> Object:
    return {"secretStoreRef": {"name": name, "kind": "ClusterSecretStore"}}


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("name", "external_ready", "event"),
    [
        pytest.param("everyone", SYNCED, "secret created", id="reads with the account of the namespace"),
        pytest.param("mine", SYNCED, "secret created", id="one condition of several fits"),
        pytest.param(
            "others",
            GET_FAILED,
            'using cluster store "others" is not allowed from namespace "demo": denied by spec.condition',
            id="for other namespaces",
        ),
    ],
)
def test_a_cluster_store(lab: Lab, name: str, external_ready: tuple[str, str, str], event: str) -> None:
    external_secret(lab, f"by-{name}", {**ALL, **cluster_store(name)})
    lab.until(lambda: ready(lab.get(EXTERNAL_SECRET, f"by-{name}")) == external_ready, "the condition")
    lab.until(lambda: any(event in one[2] for one in lab.events(f"by-{name}")), "the event")


@pytest.mark.usefixtures("shared")
def test_a_store_of_another_controller_is_left_alone(lab: Lab) -> None:
    external_secret(lab, "by-foreign", {**ALL, **cluster_store("foreign")})
    # One that comes later has its turn later.
    external_secret(lab, "after-foreign", {**ALL, **cluster_store("everyone")})
    lab.until(lambda: ready(lab.get(EXTERNAL_SECRET, "after-foreign")) == SYNCED, "the later one")
    assert ready(lab.get(EXTERNAL_SECRET, "by-foreign")) is None
    assert ready(lab.api.get(CLUSTER_SECRET_STORE, "foreign")) is None


@pytest.mark.usefixtures("shared")
def test_a_foreign_secret_is_labelled_first_and_an_immutable_one_left_as_it_is(lab: Lab) -> None:
    metadata = {"name": "immutable", "namespace": NAMESPACE_NAME}
    lab.api.create(
        SECRET,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "immutable": True,
            "data": {"x": "eA=="},
        },
    )
    external_secret(lab, "immutable", {**ALL, **cluster_store("everyone")})
    wanted = ("False", "SecretSyncedError", "could not update secret, target is immutable")
    external = lab.until(
        lambda: (found := lab.get(EXTERNAL_SECRET, "immutable")) and ready(found) == wanted and found,
        "the condition",
    )
    assert external["status"]["binding"] == {"name": "immutable"}
    assert secret_data(lab, "immutable") == {"x": "x"}
    labels = lab.get(SECRET, "immutable")["metadata"]["labels"]
    assert labels["reconcile.external-secrets.io/managed"] == "true"
