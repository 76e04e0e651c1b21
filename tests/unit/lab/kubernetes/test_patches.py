"""JSON patch, merge patch and strategic merge patch."""

from __future__ import annotations

from typing import Any

import pytest

CONFIG = {"metadata": {"name": "c", "labels": {"l": "1"}}, "data": {"a": "1"}}


class TestDocuments:
    @pytest.mark.parametrize(
        ("kind", "patch", "data"),
        [
            pytest.param(
                "strategic", {"data": {"b": "2"}}, {"a": "1", "b": "2"}, id="strategic: a key is added"
            ),
            pytest.param("strategic", {"data": {"a": None}}, None, id="strategic: null removes a key"),
            pytest.param(
                "strategic",
                {"data": {"$patch": "replace", "z": "9"}},
                {"z": "9"},
                id="strategic: a map is replaced",
            ),
            pytest.param(
                "merge", {"data": {"a": None, "b": "2"}}, {"b": "2"}, id="merge: null removes a key"
            ),
            pytest.param(
                "json_patch",
                [
                    {"op": "test", "path": "/data/a", "value": "1"},
                    {"op": "replace", "path": "/data/a", "value": "2"},
                ],
                {"a": "2"},
                id="json: operations in order",
            ),
        ],
    )
    def test_changed(self, api: Any, core: str, kind: str, patch: Any, data: dict[str, str] | None) -> None:
        api.post(f"{core}/configmaps", CONFIG)
        answer = getattr(api, kind)(f"{core}/configmaps/c", patch)
        assert (answer.code, answer.body.get("data")) == (200, data)

    @pytest.mark.parametrize("kind", ["strategic", "merge"])
    def test_a_patch_that_changes_nothing_keeps_the_version(self, api: Any, core: str, kind: str) -> None:
        created = api.post(f"{core}/configmaps", CONFIG).body
        assert getattr(api, kind)(f"{core}/configmaps/c", {"data": {"a": "1"}}).body == created

    @pytest.mark.parametrize(
        ("kind", "patch", "outcome"),
        [
            pytest.param(
                "json_patch",
                [{"op": "remove", "path": "/data/nope"}],
                (422, "Invalid"),
                id="json: an operation that does not fit",
            ),
            pytest.param(
                "json_patch", {"op": "remove"}, (400, "BadRequest"), id="json: no list of operations"
            ),
            pytest.param(
                "merge",
                {"metadata": {"resourceVersion": "1"}},
                (409, "Conflict"),
                id="merge: a stale version",
            ),
            pytest.param("merge", {"metadata": {"name": "d"}}, (400, "BadRequest"), id="merge: another name"),
            pytest.param(
                "merge", {"data": {"a": 1}}, (422, "Invalid"), id="merge: a value of the wrong type"
            ),
        ],
    )
    def test_refused(self, api: Any, core: str, kind: str, patch: Any, outcome: tuple[int, str]) -> None:
        api.post(f"{core}/configmaps", CONFIG)
        assert getattr(api, kind)(f"{core}/configmaps/c", patch).outcome == outcome

    def test_an_unknown_media_type_is_refused(self, api: Any, core: str) -> None:
        answer = api.call("PATCH", f"{core}/configmaps/c", {}, "application/foo")
        assert answer.outcome == (415, "UnsupportedMediaType")

    def test_custom_kinds_have_no_strategic_merge(self, api: Any, namespace: str) -> None:
        path = f"/apis/external-secrets.io/v1/namespaces/{namespace}/externalsecrets/e"
        answer = api.strategic(path, {"spec": {}})
        assert answer.outcome == (415, "UnsupportedMediaType")
        assert "application/merge-patch+json" in answer.body["message"]

    def test_what_is_missing_cannot_be_patched(self, api: Any, core: str) -> None:
        assert api.merge(f"{core}/configmaps/none", {}).outcome == (404, "NotFound")


class TestStrategicLists:
    """Lists of objects merge by the key of the real server's types."""

    @pytest.fixture
    def path(self, api: Any, apps: str, deployment: Any) -> str:
        assert api.post(f"{apps}/deployments", deployment).code == 201
        return f"{apps}/deployments/d"

    @staticmethod
    def _container(body: Any) -> Any:
        return body["spec"]["template"]["spec"]["containers"][0]

    @pytest.mark.parametrize(
        ("change", "environment"),
        [
            pytest.param(
                [{"name": "A", "value": "2"}], {"A": "2", "B": None}, id="an item is changed by its name"
            ),
            pytest.param(
                [{"name": "C", "value": "3"}], {"A": "1", "B": None, "C": "3"}, id="an item is added"
            ),
            pytest.param([{"name": "B", "$patch": "delete"}], {"A": "1"}, id="an item is deleted"),
            pytest.param(
                [{"$patch": "replace"}, {"name": "Z", "value": "9"}], {"Z": "9"}, id="the list is replaced"
            ),
        ],
    )
    def test_environment(self, api: Any, path: str, change: Any, environment: dict[str, str | None]) -> None:
        containers = [{"name": "c", "env": change}]
        body = api.strategic(path, {"spec": {"template": {"spec": {"containers": containers}}}}).body
        assert {item["name"]: item.get("value") for item in self._container(body)["env"]} == environment

    def test_the_order_can_be_set(self, api: Any, path: str) -> None:
        order = {"$setElementOrder/env": [{"name": "B"}, {"name": "A"}]}
        containers = [{"name": "c", **order}]
        body = api.strategic(path, {"spec": {"template": {"spec": {"containers": containers}}}}).body
        assert [item["name"] for item in self._container(body)["env"]] == ["B", "A"]

    def test_a_port_of_a_service_is_found_by_its_number(self, api: Any, core: str) -> None:
        ports = [{"name": "http", "port": 80, "targetPort": "http"}]
        api.post(f"{core}/services", {"metadata": {"name": "v"}, "spec": {"ports": ports}})
        change = {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}
        body = api.strategic(f"{core}/services/v", change).body
        assert body["spec"]["ports"] == [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]

    def test_an_item_without_its_key_is_refused(self, api: Any, path: str) -> None:
        containers = [{"image": "x"}]
        answer = api.strategic(path, {"spec": {"template": {"spec": {"containers": containers}}}})
        assert answer.outcome == (500, "")
        assert answer.body["message"].endswith("does not contain declared merge key: name")

    @pytest.mark.parametrize(
        ("patch", "names"),
        [
            pytest.param(["A", "C"], ["A", "C", "B"], id="named items first, in the order of the patch"),
            pytest.param(["C", "A"], ["C", "A", "B"], id="what is new stands where the patch has it"),
            pytest.param(
                ["B", "C"], ["A", "B", "C"], id="an item that stood in front of a named one stays there"
            ),
        ],
    )
    def test_items_that_are_merged_keep_an_order(self, api: Any, path: str, patch: Any, names: Any) -> None:
        container = {"name": "c", "env": [{"name": name, "value": "1", "valueFrom": None} for name in patch]}
        change = {"spec": {"template": {"spec": {"containers": [container]}}}}
        merged = api.strategic(path, change).body["spec"]["template"]["spec"]["containers"][0]["env"]
        assert [item["name"] for item in merged] == names


class TestIdentity:
    @pytest.mark.parametrize(
        ("method", "outcome"),
        [("merge", (422, "Invalid")), ("put", (409, "Conflict"))],
        ids=["patch", "replace"],
    )
    def test_another_uid_is_refused(self, api: Any, core: str, method: str, outcome: Any) -> None:
        api.post(f"{core}/configmaps", CONFIG)
        change = {"metadata": {"name": "c", "uid": "11111111-2222-3333-4444-555555555555"}}
        assert getattr(api, method)(f"{core}/configmaps/c", change).outcome == outcome

    def test_a_replacement_is_named(self, api: Any, core: str) -> None:
        answer = api.put(f"{core}/configmaps/c", {"data": {}})
        assert answer.body["message"].endswith("was undeterminable: name must be provided")
