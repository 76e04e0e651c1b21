"""Kinds that CustomResourceDefinitions define: those of the operators, and any other."""

from __future__ import annotations

import copy
from typing import Any

import pytest


def document(kind: str, spec: Any) -> Any:
    group = "external-secrets.io" if kind.endswith(("Store", "Secret")) else "monitoring.coreos.com"
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}


def path_of(namespace: str, body: Any) -> str:
    plural = {"Prometheus": "prometheuses"}.get(body["kind"], body["kind"].lower() + "s")
    return f"/apis/{body['apiVersion']}/namespaces/{namespace}/{plural}"


STORE = document(
    "SecretStore",
    {
        "provider": {
            "aws": {
                "service": "SecretsManager",
                "region": "eu-central-1",
                "auth": {"jwt": {"serviceAccountRef": {"name": "aurora-access"}}},
            }
        }
    },
)
EXTERNAL_SECRET = document(
    "ExternalSecret",
    {
        "refreshInterval": "1m",
        "secretStoreRef": {"name": "store", "kind": "SecretStore"},
        "target": {"name": "credentials", "template": {"data": {"dsn": "{{ .username }}"}}},
        "data": [{"secretKey": "username", "remoteRef": {"key": "document", "property": "username"}}],
    },
)
MONITOR = document(
    "ServiceMonitor",
    {"selector": {"matchLabels": {"app": "x"}}, "endpoints": [{"port": "metrics", "interval": "30s"}]},
)
RULE = document(
    "PrometheusRule",
    {
        "groups": [
            {"name": "g", "rules": [{"alert": "Down", "expr": "up == ((", "for": "1m", "labels": {"a": "b"}}]}
        ]
    },
)


class TestOperators:
    @pytest.mark.parametrize(
        ("body", "defaults"),
        [
            pytest.param(STORE, {}, id="a secret store"),
            pytest.param(
                EXTERNAL_SECRET,
                {
                    "target": {
                        "name": "credentials",
                        "creationPolicy": "Owner",
                        "deletionPolicy": "Retain",
                        "template": {
                            "engineVersion": "v2",
                            "mergePolicy": "Replace",
                            "data": {"dsn": "{{ .username }}"},
                        },
                    },
                    "data": [
                        {
                            "secretKey": "username",
                            "remoteRef": {
                                "key": "document",
                                "property": "username",
                                "conversionStrategy": "Default",
                                "decodingStrategy": "None",
                                "metadataPolicy": "None",
                            },
                        }
                    ],
                },
                id="an external secret",
            ),
            pytest.param(MONITOR, {}, id="a service monitor"),
            pytest.param(RULE, {}, id="a rule, whatever its expression: that is judged by the operator"),
            pytest.param(
                document("Prometheus", {"replicas": 1, "ruleSelector": {}, "whatever": {"x": 1}}),
                {"evaluationInterval": "30s", "portName": "web", "scrapeInterval": "30s", "shards": 1},
                id="a Prometheus, with fields that nothing is known about",
            ),
        ],
    )
    def test_accepted(self, api: Any, namespace: str, body: Any, defaults: Any) -> None:
        answer = api.post(path_of(namespace, body), body, fieldValidation="Strict")
        assert answer.code == 201
        assert answer.body["spec"] == {**body["spec"], **defaults}
        assert (answer.body["metadata"]["generation"], "status" in answer.body) == (1, False)

    @pytest.mark.parametrize(
        ("body", "change", "causes"),
        [
            pytest.param(
                MONITOR,
                {"selector": None},
                [("spec.selector", "FieldValueRequired")],
                id="a monitor selects",
            ),
            pytest.param(
                MONITOR,
                {"endpoints": [{"port": 9187}]},
                [("spec.endpoints[0].port", "FieldValueTypeInvalid")],
                id="a monitor names ports",
            ),
            pytest.param(
                MONITOR,
                {"endpoints": [{"interval": "soon"}]},
                [("spec.endpoints[0].interval", "FieldValueInvalid")],
                id="intervals have a form",
            ),
            pytest.param(
                RULE,
                {"groups": [{"name": "g", "rules": [{"alert": "Down"}]}]},
                [("spec.groups[0].rules[0].expr", "FieldValueRequired")],
                id="a rule has an expression",
            ),
            pytest.param(
                RULE,
                {"groups": [{"name": "g"}, {"name": "g"}]},
                [("spec.groups[1]", "FieldValueDuplicate")],
                id="names of groups are unique",
            ),
            pytest.param(
                EXTERNAL_SECRET,
                {"target": {"creationPolicy": "Mine"}},
                [("spec.target.creationPolicy", "FieldValueNotSupported")],
                id="policies are from a list",
            ),
            pytest.param(
                EXTERNAL_SECRET,
                {"data": [{"secretKey": "u"}]},
                [("spec.data[0].remoteRef", "FieldValueRequired")],
                id="data comes from somewhere",
            ),
            pytest.param(
                STORE,
                {"provider": {"aws": {"service": "S3"}}},
                [
                    ("spec.provider.aws.region", "FieldValueRequired"),
                    ("spec.provider.aws.service", "FieldValueNotSupported"),
                ],
                id="a store names region and service",
            ),
            pytest.param(
                STORE, {"provider": {}}, [("spec.provider", "FieldValueInvalid")], id="a store has a provider"
            ),
        ],
    )
    def test_refused(self, api: Any, namespace: str, body: Any, change: Any, causes: Any) -> None:
        wrong = copy.deepcopy(body)
        wrong["spec"].update(change)
        wrong["spec"] = {name: value for name, value in wrong["spec"].items() if value is not None}
        answer = api.post(path_of(namespace, wrong), wrong)
        assert (answer.code, answer.causes) == (422, causes)

    def test_words(self, api: Any, namespace: str) -> None:
        wrong = copy.deepcopy(EXTERNAL_SECRET)
        wrong["spec"]["refreshInterval"] = 60
        assert api.post(path_of(namespace, wrong), wrong).body["message"] == (
            'ExternalSecret.external-secrets.io "x" is invalid: spec.refreshInterval: '
            'Invalid value: "integer": spec.refreshInterval in body must be of type string: "integer"'
        )

    def test_unknown_fields_are_pruned(self, api: Any, namespace: str) -> None:
        body = copy.deepcopy(MONITOR)
        body["spec"]["endpoints"][0]["prot"] = "metrics"
        answer = api.post(path_of(namespace, body), body)
        assert answer.warnings == ['299 - "unknown field \\"spec.endpoints[0].prot\\""']
        assert "prot" not in answer.body["spec"]["endpoints"][0]
        strict = api.post(path_of(namespace, body), body, fieldValidation="Strict")
        assert strict.outcome == (400, "BadRequest")

    def test_a_kind_must_be_named(self, api: Any, namespace: str) -> None:
        body = {name: value for name, value in MONITOR.items() if name != "kind"}
        answer = api.post(path_of(namespace, MONITOR), body)
        assert answer.outcome == (400, "BadRequest")
        assert "Object 'Kind' is missing" in answer.body["message"]

    def test_another_kind_is_refused(self, api: Any, namespace: str) -> None:
        answer = api.post(path_of(namespace, MONITOR), {**MONITOR, "kind": "PodMonitor"})
        assert answer.body["message"] == (
            'PodMonitor.monitoring.coreos.com "x" is invalid: kind: Invalid value: "PodMonitor": '
            "must be ServiceMonitor"
        )

    def test_status_is_written_apart(self, api: Any, namespace: str) -> None:
        path = path_of(namespace, EXTERNAL_SECRET)
        api.post(path, {**EXTERNAL_SECRET, "status": {"refreshTime": None}})
        condition = {"type": "Ready", "status": "True"}
        change = {"metadata": {"labels": {"a": "b"}}, "spec": {}, "status": {"conditions": [condition]}}
        body = api.merge(f"{path}/x/status", change).body
        assert body["status"] == {"conditions": [condition]}
        assert ("labels" in body["metadata"], body["metadata"]["generation"]) == (False, 1)
        wrong = {"status": {"conditions": [{"type": "Other", "status": "True"}]}}
        assert api.merge(f"{path}/x/status", wrong).causes == [
            ("status.conditions[0].type", "FieldValueNotSupported")
        ]

    def test_apply_is_idempotent(self, api: Any, namespace: str) -> None:
        path = path_of(namespace, EXTERNAL_SECRET) + "/x"
        created = api.apply(path, EXTERNAL_SECRET, fieldManager="m").body
        assert api.apply(path, EXTERNAL_SECRET, fieldManager="m").body == created


class TestJudgement:
    """How schemas are applied, in the details in which the real server surprises."""

    def test_null_counts_for_nothing(self, api: Any, namespace: str) -> None:
        body = document("ServiceMonitor", {**MONITOR["spec"], "jobLabel": None, "sampleLimit": None})
        answer = api.post(path_of(namespace, body), body)
        assert (answer.code, answer.body["spec"]) == (201, MONITOR["spec"])

    def test_null_is_missing_where_a_value_is_required(self, api: Any, namespace: str) -> None:
        body = document("ServiceMonitor", {**MONITOR["spec"], "selector": None})
        assert api.post(path_of(namespace, body), body).causes == [("spec.selector", "FieldValueRequired")]

    def test_of_length_and_pattern_the_first_is_reported(self, api: Any, namespace: str) -> None:
        store = {"name": "", "kind": "SecretStore"}
        body = document("ExternalSecret", {"secretStoreRef": store})
        (cause,) = api.post(path_of(namespace, body), body).body["details"]["causes"]
        assert (
            cause["message"]
            == 'Invalid value: "": spec.secretStoreRef.name in body should be at least 1 chars long'
        )

    def test_a_status_is_judged_by_itself(self, api: Any, namespace: str) -> None:
        path = path_of(namespace, EXTERNAL_SECRET)
        api.post(path, EXTERNAL_SECRET)
        answer = api.merge(f"{path}/x/status", {"status": {"syncedResourceVersion": 1}})
        (cause,) = answer.body["details"]["causes"]
        assert cause["field"] == "status.syncedResourceVersion"
        assert cause["message"].endswith(': syncedResourceVersion in body must be of type string: "integer"')

    def test_unknown_fields_are_named_in_order(self, api: Any, namespace: str) -> None:
        body = {**document("ServiceMonitor", {**MONITOR["spec"], "b": 1}), "a": 1}
        message = api.post(path_of(namespace, body), body, fieldValidation="Strict").body["message"]
        assert message.endswith('unknown field "a", unknown field "spec.b"')

    def test_a_replacement_names_the_version_it_replaces(self, api: Any, namespace: str) -> None:
        path = path_of(namespace, MONITOR)
        api.post(path, MONITOR)
        assert api.put(f"{path}/x", MONITOR).body["message"] == (
            'servicemonitors.monitoring.coreos.com "x" is invalid: '
            "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
        )

    def test_a_list_says_that_it_is_whole(self, api: Any, namespace: str) -> None:
        assert api.get(path_of(namespace, MONITOR)).body["metadata"]["continue"] == ""


class TestDefinitions:
    @pytest.fixture
    def definition(self, namespace: str) -> Any:
        group = f"{namespace}.example.com"
        names = {"plural": "things", "singular": "thing", "kind": "Thing", "shortNames": ["tg"]}
        schema = {
            "type": "object",
            "properties": {
                "spec": {
                    "type": "object",
                    "properties": {"size": {"type": "integer", "minimum": 1, "default": 3}},
                }
            },
        }
        version = {
            "name": "v1",
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": schema},
            "subresources": {
                "status": {},
                "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
            },
        }
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"things.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
        }

    @pytest.fixture
    def path(self, namespace: str, definition: Any) -> str:
        return f"/apis/{definition['spec']['group']}/v1/namespaces/{namespace}/things"

    COLLECTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    def test_a_new_kind_is_served(self, api: Any, definition: Any, path: str) -> None:
        created = api.post(self.COLLECTION, definition).body
        assert created["status"]["conditions"] is None
        assert created["spec"]["names"]["listKind"] == "ThingList"
        status = api.get(f"{self.COLLECTION}/{definition['metadata']['name']}").body["status"]
        conditions = {item["type"]: item["status"] for item in status["conditions"]}
        assert conditions == {"NamesAccepted": "True", "Established": "True"}
        group = definition["spec"]["group"]
        thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"junk": 1}}
        answer = api.post(path, thing)
        assert (answer.code, answer.body["spec"]) == (201, {"size": 3})
        assert api.get(f"{path}/t/scale").body["spec"] == {"replicas": 3}
        assert api.merge(f"{path}/t/scale", {"spec": {"replicas": 5}}).body["spec"] == {"replicas": 5}
        assert api.merge(f"{path}/t", {"spec": {"size": 0}}).causes == [("spec.size", "FieldValueInvalid")]
        resources = api.get(f"/apis/{group}/v1").body["resources"]
        assert [item["name"] for item in resources] == ["things", "things/status", "things/scale"]

    def test_a_removed_kind_takes_its_objects_along(self, api: Any, definition: Any, path: str) -> None:
        api.post(self.COLLECTION, definition)
        api.delete(f"{self.COLLECTION}/{definition['metadata']['name']}")
        assert api.get(path).body == "404 page not found\n"
        assert definition["spec"]["group"] not in str(api.get("/apis").body)

    def test_a_definition_waits_for_objects_that_wait(self, api: Any, definition: Any, path: str) -> None:
        name, group = definition["metadata"]["name"], definition["spec"]["group"]
        api.post(self.COLLECTION, definition)
        metadata = {"name": "t", "finalizers": ["example.org/wait"]}
        api.post(path, {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": metadata})
        going = api.delete(f"{self.COLLECTION}/{name}").body
        assert going["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
        assert going["status"]["conditions"][-1]["type"] == "Terminating"
        assert api.get(f"{self.COLLECTION}/{name}").code == 200
        api.merge(f"{path}/t", {"metadata": {"finalizers": None}})
        assert api.get(f"{self.COLLECTION}/{name}").code == 404

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            pytest.param(
                {"metadata": {"name": "other.name"}}, "metadata.name", id="the name follows from the kind"
            ),
            pytest.param({"spec": {"scope": "Galaxy"}}, "spec.scope", id="scopes are from a list"),
            pytest.param({"spec": {"versions": []}}, "spec.versions", id="one version is stored"),
        ],
    )
    def test_refused(self, api: Any, definition: Any, change: Any, field: str) -> None:
        for name, value in change.items():
            definition[name].update(value)
        answer = api.post(self.COLLECTION, definition)
        assert answer.code == 422
        assert field in [cause for cause, _reason in answer.causes]
