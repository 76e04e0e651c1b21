"""One scrape of a real server, good or hostile: a page, or a sentence in time."""

from __future__ import annotations

import gzip
import threading

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import Secrets
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.reading import ParseError
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.verify import scrape
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    MEBIBYTE,
    FetchError,
    Limits,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._http.url import UrlSource, tls_context

from tests.unit.plugins import servers

TRUST = tls_context(validate_certs=True, ca_cert=None)
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
STOP = threading.Event()


def source(server: servers.Server, seconds: float = 5.0) -> UrlSource:
    return UrlSource(server.url, context=TRUST, headers={}, limits=Limits(MEBIBYTE, seconds))


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(servers.page("# TYPE x_total counter\nx_total 1\n"), id="text"),
        pytest.param(servers.page("# TYPE x counter\nx_total 1\n# EOF\n", OPEN_METRICS), id="OpenMetrics"),
        pytest.param(servers.zipped(gzip.compress(b"# TYPE x_total counter\nx_total 1\n")), id="gzip"),
    ],
)
def test_a_page_is_the_same_however_it_comes(behaviour: servers.Behaviour) -> None:
    with servers.serve(behaviour) as server:
        page = scrape(source(server), Secrets())
    family = page.family_of("x_total")
    assert family is not None
    assert (family.name, family.type, page.value("x_total"), page.samples) == ("x_total", "counter", 1, 1)


def test_text_is_preferred() -> None:
    with servers.serve(servers.page("up 1\n")) as server:
        scrape(source(server), Secrets())
    first, second = server.headers[0]["Accept"].split(", ")
    assert first == "text/plain;version=0.0.4"
    assert second == "application/openmetrics-text;version=1.0.0;q=0.5"


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        pytest.param(servers.endless, "sent more than 1048576 bytes", id="an endless body"),
        pytest.param(servers.page(b"# x\n" * MEBIBYTE), "sent more than 1048576 bytes", id="a huge body"),
        pytest.param(servers.dripping(STOP), "did not finish its answer", id="a slow drip"),
        pytest.param(servers.bomb(bytes(MEBIBYTE)), "sent more than 1048576 bytes", id="a gzip bomb"),
        pytest.param(servers.page(bytes(range(255, -1, -1)) + b"\n"), "line 1: not UTF-8", id="binary junk"),
        pytest.param(servers.page(b"\x00" * 100 + b"\n"), "line 1: neither a sample", id="zeros"),
        pytest.param(servers.page(b"up 1\nb 2"), "line 2: the last line has no end", id="a cut last line"),
        pytest.param(servers.page(b"up 1\n", OPEN_METRICS), "EOF is missing", id="cut OpenMetrics"),
        pytest.param(servers.truncated(b"up 1\n"), "broke off", id="fewer bytes than promised"),
        pytest.param(servers.page(b""), "the page is empty", id="nothing"),
        pytest.param(servers.page("<html>", "text/html"), "is text/html instead of", id="a web page"),
    ],
)
def test_what_is_no_page_is_a_sentence(behaviour: servers.Behaviour, said: str) -> None:
    with servers.serve(behaviour) as server, pytest.raises((FetchError, ParseError), match=said):
        scrape(source(server, seconds=2), Secrets())
