"""Reading from a cluster: what is an object, what is none, what is a sentence."""

from __future__ import annotations

import json

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Limits,
    Query,
    Response,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    Kubernetes,
    KubernetesError,
    connect,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.service import (
    Service,
    ServiceSource,
)

JSON = "application/json"
DEEP = b"[" * 200_000


def status(code: int, message: str) -> Response:
    return Response(code, JSON, json.dumps({"kind": "Status", "code": code, "message": message}).encode())


def answering(response: Response) -> Kubernetes:
    return Kubernetes(lambda path, query, accept, limits: response)


def test_an_object_is_returned() -> None:
    assert answering(Response(200, JSON, b'{"kind": "Pod"}')).get("/api/v1/pods/x") == {"kind": "Pod"}


def test_a_missing_object_is_none() -> None:
    assert answering(status(404, "not found")).get("/x") is None


@pytest.mark.parametrize(
    ("response", "said"),
    [
        pytest.param(
            status(403, 'secrets "x" is forbidden'),
            r"403 \(secrets.*forbidden\): grant this right",
            id="forbidden",
        ),
        pytest.param(status(401, "Unauthorized"), "401.*not valid", id="unauthorized"),
        pytest.param(
            Response(503, "text/plain", b"shutting down"), r"503 \(shutting down\)", id="plain text"
        ),
        pytest.param(Response(200, "text/html", b"<html>"), "this is no Kubernetes API", id="a web page"),
        pytest.param(Response(200, JSON, DEEP), "this is no Kubernetes API", id="a document without ground"),
        pytest.param(Response(500, JSON, DEEP), r"500 \(\[\[", id="a refusal without ground"),
    ],
)
def test_a_refusal_is_a_sentence(response: Response, said: str) -> None:
    with pytest.raises(KubernetesError, match=said):
        answering(response).get("/api/v1/namespaces/n/secrets/x")


def test_silence_is_a_sentence() -> None:
    def ask(path: str, query: Query, accept: str, limits: Limits) -> Response:
        raise FetchError("The Kubernetes API at https://k does not answer: refused")

    with pytest.raises(KubernetesError, match="does not answer"):
        Kubernetes(ask).get("/x")


def test_a_cluster_that_does_not_answer_is_a_sentence() -> None:
    said = r"Could not reach the Kubernetes API: .*127\.0\.0\.1.*refused"
    with pytest.raises(KubernetesError, match=said) as caught:
        connect({"host": "http://127.0.0.1:1", "api_key": "very-secret-token"})
    assert "very-secret-token" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_kubeconfig_is_a_sentence() -> None:
    with pytest.raises(KubernetesError, match="Could not reach the Kubernetes API"):
        connect({"kubeconfig": "/nowhere/kubeconfig"})


def test_the_service_proxy_is_asked() -> None:
    asked: list[tuple[str, Query]] = []

    def ask(path: str, query: Query, accept: str, limits: Limits) -> Response:
        asked.append((path, query))
        return Response(200, "text/plain", b"up 1\n")

    service = Service("monitoring", "prometheus", "http-web", scheme="https", path="/prom/")
    source = ServiceSource(ask, service, Limits())
    assert source.fetch("/api/v1/query", [("query", "up")]).body == b"up 1\n"
    path = "/api/v1/namespaces/monitoring/services/https:prometheus:http-web/proxy/prom/api/v1/query"
    assert asked == [(path, [("query", "up")])]


@pytest.mark.parametrize(
    ("response", "said"),
    [
        pytest.param(
            status(503, 'no endpoints available for service "x"'),
            "no pod behind it is ready",
            id="no endpoints",
        ),
        pytest.param(status(404, 'services "x" not found'), "no such Service", id="no service"),
        pytest.param(
            status(403, 'User "u" cannot get resource "services/proxy"'),
            'grant "get"',
            id="no right to proxy",
        ),
        pytest.param(
            Response(
                503, "text/plain", b"error trying to reach service: dial tcp 10.0.0.1:9187: i/o timeout"
            ),
            "NetworkPolicy or security group",
            id="no path to the pod",
        ),
        pytest.param(
            Response(502, "text/plain", b"error trying to reach service: dial tcp: connection refused"),
            "nothing listens",
            id="nothing listens",
        ),
    ],
)
def test_what_the_api_server_says_itself_is_explained(response: Response, said: str) -> None:
    source = ServiceSource(lambda *_: response, Service("n", "x", "metrics"), Limits())
    with pytest.raises(FetchError, match=said):
        source.fetch("/metrics")


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(
            Response(422, JSON, b'{"status": "error", "error": "bad"}'), id="an error of Prometheus"
        ),
        pytest.param(Response(500, "text/plain", b"An error has occurred"), id="an error of the exporter"),
        pytest.param(Response(500, JSON, DEEP), id="an error without ground"),
    ],
)
def test_what_the_pod_says_passes_through(response: Response) -> None:
    source = ServiceSource(lambda *_: response, Service("n", "x", "metrics"), Limits())
    assert source.fetch("/metrics") == response
