"""How the options of a task become a source: who is trusted, and who asks."""

from __future__ import annotations

import ssl
import typing as t
from pathlib import Path

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError, Limits
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes import source
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.port_forward import (
    refused,
)

from lab.certificates import Authority, Issued
from tests.unit.plugins import servers

LIMITS = Limits(100_000, 5)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def client(authority: Authority) -> Issued:
    return authority.issue_client("client", "tests", ["testers"])


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    """Of a server that wants to see a certificate."""
    issued = authority.issue("server", ["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(issued.certificate, issued.key)
    return context


def opened(**options: t.Any) -> t.Any:
    params = {"url": None, "service": None, "pod": None, "headers": None, **options}
    return source.open_source(params, LIMITS)[0]


def test_user_and_password_are_basic_authentication() -> None:
    with servers.serve(servers.page("up 1\n")) as server:
        opened(url=server.url, username="ü", password="a:b").fetch("/")
        assert server.headers[0]["Authorization"] == "Basic w7w6YTpi"


def test_they_exclude_another_authorization() -> None:
    with pytest.raises(FetchError, match="either username and password or the header") as caught:
        opened(url="http://h", username="u", password="secret-word", headers={"authorization": "Bearer x"})
    assert "secret-word" not in str(caught.value)


def test_a_client_certificate_is_shown(authority: Authority, client: Issued, context: ssl.SSLContext) -> None:
    with servers.serve(servers.page("up 1\n"), context) as server:
        asked = opened(
            url=server.url,
            ca_cert=str(authority.certificate),
            client_cert=str(client.certificate),
            client_key=str(client.key),
        )
        assert asked.fetch("/").body == b"up 1\n"


def test_a_server_that_misses_the_certificate_is_a_sentence(
    authority: Authority, context: ssl.SSLContext
) -> None:
    with servers.serve(servers.page("up 1\n"), context) as server:
        asked = opened(url=server.url, ca_cert=str(authority.certificate))
        with pytest.raises(FetchError, match="give client_cert and client_key"):
            asked.fetch("/")


def test_a_server_that_nobody_vouches_for_is_a_sentence(client: Issued, context: ssl.SSLContext) -> None:
    certificates = {"client_cert": str(client.certificate), "client_key": str(client.key)}
    with servers.serve(servers.page("up 1\n"), context) as server:
        with pytest.raises(FetchError, match="give the CA as ca_cert"):
            opened(url=server.url, **certificates).fetch("/")
        assert opened(url=server.url, validate_certs=False, **certificates).fetch("/").status == 200


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param({"client_cert": "/nowhere.pem"}, "client certificate in /nowhere", id="no certificate"),
        pytest.param({"client_key": "/nowhere.key"}, "no use without client_cert", id="key alone"),
    ],
)
def test_unusable_files_are_a_sentence(files: dict[str, str], said: str) -> None:
    with pytest.raises(FetchError, match=said):
        opened(url="https://127.0.0.1:1", **files)


def test_a_key_with_a_password_is_refused_without_a_question(tmp_path: Path, client: Issued) -> None:
    from cryptography.hazmat.primitives import serialization as s

    key = s.load_pem_private_key(client.key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    protection = s.BestAvailableEncryption(b"x")
    locked.write_bytes(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, protection))
    with pytest.raises(FetchError, match="Could not use the client certificate"):
        opened(url="https://127.0.0.1:1", client_cert=str(client.certificate), client_key=str(locked))


def never(*_asked: t.Any) -> t.NoReturn:
    raise AssertionError("the API was asked")


def test_a_port_forward_cannot_impersonate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "connect", lambda params, seconds: Kubernetes(never))
    with pytest.raises(FetchError, match="do not impersonate"):
        opened(pod={"namespace": "n", "name": "p", "port": "1"}, impersonate_user="u")


POD = {"namespace": "n", "name": "p", "port": "1"}


@pytest.mark.parametrize("place", [{"url": "http://127.0.0.1:1"}, {"pod": POD}], ids=["url", "pod"])
@pytest.mark.parametrize("name", ["Authorization", 7])
def test_a_header_that_cannot_be_sent_is_a_sentence_without_its_value(
    monkeypatch: pytest.MonkeyPatch, place: dict[str, t.Any], name: t.Any
) -> None:
    monkeypatch.setattr(source, "connect", lambda params, seconds: Kubernetes(never))
    with pytest.raises(FetchError, match="header") as caught:
        opened(**place, headers={name: "Bearer secret-word\n"})
    assert "secret-word" not in str(caught.value)


def test_a_missing_right_is_named() -> None:
    class BadStatusError(Exception):
        status_code = 403
        resp_body = b'{"message": "User \\"u\\" cannot create resource \\"pods/portforward\\""}'

    error = Exception("status: 0")
    error.__context__ = BadStatusError()
    said = refused("port-forward to Pod n/p", error)
    assert said.startswith("The Kubernetes API answered port-forward to Pod n/p with 403 (User")
    assert said.endswith('"pods/portforward"): grant this right to the user of the kubeconfig')


def test_an_api_that_does_not_answer_is_named() -> None:
    error = Exception("(0)\nReason: timed out\n")
    error.__context__ = TimeoutError("timed out\nand more")
    assert refused("port-forward to Pod n/p", error) == "Could not port-forward to Pod n/p: timed out"
