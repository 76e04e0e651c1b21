"""What the role external_secrets makes of its inputs, without a cluster."""

from __future__ import annotations

import functools
import operator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROLE = Path(__file__).parents[3] / "roles/external_secrets"
STACK = {"inventory_hostname": "aurora", "stack_region": "eu-west-1", "stack_namespace": "shop"}
SHARED = {"external_secrets_store_kind": "ClusterSecretStore"}


def rendered(name: str, *path: str | int, **variables: Any) -> Any:
    """A variable of the role, or the part of it at a path; other parts are not looked at."""
    loader = DataLoader()
    found: dict[str, Any] = dict(STACK)
    for part in ("defaults", "vars"):
        found |= loader.load_from_file(str(ROLE / part / "main.yml"), trusted_as_template=True)
    found |= variables
    part_of_it = functools.reduce(operator.getitem, path, found[name])
    return Templar(loader=loader, variables=found).template(part_of_it)


def test_a_store_of_the_stack_is_in_its_namespace() -> None:
    store = rendered("__external_secrets_objects", 0)
    assert (store["kind"], store["metadata"]["namespace"]) == ("SecretStore", "shop")
    assert "conditions" not in store["spec"]
    assert store["spec"]["provider"]["aws"]["auth"]["jwt"]["serviceAccountRef"] == {"name": "aurora-access"}


@pytest.mark.parametrize(
    ("others", "admitted"),
    [
        pytest.param([], ["shop"], id="the stack's own alone"),
        pytest.param(["web"], ["shop", "web"], id="and one more"),
        pytest.param(["shop", "web"], ["shop", "web"], id="each once"),
    ],
)
def test_a_shared_store_admits_named_namespaces_only(others: list[str], admitted: list[str]) -> None:
    store = rendered("__external_secrets_objects", 0, **SHARED, external_secrets_store_namespaces=others)
    assert "namespace" not in store["metadata"]
    assert store["spec"]["conditions"] == [{"namespaces": admitted}]
    account = store["spec"]["provider"]["aws"]["auth"]["jwt"]["serviceAccountRef"]
    assert account == {"name": "aurora-access", "namespace": "shop"}


def test_shared_stores_of_two_namespaces_differ_in_name() -> None:
    names = {
        rendered("external_secrets_store", **SHARED, stack_namespace=namespace) for namespace in ("a", "b")
    }
    assert names == {"a-aurora-secret-store", "b-aurora-secret-store"}


def test_external_secrets_name_the_store_as_it_is() -> None:
    store = rendered("__external_secrets_objects", 0, **SHARED)
    reference = {"kind": store["kind"], "name": store["metadata"]["name"]}
    assert rendered("__external_secrets_spec", "secretStoreRef", **SHARED) == reference


@pytest.mark.parametrize(
    ("kind", "processed"),
    [
        pytest.param("SecretStore", False, id="not asked for"),
        pytest.param("ClusterSecretStore", True, id="asked for"),
    ],
)
def test_the_chart_sees_shared_stores_where_one_is_asked_for(kind: str, processed: bool) -> None:
    values = rendered("__external_secrets_chart_values", external_secrets_store_kind=kind)
    assert values["processClusterStore"] is processed


@pytest.mark.parametrize(
    ("release", "namespace"),
    [
        pytest.param({"changed": False}, "", id="no release"),
        pytest.param({"status": {"values": {}}}, "", id="release for all namespaces"),
        pytest.param({"status": {"values": {"scopedNamespace": "web"}}}, "web", id="release for another"),
    ],
)
def test_whom_a_release_serves(release: dict[str, Any], namespace: str) -> None:
    found = rendered("__external_secrets_scope_now", __external_secrets_release_now=release)
    assert found == namespace


def test_manifests_are_named_by_kind_and_name() -> None:
    assert rendered("__external_secrets_files", external_secrets_manifests="/gitops") == [
        "/gitops/secretstore-aurora-secret-store.yaml",
        "/gitops/externalsecret-aurora-credentials.yaml",
        "/gitops/externalsecret-aurora-app-credentials.yaml",
    ]


@pytest.mark.parametrize("whose", ["exporter", "application"])
def test_braces_of_templates_are_kept(whose: str) -> None:
    assert rendered(f"__external_secrets_{whose}_data")["password"] == "{{ .password }}"


def test_no_annotation_is_no_field() -> None:
    assert "annotations" not in rendered("__external_secrets_secret_metadata")
    given = {"reloader.stakater.com/match": "true"}
    metadata = rendered("__external_secrets_secret_metadata", external_secrets_secret_annotations=given)
    assert metadata["annotations"] == given
