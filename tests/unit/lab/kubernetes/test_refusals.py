"""Requests that cannot be understood are refused in the real server's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.kubernetes.embedded import golang
from lab.kubernetes.embedded.requests import MalformedError, parsed

UNRECOGNIZED = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind"
MONITORS = "/apis/monitoring.coreos.com/v1/namespaces/default/servicemonitors"


class TestBodies:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param(
                b"", f"{UNRECOGNIZED}; json parse error: unexpected end of JSON input (<empty>)", id="nothing"
            ),
            pytest.param(
                b"hello",
                f"{UNRECOGNIZED}; json parse error: invalid character 'h' looking for beginning of value "
                "(68656c6c6f)",
                id="no JSON, shown in hexadecimal digits",
            ),
            pytest.param(
                b'{"metadata": {"name": "a-long-name"',
                f"{UNRECOGNIZED}; json parse error: unexpected end of JSON input "
                '({"metadata": {"name": "a-long- ...)',
                id="a long body, of which the beginning is shown",
            ),
            pytest.param(
                b"[]",
                f"{UNRECOGNIZED}; json parse error: "
                f"json: cannot unmarshal array into Go value of type {golang.TYPE_META} (5b5d)",
                id="a list",
            ),
        ],
    )
    def test_refused(self, api: Any, core: str, content: bytes, message: str) -> None:
        answer = api.post(f"{core}/configmaps", content)
        assert (answer.outcome, answer.body["message"]) == ((400, "BadRequest"), message)

    def test_null_is_an_empty_object(self, api: Any, core: str) -> None:
        answer = api.post(f"{core}/configmaps", b"null")
        assert (answer.code, answer.causes) == (422, [("metadata.name", "FieldValueRequired")])

    def test_a_custom_object_says_its_kind(self, api: Any) -> None:
        message = api.post(MONITORS, b'{"spec": 1}').body["message"]
        assert message.endswith("""Object 'Kind' is missing in '{"spec": 1}' ({"spec": 1})""")

    @pytest.mark.parametrize(
        "media", ["application/x-www-form-urlencoded", "application/xml", "application/merge-patch+json"]
    )
    def test_another_type_is_not_read(self, api: Any, core: str, media: str) -> None:
        answer = api.call("POST", f"{core}/configmaps", {"metadata": {"name": "c"}}, media)
        assert answer.outcome == (415, "UnsupportedMediaType")

    @pytest.mark.parametrize(
        ("accepted", "code"),
        [("application/xml", 406), ("text/html, */*;q=0.8", 404), ("application/json;as=Table", 404)],
    )
    def test_the_client_says_what_it_accepts(self, api: Any, core: str, accepted: str, code: int) -> None:
        url = f"{api.server}{core}/configmaps/none"
        assert api.session.get(url, headers={"Accept": accepted}, timeout=10).status_code == code


class TestKinds:
    @pytest.mark.parametrize(
        ("version", "kind", "why"),
        [
            pytest.param(
                "v1",
                "Secret",
                "converting (v1.Secret) to (core.ConfigMap): unknown conversion",
                id="another kind",
            ),
            pytest.param(
                "v1",
                "Riddle",
                'no kind "Riddle" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
                id="a kind that nobody knows",
            ),
        ],
    )
    def test_refused(self, api: Any, core: str, version: str, kind: str, why: str) -> None:
        answer = api.post(f"{core}/configmaps", {"apiVersion": version, "kind": kind})
        assert answer.body["message"] == f'{kind} in version "v1" cannot be handled as a ConfigMap: {why}'

    def test_a_token_request_is_no_other_kind(self, api: Any) -> None:
        answer = api.post("/api/v1/namespaces/default/serviceaccounts/default/token", {"kind": "Token"})
        assert answer.body["message"].startswith(
            'Token in version "v1" cannot be handled as a TokenRequest: no kind "Token" is registered'
        )


class TestMethods:
    @pytest.mark.parametrize(
        ("method", "path"),
        [("DELETE", "/api/v1/namespaces"), ("DELETE", "/api/v1/namespaces/default/status")],
    )
    def test_not_allowed(self, api: Any, method: str, path: str) -> None:
        assert api.call(method, path).outcome == (405, "MethodNotAllowed")


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            pytest.param(
                {"propagationPolicy": "Sideways"},
                'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": '
                'supported values: "Foreground", "Background", "Orphan", "nil"',
                id="an unknown policy",
            ),
            pytest.param(
                {"propagationPolicy": "Orphan", "orphanDependents": True},
                'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": '
                "orphanDependents and deletionPropagation cannot be both set",
                id="two policies",
            ),
            pytest.param(
                {"gracePeriodSeconds": "soon"},
                "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds "
                "of type int64",
                id="a text as a number",
            ),
        ],
    )
    def test_deletion(self, api: Any, core: str, options: Any, message: str) -> None:
        answer = api.delete(f"{core}/configmaps/kube-root-ca.crt", options)
        assert answer.body["message"] == message
        assert api.get(f"{core}/configmaps/kube-root-ca.crt").code == 200

    def test_first_events_need_a_promise(self, api: Any, core: str) -> None:
        answer = api.get(f"{core}/pods", watch="true", sendInitialEvents="true")
        assert (answer.code, answer.causes) == (422, [("resourceVersionMatch", "FieldValueForbidden")])

    def test_a_watch_begins_at_a_number(self, api: Any, core: str) -> None:
        answer = api.get(f"{core}/pods", watch="true", resourceVersion="new")
        assert answer.code == 500
        assert 'strconv.ParseUint: parsing "new": invalid syntax' in answer.body["message"]


class TestWords:
    """Errors of Python's decoders in the words of Go's."""

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("{", "unexpected end of JSON input"),
            ('"a', "unexpected end of JSON input"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("{1: 2}", "invalid character '1' looking for beginning of object key string"),
            ('{"a": 1,}', "invalid character '}' looking for beginning of object key string"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ('{"a" 1}', "invalid character '1' after object key"),
            ('{"a": 1 "b"}', "invalid character '\"' after object key:value pair"),
            ("{} {}", "invalid character '{' after top-level value"),
        ],
    )
    def test_json(self, text: str, why: str) -> None:
        with pytest.raises(MalformedError) as refused:
            parsed(text.encode(), yaml_allowed=False)
        assert str(refused.value) == why

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("{", "yaml: line 1: did not find expected node content"),
            ("a: b: c", "yaml: mapping values are not allowed in this context"),
            ("a: 1\nb: c: d", "yaml: line 2: mapping values are not allowed in this context"),
        ],
    )
    def test_yaml(self, text: str, why: str) -> None:
        with pytest.raises(MalformedError) as refused:
            parsed(text.encode(), yaml_allowed=True)
        assert str(refused.value) == f"error converting YAML to JSON: {why}"

    def test_yaml_is_read_as_json(self) -> None:
        assert parsed(b"{day: 2026-01-01, sign: =}", yaml_allowed=True) == {"day": "2026-01-01", "sign": "="}

    def test_values(self) -> None:
        value = json.loads('{"b": [1, "x", true], "a": {"c": null}}')
        assert golang.shown(value) == "map[a:map[c:<nil>] b:[1 x true]]"
