"""When External Secrets asks the provider again, and what it finds in a store's answers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lab.standins.external_secrets.aws_store import StoreClient, StoreError
from lab.standins.external_secrets.refresh import needs_refresh
from lab.standins.external_secrets.synced_secret import synced_version

Object = dict[str, Any]
REFRESHED, NOW = "2026-01-01T00:00:00Z", 1767225600.0


def external(*, changed: bool = False, status: bool = True, **spec: Any) -> Object:
    obj: Object = {"metadata": {"generation": 1}, "spec": spec}
    version = "0-old" if changed else synced_version(obj)
    return {**obj, "status": {"syncedResourceVersion": version, "refreshTime": REFRESHED} if status else {}}


@pytest.mark.parametrize(
    ("obj", "after", "wanted"),
    [
        pytest.param(external(status=False), 0, True, id="never synced"),
        pytest.param(external(), 3599, False, id="within the interval, which is an hour"),
        pytest.param(external(), 3600, True, id="the interval is over"),
        pytest.param(external(refreshInterval="10s"), 11, True, id="an interval of its own"),
        pytest.param(external(changed=True), 1, True, id="changed"),
        pytest.param(external(refreshInterval="0"), 9999, False, id="an interval of 0 means once"),
        pytest.param(external(refreshPolicy="CreatedOnce", changed=True), 9999, False, id="CreatedOnce"),
        pytest.param(external(refreshPolicy="OnChange"), 9999, False, id="OnChange without a change"),
        pytest.param(external(refreshPolicy="OnChange", changed=True), 1, True, id="OnChange with one"),
    ],
)
def test_needs_refresh(obj: Object, after: float, wanted: bool) -> None:
    assert needs_refresh(obj, NOW + after) is wanted


def test_a_new_annotation_is_a_change() -> None:
    obj = external()
    obj["metadata"]["annotations"] = {"force-sync": "1"}
    assert needs_refresh(obj, NOW)


DOCUMENT = '{"user":"app","port":5432,"a.b":"dotted","list":[{"x":"y"}],"none":null,"yes":true}'


def client() -> StoreClient:
    store = StoreClient(aws=None, region="", role="", token=str)  # type: ignore[arg-type]  # nothing is fetched
    store._documents["doc", "AWSCURRENT", False] = DOCUMENT
    store._documents["text", "AWSCURRENT", False] = "no json"
    return store


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("", DOCUMENT, id="the whole document"),
        pytest.param("user", "app", id="text"),
        pytest.param("port", "5432", id="a number becomes text"),
        pytest.param("a.b", "dotted", id="a key with a dot goes before a path"),
        pytest.param("list.0.x", "y", id="a path"),
        pytest.param("list", '[{"x":"y"}]', id="a part of the document"),
        pytest.param("none", "", id="null is empty"),
        pytest.param("yes", "true", id="a truth value"),
    ],
)
def test_properties(name: str, value: str) -> None:
    assert client().secret({"key": "doc", "property": name}) == value


@pytest.mark.parametrize(
    ("key", "name"),
    [
        pytest.param("doc", "nope", id="no such key"),
        pytest.param("doc", "list.7", id="no such position"),
        pytest.param("text", "user", id="not a document"),
    ],
)
def test_a_property_that_is_missing(key: str, name: str) -> None:
    with pytest.raises(StoreError, match=rf"^key {re.escape(name)} does not exist in secret {key}$"):
        client().secret({"key": key, "property": name})


def test_all_keys() -> None:
    assert client().secret_map({"key": "doc"}) == {
        "user": "app",
        "port": "5432",
        "a.b": "dotted",
        "list": '[{"x":"y"}]',
        "none": "",
        "yes": "true",
    }
    with pytest.raises(StoreError, match=r"^unable to unmarshal secret text: "):
        client().secret_map({"key": "text"})
