"""The Secret of an ExternalSecret is as External Secrets writes it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from lab.standins.external_secrets.synced_secret import (
    OwnedByOtherError,
    OwnershipError,
    SecretError,
    data_hash,
    desired_secret,
    is_intact,
    owner_hash,
    synced_version,
)

Object = dict[str, Any]
OWNER = "b25b418a6e2d696114cd901e28ad6a7384a5ee85933e2b1450bb015e"
PROVIDED = {"username": "app", "password": "s3cret"}


def external(**target: Any) -> Object:
    metadata = {
        "name": "aurora",
        "namespace": "demo",
        "uid": "es-1",
        "generation": 3,
        "labels": {"own": "yes"},
    }
    spec = {"target": target, "secretStoreRef": {"name": "store"}}
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": metadata,
        "spec": spec,
    }


def text(secret: Object) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


@pytest.mark.parametrize(
    ("target", "data"),
    [
        pytest.param({}, PROVIDED, id="without a template all keys are taken over"),
        pytest.param(
            {"template": {"data": {"user": "{{ .username }}"}}}, {"user": "app"}, id="Replace is the default"
        ),
        pytest.param(
            {"template": {"mergePolicy": "Merge", "data": {"user": "{{ .username }}"}}},
            {**PROVIDED, "user": "app"},
            id="Merge adds to what was provided",
        ),
        pytest.param(
            {"template": {"type": "kubernetes.io/basic-auth"}}, PROVIDED, id="a template without data"
        ),
    ],
)
def test_data(target: Object, data: dict[str, str]) -> None:
    assert text(desired_secret(external(**target), None, PROVIDED)) == data


def test_metadata_of_a_new_secret() -> None:
    template = {
        "type": "Opaque",
        "metadata": {"labels": {"part-of": "{{ .username }}"}, "annotations": {"x": "y"}},
        "data": {"a": "1"},
    }
    secret = desired_secret(external(name="creds", template=template), None, PROVIDED)
    metadata = secret["metadata"]
    assert (metadata["name"], metadata["namespace"], secret["type"]) == ("creds", "demo", "Opaque")
    assert metadata["labels"] == {
        "part-of": "app",
        "reconcile.external-secrets.io/managed": "true",
        "reconcile.external-secrets.io/created-by": OWNER,
    }
    assert metadata["annotations"] == {"x": "y", "reconcile.external-secrets.io/data-hash": data_hash(secret)}
    assert metadata["ownerReferences"] == [
        {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "name": "aurora",
            "uid": "es-1",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def test_without_a_template_labels_come_from_the_external_secret() -> None:
    assert desired_secret(external(), None, PROVIDED)["metadata"]["labels"]["own"] == "yes"


def test_an_orphan_has_no_owner() -> None:
    metadata = desired_secret(external(creationPolicy="Orphan"), None, PROVIDED)["metadata"]
    assert "ownerReferences" not in metadata
    assert "reconcile.external-secrets.io/created-by" not in metadata["labels"]


def test_merge_keeps_the_keys_of_others_and_drops_its_own_old_ones() -> None:
    fields = {"f:data": {".": {}, "f:old": {}}, "f:metadata": {"f:labels": {"f:stale": {}}}}
    managed = [{"manager": "externalsecrets.external-secrets.io/aurora", "fieldsV1": fields}]
    existing = {
        "metadata": {"name": "aurora", "labels": {"stale": "1", "kept": "1"}, "managedFields": managed},
        "data": {"old": "eA==", "others": "eA=="},
    }
    secret = desired_secret(external(creationPolicy="Merge"), existing, PROVIDED)
    assert text(secret) == {**PROVIDED, "others": "x"}
    assert {"stale", "kept"} & secret["metadata"]["labels"].keys() == {"kept"}


def test_the_secret_of_another_external_secret_is_left_alone() -> None:
    owner = {"kind": "ExternalSecret", "name": "other", "uid": "es-2", "controller": True}
    existing = {"metadata": {"name": "aurora", "ownerReferences": [owner]}, "data": {}}
    with pytest.raises(OwnedByOtherError, match="secret is owned by another ExternalSecret: other"):
        desired_secret(external(), existing, PROVIDED)


def controlled(kind: str, name: str, uid: str = "x-1") -> Object:
    owner = {"kind": kind, "name": name, "uid": uid, "controller": True}
    return {"metadata": {"name": "aurora", "ownerReferences": [owner]}, "data": {}}


def test_the_secret_of_something_else_is_not_taken_over() -> None:
    with pytest.raises(
        OwnershipError, match="Object demo/aurora is already owned by another ConfigMap"
    ) as caught:
        desired_secret(external(), controlled("ConfigMap", "theirs"), PROVIDED)
    assert caught.value.condition == "failed to take ownership of target secret"


def test_merge_leaves_the_owner_of_a_secret_as_it_is() -> None:
    existing = controlled("ConfigMap", "theirs")
    metadata = desired_secret(external(creationPolicy="Merge"), existing, PROVIDED)["metadata"]
    assert metadata["ownerReferences"] == existing["metadata"]["ownerReferences"]


@pytest.mark.parametrize("policy", ["Orphan", "Merge"])
def test_an_owner_that_is_none_any_more_lets_go(policy: str) -> None:
    owned = desired_secret(external(), None, PROVIDED)
    metadata = desired_secret(external(creationPolicy=policy), owned, PROVIDED)["metadata"]
    assert "ownerReferences" not in metadata
    assert "reconcile.external-secrets.io/created-by" not in metadata["labels"]


def test_an_external_secret_made_anew_takes_its_place_as_owner() -> None:
    existing = controlled("ExternalSecret", "aurora", "es-0")
    owners = desired_secret(external(), existing, PROVIDED)["metadata"]["ownerReferences"]
    assert [owner["uid"] for owner in owners] == ["es-1"]


def test_an_immutable_target_keeps_its_data() -> None:
    first = desired_secret(external(immutable=True), None, PROVIDED)
    assert (first["immutable"], text(first)) == (True, PROVIDED)
    assert text(desired_secret(external(immutable=True), first, {"username": "other"})) == PROVIDED


def test_finalizers_of_the_template_are_added_once() -> None:
    target = {"template": {"metadata": {"finalizers": ["example.com/keep"]}}}
    first = desired_secret(external(**target), None, PROVIDED)
    again = desired_secret(external(**target), first, PROVIDED)
    assert first["metadata"]["finalizers"] == again["metadata"]["finalizers"] == ["example.com/keep"]


def test_bytes_that_are_no_text_are_kept() -> None:
    secret = desired_secret(external(), None, {"x": bytes([0xFF, 0]).decode(errors="surrogateescape")})
    assert base64.b64decode(secret["data"]["x"]) == bytes([0xFF, 0])


@pytest.mark.parametrize(
    ("template", "error"),
    [
        pytest.param(
            "{{ .nope }}",
            "unable to execute template at key dsn: template: dsn:1:3: "
            'executing "dsn" at <.nope>: map has no entry for key "nope"',
            id="unknown key",
        ),
        pytest.param(
            "{{ .username | nope }}",
            'unable to parse template at key dsn: template: dsn:1: function "nope" not defined',
            id="unknown function",
        ),
    ],
)
def test_a_template_fails_in_the_words_of_external_secrets(template: str, error: str) -> None:
    with pytest.raises(SecretError) as caught:
        desired_secret(external(template={"data": {"dsn": template}}), None, PROVIDED)
    assert str(caught.value) == (
        "could not apply template: could not execute template: could not execute template: "
        f"unable to execute template at key dsn: {error}"
    )


def test_a_secret_that_was_changed_by_hand_is_not_intact() -> None:
    secret = desired_secret(external(), None, PROVIDED)
    assert is_intact(secret, external())
    secret["data"]["password"] = base64.b64encode(b"other").decode()
    assert not is_intact(secret, external())
    assert not is_intact(None, external())


def test_hashes_are_those_of_go() -> None:
    # Computed by Go's fmt.Sprintf("%+v") and sha3.Sum224, as External Secrets does it.
    values = {"a": b"hi", "B": b"", "b": "ü".encode()}
    secret = {"data": {key: base64.b64encode(value).decode() for key, value in values.items()}}
    assert data_hash(secret) == "77ddee2dffa65906d40fe93193e9ea62e5a88130e7e5baf41ffef050"
    assert synced_version(external()) == "3-ffe18da4214ec9fe08f5e5a862f427d6c3cffab15a42455b7b78225a"
    assert owner_hash(external()) == OWNER
