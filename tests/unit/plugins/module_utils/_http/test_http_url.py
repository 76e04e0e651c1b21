"""What a server may do to a client, and what the client makes of it."""

from __future__ import annotations

import gzip
import http.client
import threading
import traceback

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._http.exchange import told
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    MEBIBYTE,
    FetchError,
    Limits,
    Query,
    Response,
    within,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._http.url import UrlSource, tls_context

from tests.unit.plugins import servers

TRUST = tls_context(validate_certs=True, ca_cert=None)


def source(url: str, size: int = 100_000, seconds: float = 5.0, **headers: object) -> UrlSource:
    return UrlSource(url, context=TRUST, headers=headers, limits=Limits(size, seconds))


def test_a_whole_answer_is_returned() -> None:
    with servers.serve(servers.page("up 1\n")) as server:
        response = source(f"{server.url}/prefix/").fetch("/metrics", [("q", "a b")], accept="text/plain")
        assert response == Response(200, servers.TEXT_FORMAT, b"up 1\n")
        assert server.requests == ["/prefix/metrics?q=a+b"]
        assert server.headers[0]["Accept"] == "text/plain"


@pytest.mark.parametrize(
    ("url", "path", "query", "asked"),
    [
        pytest.param("/probe?target=db:5432/app", "", (), "/probe?target=db:5432/app", id="of the URL"),
        pytest.param("/a?b=1", "/c", [("d", "2")], "/a/c?b=1&d=2", id="of the URL and of the question"),
        pytest.param("/a?", "", [("d", "2")], "/a?d=2", id="of the question"),
        pytest.param("/a?", "", (), "/a", id="empty"),
        pytest.param("?b=1", "", (), "/?b=1", id="without a path"),
    ],
)
def test_a_query_is_sent(url: str, path: str, query: Query, asked: str) -> None:
    with servers.serve(servers.page("up 1\n")) as server:
        kept = source(server.url + url)
        kept.fetch(path, query)
        assert server.requests == [asked]
        assert "?" not in kept.name


def test_one_connection_serves_many_requests() -> None:
    with servers.serve(servers.page("{}")) as server:
        asked = source(server.url)
        for _time in range(5):
            asked.fetch("/api")
        assert (len(server.requests), server.connections) == (5, 1)


def test_a_connection_that_the_server_closed_is_opened_anew() -> None:
    def once(request: object) -> None:
        servers.page("{}")(request)  # type: ignore[arg-type]  # the handler that http.server gives
        request.close_connection = True  # type: ignore[attr-defined]  # of the handler

    with servers.serve(once) as server:
        asked = source(server.url)
        assert [asked.fetch("/").status for _time in range(3)] == [200] * 3
        assert server.connections == 3


def test_headers_are_sent() -> None:
    with servers.serve(servers.page("{}")) as server:
        source(server.url, Authorization="Bearer abc").fetch("/")
        assert server.headers[0]["Authorization"] == "Bearer abc"


def test_a_number_may_be_the_value_of_a_header() -> None:
    with servers.serve(servers.page("{}")) as server:
        source(server.url, Tenant=7).fetch("/")
        assert server.headers[0]["Tenant"] == "7"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("Authorization", "Bearer secret-word\n", "Authorization has a character", id="line end"),
        pytest.param("X", "secret-word\0", "header X has a character", id="control character"),
        pytest.param("X", "secret-word \u20ac", "header X has a character", id="not Latin-1"),
        pytest.param("X", None, "header X is no text", id="nothing"),
        pytest.param("X", ["secret-word"], "header X is no text", id="list"),
        pytest.param("X", True, "header X is no text", id="truth"),
        pytest.param("X: secret-word", "", "as the name of a header is none", id="a line as the name"),
        pytest.param("", "secret-word", "as the name of a header is none", id="no name"),
    ],
)
def test_a_header_that_cannot_be_sent_is_a_sentence_without_its_value(
    name: str, value: object, said: str
) -> None:
    with pytest.raises(FetchError, match=said) as caught:
        source("http://127.0.0.1:1", **{name: value})
    assert "secret-word" not in told_in_full(caught.value)


def told_in_full(error: BaseException) -> str:
    """As it would be shown if nobody caught it."""
    return "".join(traceback.format_exception(error, chain=True))


@pytest.mark.parametrize("error", [ValueError, TypeError, http.client.InvalidURL])
def test_what_http_client_refuses_is_a_sentence_without_what_it_repeats(error: type[Exception]) -> None:
    with pytest.raises(FetchError, match="Could not ask it") as caught, told("it"):
        raise error("secret-word")
    assert "secret-word" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_packed_answer_is_unpacked() -> None:
    body = b"up 1\n" * 50_000
    with servers.serve(servers.zipped(gzip.compress(body))) as server:
        asked = source(server.url, size=len(body))
        assert [asked.fetch("/").body for _time in range(2)] == [body] * 2
        assert server.headers[0]["Accept-Encoding"] == "gzip"
        assert server.connections == 1


STOP = threading.Event()
PACKED = gzip.compress(b"up 1\n")


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        pytest.param(servers.endless, "more than 100000 bytes", id="an endless body is cut at the limit"),
        pytest.param(servers.dripping(STOP), "within 0.3 s", id="a slow drip ends at the deadline"),
        pytest.param(servers.dripping_header(STOP), "within 0.3 s", id="so does a drip of headers"),
        pytest.param(servers.truncated(b"up 1\n"), "broke off", id="a cut answer is no answer"),
        pytest.param(servers.bomb(bytes(MEBIBYTE)), "more than 100000 bytes", id="a gzip bomb stays packed"),
        pytest.param(servers.bomb(b""), "within 0.3 s", id="gzip without content ends at the deadline"),
        pytest.param(servers.zipped(PACKED[:-6]), "broke off", id="cut gzip is no answer"),
        pytest.param(servers.zipped(b"up 1\n"), "not gzip, though it says so", id="plain text is no gzip"),
        pytest.param(servers.zipped(PACKED, b"up 2\n"), "follows its end", id="nothing follows gzip"),
        pytest.param(
            servers.page("", **{"Content-Encoding": "br"}), "encoding br, which nobody", id="another encoding"
        ),
        pytest.param(
            servers.page("", status=302, Location="https://["),
            "points to an address that cannot be read",
            id="a redirect to nowhere",
        ),
        pytest.param(
            servers.page("", status=302, Location="https://me:secret-word@other.example/?token=abc"),
            "points to https://other.example/",
            id="a redirect is named, not followed",
        ),
    ],
)
def test_a_bad_answer_is_a_sentence(behaviour: servers.Behaviour, said: str) -> None:
    with servers.serve(behaviour) as server, pytest.raises(FetchError, match=said) as caught:
        source(server.url, seconds=0.3).fetch("/")
    assert "secret-word" not in str(caught.value)


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(FetchError, match=r"Could not get an answer from http://127\.0\.0\.1:1.*refused"):
        source("http://127.0.0.1:1").fetch("/")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("ftp://host/x", "is not a URL", id="another scheme"),
        pytest.param("host:9187/metrics", "is not a URL", id="no scheme"),
        pytest.param("http://", "is not a URL", id="no host"),
        pytest.param("http://user:secret-word@host/", "as options", id="credentials in the URL"),
        pytest.param("http://h:90900/?key=secret-word", "cannot be read", id="a port that is none"),
        pytest.param("http://user:secret-word/@host", "cannot be read", id="a word as the port"),
        pytest.param("http://[secret-word", "cannot be read", id="half an address"),
    ],
)
def test_an_unusable_url_is_refused_without_repeating_secrets(url: str, said: str) -> None:
    with pytest.raises(FetchError, match=said) as caught:
        source(url)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("url", ["/a b?key=secret-word", "/a?key=secret-word x", "/ü?key=secret-word"])
def test_an_address_that_cannot_be_sent_is_a_sentence(url: str) -> None:
    with (
        servers.serve(servers.page("up 1\n")) as server,
        pytest.raises(FetchError, match="cannot have") as caught,
    ):
        source(server.url + url).fetch("")
    assert "secret-word" not in told_in_full(caught.value)


def test_a_missing_ca_file_is_a_sentence() -> None:
    with pytest.raises(FetchError, match="Could not use the CA certificates in /nowhere"):
        tls_context(validate_certs=True, ca_cert="/nowhere.pem")


def test_what_the_work_raises_passes_through() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        within(1.0, fail, "it")
