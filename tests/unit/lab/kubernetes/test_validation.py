"""What the API refuses to store, kind by kind."""

from __future__ import annotations

import copy
from typing import Any

import pytest

CONTAINER = ("spec", "template", "spec", "containers", 0)


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy in which the value at `path` is another one; None removes it."""
    result = copy.deepcopy(document)
    node = result
    for key in path[:-1]:
        node = node[key]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return result


class TestUnknownFields:
    """A misspelt field is dropped with a warning, or refused where the client asks for that."""

    @pytest.fixture
    def misspelt(self, deployment: Any) -> Any:
        return changed(deployment, (*CONTAINER, "imagePolicy"), "Always")

    def test_warned_about(self, api: Any, apps: str, misspelt: Any) -> None:
        answer = api.post(f"{apps}/deployments", misspelt)
        assert answer.code == 201
        assert answer.warnings == ['299 - "unknown field \\"spec.template.spec.containers[0].imagePolicy\\""']
        assert "imagePolicy" not in answer.body["spec"]["template"]["spec"]["containers"][0]

    def test_ignored(self, api: Any, apps: str, misspelt: Any) -> None:
        answer = api.post(f"{apps}/deployments", misspelt, fieldValidation="Ignore")
        assert (answer.code, answer.warnings) == (201, [])

    def test_refused(self, api: Any, apps: str, misspelt: Any) -> None:
        answer = api.post(f"{apps}/deployments", misspelt, fieldValidation="Strict")
        assert answer.outcome == (400, "BadRequest")
        assert answer.body["message"] == (
            'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
            'unknown field "spec.template.spec.containers[0].imagePolicy"'
        )

    def test_refused_in_a_patch(self, api: Any, apps: str, deployment: Any) -> None:
        api.post(f"{apps}/deployments", deployment)
        answer = api.merge(f"{apps}/deployments/d", {"spec": {"foo": 1}}, fieldValidation="Strict")
        assert answer.outcome == (422, "Invalid")
        assert answer.body["message"].endswith('strict decoding error: unknown field "spec.foo"')


class TestTypes:
    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            pytest.param(
                ("spec", "replicas"),
                "3",
                "json: cannot unmarshal string into Go struct field "
                "DeploymentSpec.spec.replicas of type int32",
                id="a number",
            ),
            pytest.param(
                (*CONTAINER, "image"),
                5,
                "json: cannot unmarshal number into Go struct field "
                "Container.spec.template.spec.containers.image of type string",
                id="a text",
            ),
            pytest.param(
                (*CONTAINER, "env"),
                {"A": "1"},
                "json: cannot unmarshal object into Go struct field "
                "Container.spec.template.spec.containers.env of type []v1.EnvVar",
                id="a list",
            ),
            pytest.param(
                (*CONTAINER, "resources"),
                {"limits": {"cpu": "much"}},
                "quantities must match the regular expression",
                id="a quantity",
            ),
        ],
    )
    def test_refused(self, api: Any, apps: str, deployment: Any, path: Any, value: Any, said: str) -> None:
        answer = api.post(f"{apps}/deployments", changed(deployment, path, value))
        assert answer.outcome == (400, "BadRequest")
        assert said in answer.body["message"]

    def test_base64_of_a_secret(self, api: Any, core: str) -> None:
        answer = api.post(f"{core}/secrets", {"metadata": {"name": "s"}, "data": {"u": "%%%"}})
        assert answer.outcome == (400, "BadRequest")
        assert answer.body["message"] == (
            'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0'
        )


class TestDeployment:
    @pytest.mark.parametrize(
        ("path", "value", "causes"),
        [
            pytest.param(
                ("spec", "selector"),
                None,
                [
                    ("spec.selector", "FieldValueRequired"),
                    ("spec.template.metadata.labels", "FieldValueInvalid"),
                ],
                id="a selector is needed",
            ),
            pytest.param(
                ("spec", "selector", "matchLabels"),
                {"x": "y"},
                [("spec.template.metadata.labels", "FieldValueInvalid")],
                id="selector and template fit",
            ),
            pytest.param(
                ("spec", "template", "spec", "containers"),
                [],
                [("spec.template.spec.containers", "FieldValueRequired")],
                id="containers are needed",
            ),
            pytest.param(
                (*CONTAINER, "image"),
                None,
                [("spec.template.spec.containers[0].image", "FieldValueRequired")],
                id="an image is needed",
            ),
            pytest.param(
                (*CONTAINER, "name"),
                "Not_DNS",
                [("spec.template.spec.containers[0].name", "FieldValueInvalid")],
                id="names of containers are DNS labels",
            ),
            pytest.param(
                (*CONTAINER, "ports"),
                [{"containerPort": 1, "name": "a-name-too-long-for-a-port"}],
                [("spec.template.spec.containers[0].ports[0].name", "FieldValueInvalid")],
                id="names of ports are short",
            ),
            pytest.param(
                (*CONTAINER, "ports"),
                [{"containerPort": 70000}],
                [("spec.template.spec.containers[0].ports[0].containerPort", "FieldValueInvalid")],
                id="ports have 16 bits",
            ),
            pytest.param(
                (*CONTAINER, "ports"),
                [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}],
                [("spec.template.spec.containers[0].ports[1].name", "FieldValueDuplicate")],
                id="names of ports are unique",
            ),
            pytest.param(
                (*CONTAINER, "volumeMounts"),
                [{"name": "nope", "mountPath": "/x"}],
                [("spec.template.spec.containers[0].volumeMounts[0].name", "FieldValueNotFound")],
                id="only known volumes are mounted",
            ),
            pytest.param(
                (*CONTAINER, "readinessProbe"),
                {"periodSeconds": 1},
                [("spec.template.spec.containers[0].readinessProbe", "FieldValueRequired")],
                id="a probe has a handler",
            ),
            pytest.param(
                (*CONTAINER, "resources"),
                {"limits": {"memory": "1Mi"}, "requests": {"memory": "2Mi"}},
                [("spec.template.spec.containers[0].resources.requests", "FieldValueInvalid")],
                id="requests stay below limits",
            ),
            pytest.param(
                (*CONTAINER, "env"),
                [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                [("spec.template.spec.containers[0].env[0].valueFrom", "FieldValueInvalid")],
                id="a variable has one source",
            ),
            pytest.param(
                (*CONTAINER, "imagePullPolicy"),
                "Sometimes",
                [("spec.template.spec.containers[0].imagePullPolicy", "FieldValueNotSupported")],
                id="policies are from a list",
            ),
            pytest.param(
                ("spec", "template", "spec", "restartPolicy"),
                "Never",
                [("spec.template.spec.restartPolicy", "FieldValueNotSupported")],
                id="a deployment restarts its pods",
            ),
            pytest.param(
                ("spec", "template", "spec", "volumes"),
                [{"name": "v", "secret": {"secretName": "s"}, "emptyDir": {}}],
                [
                    ("spec.template.spec.volumes[0].secret", "FieldValueForbidden"),
                    ("spec.template.spec.containers[0].volumeMounts[0].name", "FieldValueNotFound"),
                ],
                id="a volume is of one kind",
            ),
            pytest.param(
                ("metadata", "labels"),
                {"a/b/c": "x", "k": "not valid"},
                [("metadata.labels", "FieldValueInvalid"), ("metadata.labels", "FieldValueInvalid")],
                id="labels have a form",
            ),
            pytest.param(
                ("spec", "replicas"),
                -1,
                [("spec.replicas", "FieldValueInvalid")],
                id="counts are not negative",
            ),
        ],
    )
    def test_refused(self, api: Any, apps: str, deployment: Any, path: Any, value: Any, causes: Any) -> None:
        answer = api.post(f"{apps}/deployments", changed(deployment, path, value))
        assert (answer.code, answer.causes) == (422, causes)
        assert answer.body["details"]["kind"] == "Deployment"

    def test_words(self, api: Any, apps: str, deployment: Any) -> None:
        wrong = changed(deployment, ("spec", "selector", "matchLabels"), {"x": "y"})
        assert api.post(f"{apps}/deployments", wrong).body["message"] == (
            'Deployment.apps "d" is invalid: spec.template.metadata.labels: Invalid value: {"app":"d"}: '
            "`selector` does not match template `labels`"
        )

    def test_the_selector_never_changes(self, api: Any, apps: str, deployment: Any) -> None:
        api.post(f"{apps}/deployments", deployment)
        labels = {"app": "e"}
        change = {"spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}
        answer = api.strategic(f"{apps}/deployments/d", change)
        assert answer.body["message"] == (
            'Deployment.apps "d" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"e"}}: '
            "field is immutable"
        )


class TestService:
    @pytest.mark.parametrize(
        ("spec", "causes"),
        [
            pytest.param({}, [("spec.ports", "FieldValueRequired")], id="ports are needed"),
            pytest.param(
                {"ports": [{"port": 0}]},
                [
                    ("spec.ports[0].port", "FieldValueInvalid"),
                    ("spec.ports[0].targetPort", "FieldValueInvalid"),
                ],
                id="a port is a number above zero",
            ),
            pytest.param(
                {"ports": [{"port": 1}, {"port": 2, "name": "b"}]},
                [("spec.ports[0].name", "FieldValueRequired")],
                id="several ports have names",
            ),
            pytest.param(
                {"ports": [{"port": 1, "protocol": "HTTP"}]},
                [("spec.ports[0].protocol", "FieldValueNotSupported")],
                id="protocols are from a list",
            ),
            pytest.param(
                {"ports": [{"port": 1, "targetPort": "Not_A_Name"}]},
                [("spec.ports[0].targetPort", "FieldValueInvalid")],
                id="the target is a number or a port's name",
            ),
            pytest.param(
                {"type": "Other", "ports": [{"port": 1}]},
                [("spec.type", "FieldValueNotSupported")],
                id="types are from a list",
            ),
            pytest.param(
                {"ports": [{"port": 1}], "selector": {"a": "not valid"}},
                [("spec.selector", "FieldValueInvalid")],
                id="selectors are labels",
            ),
        ],
    )
    def test_refused(self, api: Any, core: str, spec: Any, causes: Any) -> None:
        answer = api.post(f"{core}/services", {"metadata": {"name": "s"}, "spec": spec})
        assert (answer.code, answer.causes) == (422, causes)

    def test_the_address_never_changes(self, api: Any, core: str) -> None:
        service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}]}}
        address = api.post(f"{core}/services", service).body["spec"]["clusterIP"]
        assert api.put(f"{core}/services/s", service).body["spec"]["clusterIP"] == address
        answer = api.merge(f"{core}/services/s", {"spec": {"clusterIP": "10.100.9.9"}})
        assert answer.causes == [("spec.clusterIPs[0]", "FieldValueInvalid")]

    def test_a_headless_service_has_no_address(self, api: Any, core: str) -> None:
        body = api.post(f"{core}/services", {"metadata": {"name": "h"}, "spec": {"clusterIP": "None"}}).body
        assert body["spec"]["clusterIPs"] == ["None"]


class TestOthers:
    @pytest.mark.parametrize(
        ("path", "document", "causes"),
        [
            pytest.param(
                "/api/v1/namespaces/default/configmaps",
                {"data": {"not a key": "x"}},
                [("data[not a key]", "FieldValueInvalid")],
                id="keys of a config map",
            ),
            pytest.param(
                "/api/v1/namespaces/default/secrets",
                {"type": "kubernetes.io/tls", "data": {}},
                [("data[tls.crt]", "FieldValueRequired"), ("data[tls.key]", "FieldValueRequired")],
                id="content of a typed secret",
            ),
            pytest.param(
                "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
                {"spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "nowhere"}}]}]}},
                [("spec.ingress[0].from[0].ipBlock.cidr", "FieldValueInvalid")],
                id="networks of a policy",
            ),
            pytest.param(
                "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                {"addressType": "IPv4", "endpoints": [{"addresses": []}], "ports": []},
                [("endpoints[0].addresses", "FieldValueRequired")],
                id="addresses of a slice",
            ),
            pytest.param(
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                {
                    "roleRef": {"kind": "Role", "name": "r"},
                    "subjects": [{"kind": "ServiceAccount", "name": "a"}],
                },
                [("roleRef.kind", "FieldValueNotSupported"), ("subjects[0].namespace", "FieldValueRequired")],
                id="reference and subjects of a binding",
            ),
            pytest.param(
                "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                {"rules": [{"apiGroups": [""], "resources": ["pods"]}]},
                [("rules[0].verbs", "FieldValueRequired")],
                id="verbs of a role",
            ),
        ],
    )
    def test_refused(self, api: Any, path: str, document: Any, causes: Any) -> None:
        answer = api.post(path, {**document, "metadata": {"name": "x"}})
        assert (answer.code, answer.causes) == (422, causes)

    def test_a_slice_may_have_loopback_addresses(self, api: Any, namespace: str) -> None:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        endpoints = [{"addresses": ["127.60.0.1"], "conditions": {"ready": True}}]
        body = {
            "metadata": {"name": "x"},
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"port": 1}],
        }
        assert api.post(path, body).body["ports"] == [{"name": "", "port": 1, "protocol": "TCP"}]

    def test_the_type_of_a_secret_never_changes(self, api: Any, core: str) -> None:
        api.post(f"{core}/secrets", {"metadata": {"name": "s"}})
        assert api.merge(f"{core}/secrets/s", {"type": "x/y"}).causes == [("type", "FieldValueInvalid")]

    def test_an_immutable_config_map_stays(self, api: Any, core: str) -> None:
        api.post(f"{core}/configmaps", {"metadata": {"name": "c"}, "data": {"a": "1"}, "immutable": True})
        answer = api.merge(f"{core}/configmaps/c", {"data": {"a": "2"}})
        assert answer.causes == [("data", "FieldValueForbidden")]


class TestPods:
    @pytest.fixture
    def pod(self) -> Any:
        return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}

    def test_the_service_account_must_exist(self, api: Any, core: str, pod: Any) -> None:
        pod["spec"]["serviceAccountName"] = "ghost"
        answer = api.post(f"{core}/pods", pod)
        assert answer.outcome == (403, "Forbidden")
        assert answer.body["message"].endswith('/ghost: serviceaccount "ghost" not found')

    def test_a_token_is_mounted(self, api: Any, core: str, pod: Any) -> None:
        spec = api.post(f"{core}/pods", pod).body["spec"]
        assert spec["serviceAccountName"] == "default"
        volume = spec["volumes"][0]
        assert [next(iter(source)) for source in volume["projected"]["sources"]] == [
            "serviceAccountToken",
            "configMap",
            "downwardAPI",
        ]
        assert spec["containers"][0]["volumeMounts"] == [
            {
                "name": volume["name"],
                "readOnly": True,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            }
        ]

    def test_no_token_where_none_is_wanted(self, api: Any, core: str, pod: Any) -> None:
        pod["spec"]["automountServiceAccountToken"] = False
        assert "volumes" not in api.post(f"{core}/pods", pod).body["spec"]

    def test_the_specification_is_fixed(self, api: Any, core: str, pod: Any) -> None:
        api.post(f"{core}/pods", pod)
        assert api.strategic(f"{core}/pods/p", {"spec": {"nodeName": "n"}}).causes == [
            ("spec", "FieldValueForbidden")
        ]
        change = {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}
        assert api.strategic(f"{core}/pods/p", change).code == 200

    def test_a_pod_is_bound_to_a_node_once(self, api: Any, core: str, pod: Any) -> None:
        api.post(f"{core}/pods", pod)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": "p"},
            "target": {"kind": "Node", "name": "lab"},
        }
        assert api.post(f"{core}/pods/p/binding", binding).code == 201
        assert api.get(f"{core}/pods/p").body["spec"]["nodeName"] == "lab"
        assert api.post(f"{core}/pods/p/binding", binding).outcome == (409, "Conflict")

    def test_one_address_stands_for_all(self, api: Any, core: str, pod: Any) -> None:
        api.post(f"{core}/pods", pod)
        body = api.strategic(f"{core}/pods/p/status", {"status": {"podIP": "127.60.0.1"}}).body
        assert body["status"]["podIPs"] == [{"ip": "127.60.0.1"}]

    def test_a_scheduled_pod_ends_in_peace(self, api: Any, core: str, pod: Any) -> None:
        pod["spec"].update(nodeName="lab", terminationGracePeriodSeconds=7)
        api.post(f"{core}/pods", pod)
        metadata = api.delete(f"{core}/pods/p").body["metadata"]
        assert (metadata["deletionGracePeriodSeconds"], "deletionTimestamp" in metadata) == (7, True)
        assert api.get(f"{core}/pods/p").code == 200
        assert api.delete(f"{core}/pods/p", {"gracePeriodSeconds": 0}).code == 200
        assert api.get(f"{core}/pods/p").code == 404

    def test_a_pod_without_a_node_ends_at_once(self, api: Any, core: str, pod: Any) -> None:
        api.post(f"{core}/pods", pod)
        api.delete(f"{core}/pods/p")
        assert api.get(f"{core}/pods/p").code == 404


class TestWording:
    """What users read when an object is refused."""

    @pytest.mark.parametrize(
        ("path", "body", "message"),
        [
            pytest.param(
                "configmaps",
                {"metadata": {"name": "x", "finalizers": ["mine"]}},
                'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name '
                "nor is it fully qualified",
                id="a finalizer without a domain",
            ),
            pytest.param(
                "configmaps",
                {
                    "metadata": {
                        "name": "x",
                        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}],
                    }
                },
                "metadata.ownerReferences[0].uid: Required value: must not be empty",
                id="an owner without a uid",
            ),
            pytest.param(
                "secrets",
                {
                    "metadata": {"name": "x"},
                    "type": "kubernetes.io/dockercfg",
                    "stringData": {".dockercfg": "no"},
                },
                'data[.dockercfg]: Invalid value: "<secret contents redacted>": '
                "invalid character 'n' looking for beginning of value",
                id="registry credentials that are no JSON",
            ),
            pytest.param(
                "endpoints",
                {
                    "metadata": {"name": "x"},
                    "subsets": [{"addresses": [{"ip": "here"}], "ports": [{"port": 1}]}],
                },
                '[subsets[0].addresses[0].ip: Invalid value: "here": must be a valid IP address, '
                "(e.g. 10.9.8.7 or 2001:db8::ffff), "
                'subsets[0].addresses[0].ip: Invalid value: "here": must be a valid IP address]',
                id="an address that is none",
            ),
        ],
    )
    def test_of_the_core(self, api: Any, core: str, path: str, body: Any, message: str) -> None:
        answer = api.post(f"{core}/{path}", body)
        assert answer.outcome == (422, "Invalid")
        assert answer.body["message"].partition(" is invalid: ")[2] == message

    @pytest.mark.parametrize(
        ("rolling", "causes"),
        [
            ({"maxSurge": "much"}, ["maxSurge"]),
            ({"maxSurge": -1}, ["maxSurge"]),
            ({"maxUnavailable": "150%"}, ["maxUnavailable"]),
        ],
        ids=["a word", "a negative number", "more than all"],
    )
    def test_of_a_rollout(self, api: Any, apps: str, deployment: Any, rolling: Any, causes: Any) -> None:
        body = changed(deployment, ("spec", "strategy"), {"rollingUpdate": rolling})
        fields = [field for field, _reason in api.post(f"{apps}/deployments", body).causes]
        assert fields == [f"spec.strategy.rollingUpdate.{name}" for name in causes]

    @pytest.mark.parametrize(
        ("cidr", "parts", "causes"),
        [
            ("10.0.0.0/8", ["10.1.0.0/16"], []),
            ("10.0.0.0/8", ["11.0.0.0/16", "10.0.0.0/8"], ["except[0]", "except[1]"]),
            ("", [], ["cidr"]),
            ("here", ["there"], ["cidr"]),
        ],
        ids=["a part", "no part, and the whole", "nothing", "no network"],
    )
    def test_of_a_network(self, api: Any, namespace: str, cidr: str, parts: Any, causes: Any) -> None:
        block = {"cidr": cidr, "except": parts}
        spec = {"podSelector": {}, "ingress": [{"from": [{"ipBlock": block}]}]}
        path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
        answer = api.post(path, {"metadata": {"name": "x"}, "spec": spec})
        found = [field for field, _reason in answer.causes] if answer.code == 422 else []
        assert found == [f"spec.ingress[0].from[0].ipBlock.{name}" for name in causes]

    def test_endpoints_are_deprecated(self, api: Any, core: str) -> None:
        assert "v1 Endpoints is deprecated in v1.33+" in api.get(f"{core}/endpoints").warnings[0]
