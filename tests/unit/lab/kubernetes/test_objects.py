"""Creating, reading, replacing and deleting objects."""

from __future__ import annotations

from typing import Any

import pytest

CONFIG = {"metadata": {"name": "c", "labels": {"l": "1"}}, "data": {"a": "1"}}


class TestCreate:
    @pytest.mark.parametrize(
        ("path", "body", "outcome", "message"),
        [
            pytest.param(
                "/api/v1/namespaces",
                {"metadata": {"name": "default"}},
                (409, "AlreadyExists"),
                'namespaces "default" already exists',
                id="a name that is taken is a conflict",
            ),
            pytest.param(
                "/api/v1/namespaces/nowhere/configmaps",
                CONFIG,
                (404, "NotFound"),
                'namespaces "nowhere" not found',
                id="the namespace has to exist",
            ),
            pytest.param(
                "/api/v1/namespaces/default/configmaps",
                {"metadata": {"name": "Bad_Name"}},
                (422, "Invalid"),
                'ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase '
                "RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
                "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation "
                "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
                id="names are DNS names",
            ),
            pytest.param(
                "/api/v1/namespaces/default/configmaps",
                {"metadata": {"name": "x", "namespace": "other"}},
                (400, "BadRequest"),
                "the namespace of the provided object does not match the namespace sent on the request",
                id="path and object agree on the namespace",
            ),
            pytest.param(
                "/api/v1/namespaces/default/configmaps",
                {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x"}},
                (400, "BadRequest"),
                None,
                id="path and object agree on the kind",
            ),
            pytest.param(
                "/api/v1/namespaces/default/configmaps",
                {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "x"}},
                (400, "BadRequest"),
                'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is '
                'registered for version "v2" in scheme "pkg/runtime/scheme.go:111"',
                id="path and object agree on the version",
            ),
            pytest.param(
                "/api/v1/namespaces/default/configmaps",
                {"metadata": {"name": "x", "resourceVersion": "5"}},
                (500, ""),
                "resourceVersion should not be set on objects to be created",
                id="a new object has no version",
            ),
            pytest.param(
                "/api/v1/configmaps",
                CONFIG,
                (405, "MethodNotAllowed"),
                None,
                id="no creation without a namespace",
            ),
            pytest.param("/api/v1/foos", {}, (404, "NotFound"), None, id="an unknown kind has no path"),
            pytest.param(
                "/apis/apps/v1/foos", {}, (404, "NotFound"), None, id="an unknown kind of a group, too"
            ),
        ],
    )
    def test_refused(
        self, api: Any, path: str, body: Any, outcome: tuple[int, str], message: str | None
    ) -> None:
        answer = api.post(path, body)
        assert answer.outcome == outcome
        assert answer.body["kind"] == "Status"
        if message:
            assert answer.body["message"] == message

    def test_the_server_writes_system_metadata(self, api: Any, core: str) -> None:
        created = api.post(f"{core}/configmaps", CONFIG)
        assert created.code == 201
        assert {"uid", "creationTimestamp", "resourceVersion", "managedFields"} <= set(
            created.body["metadata"]
        )
        assert "generation" not in created.body["metadata"]
        assert api.get(f"{core}/configmaps/c").body == created.body

    def test_a_name_can_be_generated(self, api: Any, core: str) -> None:
        names = {
            api.post(f"{core}/configmaps", {"metadata": {"generateName": "x-"}}).body["metadata"]["name"]
            for _index in range(3)
        }
        assert len(names) == 3
        assert all(name.startswith("x-") and len(name) == 7 for name in names)

    def test_a_dry_run_answers_but_stores_nothing(self, api: Any, core: str) -> None:
        assert api.post(f"{core}/configmaps", CONFIG, dryRun="All").body["data"] == {"a": "1"}
        assert api.get(f"{core}/configmaps/c").outcome == (404, "NotFound")

    def test_a_wrong_dry_run_is_refused(self, api: Any, core: str) -> None:
        assert api.post(f"{core}/configmaps", CONFIG, dryRun="Yes").outcome == (422, "Invalid")

    def test_text_of_a_secret_becomes_data(self, api: Any, core: str) -> None:
        secret = api.post(f"{core}/secrets", {"metadata": {"name": "s"}, "stringData": {"u": "x"}}).body
        assert (secret["type"], secret["data"], "stringData" in secret) == ("Opaque", {"u": "eA=="}, False)

    def test_yaml_is_read(self, api: Any, core: str) -> None:
        content = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y, annotations: {since: 2026-01-01}}\n"
        answer = api.call("POST", f"{core}/configmaps", content, "application/yaml")
        assert (answer.code, answer.body["metadata"]["annotations"]) == (201, {"since": "2026-01-01"})

    def test_protobuf_is_refused(self, api: Any, core: str) -> None:
        answer = api.call("POST", f"{core}/configmaps", b"k8s", "application/vnd.kubernetes.protobuf")
        assert answer.outcome == (415, "UnsupportedMediaType")


class TestDefaults:
    def test_a_deployment_is_completed(self, api: Any, apps: str, deployment: Any) -> None:
        spec = api.post(f"{apps}/deployments", deployment).body["spec"]
        assert (spec["replicas"], spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (
            1,
            10,
            600,
        )
        assert spec["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        }
        pod = spec["template"]["spec"]
        assert {
            name: pod[name] for name in ("restartPolicy", "dnsPolicy", "schedulerName", "securityContext")
        } == {
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
            "securityContext": {},
        }
        assert pod["volumes"] == [{"name": "v", "configMap": {"name": "c", "defaultMode": 420}}]
        container = pod["containers"][0]
        assert container["ports"] == [{"containerPort": 9187, "name": "metrics", "protocol": "TCP"}]
        assert container["resources"] == {"limits": {"cpu": "500m", "memory": "1Gi"}}
        assert container["imagePullPolicy"] == "IfNotPresent"
        assert container["readinessProbe"] == {
            "httpGet": {"path": "/", "port": "metrics", "scheme": "HTTP"},
            "timeoutSeconds": 1,
            "periodSeconds": 10,
            "successThreshold": 1,
            "failureThreshold": 3,
        }

    def test_a_service_is_completed(self, api: Any, core: str) -> None:
        ports = [{"name": "metrics", "port": 9187}]
        service = api.post(f"{core}/services", {"metadata": {"name": "s"}, "spec": {"ports": ports}}).body
        spec = service["spec"]
        assert spec["ports"] == [{"name": "metrics", "port": 9187, "protocol": "TCP", "targetPort": 9187}]
        assert (spec["type"], spec["sessionAffinity"], spec["internalTrafficPolicy"]) == (
            "ClusterIP",
            "None",
            "Cluster",
        )
        assert spec["clusterIPs"] == [spec["clusterIP"]]
        assert service["status"] == {"loadBalancer": {}}

    def test_a_namespace_is_completed(self, api: Any, namespace: str) -> None:
        body = api.get(f"/api/v1/namespaces/{namespace}").body
        assert body["metadata"]["labels"] == {"kubernetes.io/metadata.name": namespace}
        assert (body["spec"], body["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})

    def test_empty_values_are_left_out(self, api: Any, core: str) -> None:
        created = api.post(
            f"{core}/configmaps", {"metadata": {"name": "e", "labels": {}}, "data": {}, "immutable": None}
        )
        assert set(created.body) == {"apiVersion", "kind", "metadata"}
        assert "labels" not in created.body["metadata"]


class TestReplace:
    def test_a_stale_version_is_a_conflict(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", CONFIG)
        stale = {"metadata": {"name": "c", "resourceVersion": "1"}}
        answer = api.put(f"{core}/configmaps/c", stale)
        assert answer.outcome == (409, "Conflict")
        assert answer.body["message"] == (
            'Operation cannot be fulfilled on configmaps "c": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )

    def test_everything_is_replaced(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", CONFIG)
        body = api.put(f"{core}/configmaps/c", {"metadata": {"name": "c"}, "data": {"q": "1"}}).body
        assert body["data"] == {"q": "1"}
        assert "labels" not in body["metadata"]

    def test_the_same_again_keeps_the_version(self, api: Any, core: str) -> None:
        created = api.post(f"{core}/configmaps", CONFIG).body
        again = api.put(f"{core}/configmaps/c", CONFIG).body
        assert again["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]

    def test_the_name_of_the_path_counts(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", CONFIG)
        answer = api.put(f"{core}/configmaps/c", {"metadata": {"name": "d"}})
        assert answer.outcome == (400, "BadRequest")
        assert answer.body["message"] == "the name of the object (d) does not match the name on the URL (c)"

    def test_a_custom_object_needs_its_version(self, api: Any, namespace: str) -> None:
        path = f"/apis/external-secrets.io/v1/namespaces/{namespace}/externalsecrets"
        body = {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": {"name": "e"},
            "spec": {},
        }
        api.post(path, body)
        answer = api.put(f"{path}/e", body)
        assert (answer.code, answer.causes) == (422, [("metadata.resourceVersion", "FieldValueInvalid")])


class TestGeneration:
    def test_it_counts_changes_of_the_specification_only(self, api: Any, apps: str, deployment: Any) -> None:
        path = f"{apps}/deployments/d"
        assert api.post(f"{apps}/deployments", deployment).body["metadata"]["generation"] == 1
        assert api.merge(path, {"metadata": {"labels": {"x": "y"}}}).body["metadata"]["generation"] == 1
        assert api.merge(path, {"spec": {"replicas": 2}}).body["metadata"]["generation"] == 2
        assert api.merge(f"{path}/status", {"status": {"replicas": 2}}).body["metadata"]["generation"] == 2
        assert api.merge(path, {"spec": {"replicas": 2}}).body["metadata"]["generation"] == 2


class TestStatus:
    def test_status_and_specification_are_written_apart(self, api: Any, apps: str, deployment: Any) -> None:
        path = f"{apps}/deployments/d"
        api.post(f"{apps}/deployments", {**deployment, "status": {"replicas": 7}})
        assert api.get(path).body["status"] == {}
        body = api.merge(
            f"{path}/status", {"spec": {"replicas": 9}, "status": {"replicas": 1, "readyReplicas": 0}}
        ).body
        assert (body["status"], body["spec"]["replicas"]) == ({"replicas": 1}, 1)
        assert api.merge(path, {"status": {"replicas": 5}}).body["status"] == {"replicas": 1}

    def test_scale_shows_and_sets_replicas(self, api: Any, apps: str, deployment: Any) -> None:
        path = f"{apps}/deployments/d"
        api.post(f"{apps}/deployments", deployment)
        scale = api.get(f"{path}/scale").body
        assert (scale["kind"], scale["spec"], scale["status"]) == (
            "Scale",
            {"replicas": 1},
            {"replicas": 0, "selector": "app=d"},
        )
        assert api.strategic(f"{path}/scale", {"spec": {"replicas": 3}}).body["spec"] == {"replicas": 3}
        assert api.get(path).body["spec"]["replicas"] == 3


class TestDelete:
    def test_a_deleted_object_is_gone(self, api: Any, core: str) -> None:
        uid = api.post(f"{core}/configmaps", CONFIG).body["metadata"]["uid"]
        answer = api.delete(f"{core}/configmaps/c")
        assert answer.body == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": "c", "kind": "configmaps", "uid": uid},
        }
        assert api.delete(f"{core}/configmaps/c").outcome == (404, "NotFound")

    def test_a_dry_run_deletes_nothing(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", CONFIG)
        assert api.delete(f"{core}/configmaps/c", dryRun="All").code == 200
        assert api.get(f"{core}/configmaps/c").code == 200

    def test_a_precondition_must_hold(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", CONFIG)
        assert api.delete(f"{core}/configmaps/c", {"preconditions": {"uid": "x"}}).outcome == (
            409,
            "Conflict",
        )

    def test_finalizers_are_waited_for(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", {**CONFIG, "metadata": {"name": "f", "finalizers": ["a.b/c"]}})
        path = f"{core}/configmaps/f"
        assert "deletionTimestamp" in api.delete(path).body["metadata"]
        refused = api.merge(path, {"metadata": {"finalizers": ["a.b/c", "d.e/f"]}})
        assert refused.causes == [("metadata.finalizers", "FieldValueForbidden")]
        assert api.merge(path, {"metadata": {"finalizers": None}}).code == 200
        assert api.get(path).code == 404

    def test_a_selection_is_deleted(self, api: Any, core: str) -> None:
        for name, label in (("one", "x"), ("two", "x"), ("three", "y")):
            api.post(f"{core}/secrets", {"metadata": {"name": name, "labels": {"l": label}}})
        api.delete(f"{core}/secrets", labelSelector="l=x")
        assert [item["metadata"]["name"] for item in api.get(f"{core}/secrets").body["items"]] == ["three"]

    def test_namespaces_of_the_system_stay(self, api: Any) -> None:
        assert api.delete("/api/v1/namespaces/default").outcome == (403, "Forbidden")


class TestLists:
    @pytest.mark.parametrize(
        ("parameters", "names"),
        [
            pytest.param({}, ["a", "b", "c"], id="everything"),
            pytest.param({"labelSelector": "app=one"}, ["a"], id="equal"),
            pytest.param({"labelSelector": "app!=one"}, ["b", "c"], id="not equal, or without the label"),
            pytest.param({"labelSelector": "app in (one,two)"}, ["a", "b"], id="one of several"),
            pytest.param({"labelSelector": "app notin (one)"}, ["b", "c"], id="none of several"),
            pytest.param({"labelSelector": "app"}, ["a", "b"], id="has the label"),
            pytest.param({"labelSelector": "!app"}, ["c"], id="lacks the label"),
            pytest.param({"labelSelector": "app in (one,two),tier=x"}, ["b"], id="all terms together"),
            pytest.param({"fieldSelector": "metadata.name=b"}, ["b"], id="a field"),
            pytest.param({"fieldSelector": "metadata.name!=b"}, ["a", "c"], id="another value of a field"),
            pytest.param({"fieldSelector": "type=Opaque"}, ["a", "b", "c"], id="a field of the kind"),
        ],
    )
    def test_selected(self, api: Any, core: str, parameters: dict[str, str], names: list[str]) -> None:
        for name, labels in (("a", {"app": "one"}), ("b", {"app": "two", "tier": "x"}), ("c", {})):
            api.post(f"{core}/secrets", {"metadata": {"name": name, "labels": labels}})
        body = api.get(f"{core}/secrets", **parameters).body
        assert (body["kind"], body["apiVersion"]) == ("SecretList", "v1")
        assert [item["metadata"]["name"] for item in body["items"]] == names
        assert not any("kind" in item for item in body["items"])

    @pytest.mark.parametrize(
        "parameters",
        [
            pytest.param({"labelSelector": "a b c"}, id="a label selector that is none"),
            pytest.param({"fieldSelector": "spec.foo=1"}, id="a field that cannot be selected"),
        ],
    )
    def test_refused(self, api: Any, core: str, parameters: dict[str, str]) -> None:
        assert api.get(f"{core}/secrets", **parameters).outcome == (400, "BadRequest")

    def test_items_of_custom_kinds_say_what_they_are(self, api: Any, namespace: str) -> None:
        path = f"/apis/external-secrets.io/v1/namespaces/{namespace}/externalsecrets"
        document = {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": {"name": "e"},
        }
        api.post(path, document)
        body = api.get(path).body
        assert [body["kind"], *(item["kind"] for item in body["items"])] == [
            "ExternalSecretList",
            "ExternalSecret",
        ]
