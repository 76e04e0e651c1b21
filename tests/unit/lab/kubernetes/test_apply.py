"""Server-side apply and managedFields."""

from __future__ import annotations

from typing import Any

import pytest

MANAGER = {"fieldManager": "x"}
OTHER = {"fieldManager": "y"}


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


def owned(body: Any) -> dict[tuple[str, str], Any]:
    """Fields of every manager and operation."""
    return {
        (entry["manager"], entry["operation"]): entry["fieldsV1"]
        for entry in body["metadata"]["managedFields"]
    }


class TestApply:
    @pytest.fixture
    def path(self, core: str) -> str:
        return f"{core}/configmaps/c"

    def test_an_object_is_created_and_owned(self, api: Any, path: str) -> None:
        answer = api.apply(path, config(a="1"), **MANAGER)
        assert (answer.code, answer.body["data"]) == (201, {"a": "1"})
        assert owned(answer.body) == {("x", "Apply"): {"f:data": {"f:a": {}}}}

    def test_the_same_again_changes_nothing(self, api: Any, path: str) -> None:
        created = api.apply(path, config(a="1"), **MANAGER).body
        again = api.apply(path, config(a="1"), **MANAGER)
        assert (again.code, again.body) == (200, created)

    def test_what_is_given_up_goes(self, api: Any, path: str) -> None:
        api.apply(path, config(a="1", b="1"), **MANAGER)
        assert api.apply(path, config(a="1"), **MANAGER).body["data"] == {"a": "1"}
        assert "data" not in api.apply(path, config(), **MANAGER).body

    def test_what_others_own_too_stays(self, api: Any, path: str) -> None:
        api.apply(path, config(a="1"), **MANAGER)
        shared = api.apply(path, config(a="1", c="3"), **OTHER).body
        assert set(owned(shared)) == {("x", "Apply"), ("y", "Apply")}
        assert api.apply(path, config(), **MANAGER).body["data"] == {"a": "1", "c": "3"}

    def test_a_conflict_names_field_and_manager(self, api: Any, path: str) -> None:
        api.apply(path, config(a="1"), **MANAGER)
        answer = api.apply(path, config(a="2"), **OTHER)
        assert answer.outcome == (409, "Conflict")
        assert answer.body["message"] == 'Apply failed with 1 conflict: conflict with "x": .data.a'
        assert answer.body["details"]["causes"] == [
            {"reason": "FieldManagerConflict", "message": 'conflict with "x"', "field": ".data.a"}
        ]

    def test_several_conflicts_are_listed(self, api: Any, path: str) -> None:
        api.apply(path, config(a="1", b="1"), **MANAGER)
        answer = api.apply(path, config(a="2", b="2"), **OTHER)
        assert answer.body["message"] == (
            'Apply failed with 2 conflicts: conflicts with "x":\n- .data.a\n- .data.b'
        )

    def test_a_conflict_with_an_update_names_the_version(self, api: Any, path: str) -> None:
        api.apply(path, config(a="1"), **MANAGER)
        api.merge(path, {"data": {"a": "9"}}, fieldManager="z")
        answer = api.apply(path, config(a="1"), **MANAGER)
        assert answer.body["message"] == 'Apply failed with 1 conflict: conflict with "z" using v1: .data.a'

    def test_a_dry_run_meets_conflicts_too(self, api: Any, path: str) -> None:
        api.apply(path, config(a="1"), **MANAGER)
        assert api.apply(path, config(a="2"), dryRun="All", **OTHER).outcome == (409, "Conflict")
        answer = api.apply(path, config(a="2"), dryRun="All", force="true", **OTHER)
        assert (answer.code, answer.body["data"]) == (200, {"a": "2"})
        assert api.get(path).body["data"] == {"a": "1"}

    def test_force_takes_the_field(self, api: Any, path: str) -> None:
        api.apply(path, config(a="1", b="1"), **MANAGER)
        body = api.apply(path, config(a="2"), force="true", **OTHER).body
        assert body["data"] == {"a": "2", "b": "1"}
        assert owned(body) == {
            ("x", "Apply"): {"f:data": {"f:b": {}}},
            ("y", "Apply"): {"f:data": {"f:a": {}}},
        }

    @pytest.mark.parametrize(
        ("body", "parameters", "outcome", "message"),
        [
            pytest.param(
                config(),
                {},
                (422, "Invalid"),
                'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: '
                "is required for apply patch",
                id="a manager is needed",
            ),
            pytest.param(
                {**config(), "spec": {}},
                MANAGER,
                (500, ""),
                ": .spec: field not declared in schema",
                id="unknown fields are refused",
            ),
            pytest.param(
                {**config(), "data": "x"},
                MANAGER,
                (500, ""),
                ": .data: expected map",
                id="wrong types are refused",
            ),
            pytest.param(
                {**config(), "metadata": {"name": "c", "managedFields": []}},
                MANAGER,
                (400, "BadRequest"),
                "metadata.managedFields must be nil",
                id="ownership is not applied",
            ),
            pytest.param(
                {**config(), "metadata": {"name": "c", "uid": "u"}},
                MANAGER,
                (409, "Conflict"),
                "no existing object was found",
                id="a missing object has no identity",
            ),
        ],
    )
    def test_refused(
        self, api: Any, path: str, body: Any, parameters: Any, outcome: tuple[int, str], message: str
    ) -> None:
        answer = api.apply(path, body, **parameters)
        assert answer.outcome == outcome
        assert message in answer.body["message"]

    def test_force_is_for_apply_only(self, api: Any, path: str) -> None:
        assert api.merge(path, {}, force="true").outcome == (422, "Invalid")


class TestLists:
    """Items of lists with keys have owners of their own."""

    def test_an_item_that_is_given_up_goes_with_its_defaults(
        self, api: Any, apps: str, deployment: Any
    ) -> None:
        path = f"{apps}/deployments/d"
        assert api.apply(path, deployment, **MANAGER).code == 201
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        container["env"] = [{"name": "A", "value": "7"}]
        del container["ports"]
        container["readinessProbe"]["httpGet"]["port"] = 1
        body = api.apply(path, deployment, **MANAGER).body
        stored = body["spec"]["template"]["spec"]["containers"][0]
        assert (stored["env"], "ports" in stored) == ([{"name": "A", "value": "7"}], False)

    def test_a_conflict_shows_the_key_of_the_item(self, api: Any, apps: str, deployment: Any) -> None:
        path = f"{apps}/deployments/d"
        api.apply(path, deployment, **MANAGER)
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "other:2"
        answer = api.apply(path, deployment, **OTHER)
        assert (
            answer.body["details"]["causes"][0]["field"] == '.spec.template.spec.containers[name="c"].image'
        )

    def test_two_managers_share_a_list(self, api: Any, core: str) -> None:
        def service(port: int, name: str) -> Any:
            ports = [{"name": name, "port": port}]
            return {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "s"},
                "spec": {"ports": ports},
            }

        api.apply(f"{core}/services/s", service(80, "one"), **MANAGER)
        body = api.apply(f"{core}/services/s", service(81, "two"), **OTHER).body
        assert [port["name"] for port in body["spec"]["ports"]] == ["one", "two"]
        key = 'k:{"port":81,"protocol":"TCP"}'
        assert owned(body)[("y", "Apply")] == {
            "f:spec": {"f:ports": {key: {".": {}, "f:name": {}, "f:port": {}}}}
        }

    def test_an_item_without_keys_is_refused(self, api: Any, core: str) -> None:
        body = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "a"},
            "secrets": [{"namespace": "x"}],
        }
        answer = api.apply(f"{core}/serviceaccounts/a", body, **MANAGER)
        assert answer.outcome == (500, "")
        assert "element 0: associative list with keys" in answer.body["message"]


class TestManagedFields:
    def test_a_create_owns_all_it_brings(self, api: Any, core: str) -> None:
        document = {"metadata": {"name": "c", "labels": {"l": "1"}}, "data": {"a": "1"}}
        body = api.post(f"{core}/configmaps", document, fieldManager="m").body
        assert owned(body) == {
            ("m", "Update"): {
                "f:data": {".": {}, "f:a": {}},
                "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
            }
        }

    def test_the_user_agent_is_the_manager_where_none_is_named(self, api: Any, core: str) -> None:
        body = api.post(f"{core}/configmaps", {"metadata": {"name": "c"}, "data": {"a": "1"}}).body
        assert ("tests", "Update") in owned(body)

    def test_an_update_takes_what_it_changes(self, api: Any, core: str) -> None:
        api.post(
            f"{core}/configmaps", {"metadata": {"name": "c"}, "data": {"a": "1", "b": "1"}}, fieldManager="m"
        )
        body = api.merge(f"{core}/configmaps/c", {"data": {"b": "2"}}, fieldManager="n").body
        assert owned(body) == {
            ("m", "Update"): {"f:data": {".": {}, "f:a": {}}},
            ("n", "Update"): {"f:data": {"f:b": {}}},
        }

    def test_the_status_has_an_entry_of_its_own(self, api: Any, apps: str, deployment: Any) -> None:
        api.post(f"{apps}/deployments", deployment, fieldManager="m")
        body = api.merge(f"{apps}/deployments/d/status", {"status": {"replicas": 1}}, fieldManager="m").body
        entry = body["metadata"]["managedFields"][-1]
        assert (entry["manager"], entry["subresource"], entry["fieldsV1"]) == (
            "m",
            "status",
            {"f:status": {"f:replicas": {}}},
        )

    def test_a_workload_is_recorded_as_the_real_server_does(
        self, api: Any, apps: str, deployment: Any
    ) -> None:
        fields = owned(api.post(f"{apps}/deployments", deployment, fieldManager="m").body)[("m", "Update")]
        spec = fields["f:spec"]
        assert spec["f:selector"] == {}
        assert spec["f:strategy"] == {
            "f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}},
            "f:type": {},
        }
        template = spec["f:template"]
        assert "." not in template
        container = template["f:spec"]["f:containers"]['k:{"name":"c"}']
        assert container["f:resources"] == {".": {}, "f:limits": {".": {}, "f:cpu": {}, "f:memory": {}}}
        assert container["f:env"]['k:{"name":"A"}'] == {".": {}, "f:name": {}, "f:value": {}}

    def test_ownership_can_be_given_up(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", {"metadata": {"name": "c"}, "data": {"a": "1"}})
        body = api.merge(f"{core}/configmaps/c", {"metadata": {"managedFields": [{}]}}).body
        assert "managedFields" not in body["metadata"]

    def test_old_updates_are_joined(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", {"metadata": {"name": "c"}, "data": {"a": "1"}})
        for number in range(12):
            body = api.merge(
                f"{core}/configmaps/c", {"data": {f"k{number}": "1"}}, fieldManager=f"m{number}"
            ).body
        entries = [manager for manager, _operation in owned(body)]
        assert len(entries) == 10
        assert "ancient-changes" in entries

    def test_without_owners_updates_are_not_recorded(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", {"metadata": {"name": "c"}})
        changed = api.merge(f"{core}/configmaps/c", {"data": {"a": "1"}}, fieldManager="x").body
        assert "managedFields" not in changed["metadata"]

    def test_the_first_apply_leaves_the_rest_to_those_before(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", {"metadata": {"name": "c"}})
        api.merge(f"{core}/configmaps/c", {"data": {"a": "1"}})
        wish = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "2"}}
        refused = api.apply(f"{core}/configmaps/c", wish, fieldManager="x")
        assert 'conflict with "before-first-apply" using v1: .data.a' in refused.body["message"]

    def test_who_scaled_is_recorded_without_a_time(self, api: Any, apps: str, deployment: Any) -> None:
        api.post(f"{apps}/deployments", deployment)
        api.merge(f"{apps}/deployments/d/scale", {"spec": {"replicas": 2}}, fieldManager="scaler")
        entries = api.get(f"{apps}/deployments/d").body["metadata"]["managedFields"]
        (scaler,) = [entry for entry in entries if entry["manager"] == "scaler"]
        assert "time" not in scaler
