"""Both formats: what prometheus_client writes is read alike, and damage is never more than a ParseError."""

from __future__ import annotations

import contextlib
import io
import math
import time
import tracemalloc
import typing as t
from collections.abc import Callable, Iterator, Sequence

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.formats import parse
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Exposition
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.reading import ParseError
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import metrics_core as core
from prometheus_client.exposition import generate_latest as as_text
from prometheus_client.openmetrics import parser as open_metrics_parser
from prometheus_client.openmetrics.exposition import generate_latest as as_open_metrics
from prometheus_client.parser import text_fd_to_metric_families
from prometheus_client.samples import Exemplar

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
LABEL_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(lambda name: name != "le")
POSITIVE = st.floats(min_value=0, allow_nan=False)
EXEMPLARS = st.none() | st.builds(
    Exemplar, st.dictionaries(LABEL_NAMES, WORDS, max_size=2), st.floats(), st.none() | st.floats(0, 2e9)
)

Metric = core.Metric
Labels = list[str]
Series = set[tuple[str, frozenset[tuple[str, str]], str]]


@st.composite
def label_sets(draw: st.DrawFn) -> tuple[list[str], list[Labels]]:
    """Names, and the values of up to three metrics."""
    names = draw(st.lists(LABEL_NAMES, unique=True, max_size=3))
    rows = st.lists(WORDS, min_size=len(names), max_size=len(names))
    return names, draw(st.lists(rows, min_size=1, max_size=3, unique_by=tuple))


def counter(draw: st.DrawFn, name: str, names: list[str], rows: list[Labels]) -> Metric:
    family = core.CounterMetricFamily(name, draw(WORDS), labels=names)
    for row in rows:
        created = draw(st.none() | st.just(1.5))
        family.add_metric(row, draw(POSITIVE), created=created, exemplar=draw(EXEMPLARS))
    return family


def number(kind: type[Metric]) -> Callable[..., Metric]:
    def make(draw: st.DrawFn, name: str, names: list[str], rows: list[Labels]) -> Metric:
        family = kind(name, draw(WORDS), labels=names)
        for row in rows:
            family.add_metric(row, draw(st.floats()), timestamp=draw(st.none() | st.floats(0, 2e9)))
        return family

    return make


def histogram(draw: st.DrawFn, name: str, names: list[str], rows: list[Labels]) -> Metric:
    family = core.HistogramMetricFamily(name, draw(WORDS), labels=names)
    for row in rows:
        low = draw(st.integers(0, 10))
        high = low + draw(st.integers(0, 10**12))
        family.add_metric(row, [("0.5", low, draw(EXEMPLARS)), ("+Inf", high, None)], draw(POSITIVE))
    return family


def gauge_histogram(draw: st.DrawFn, name: str, names: list[str], rows: list[Labels]) -> Metric:
    family = core.GaugeHistogramMetricFamily(name, draw(WORDS), labels=names)
    for row in rows:
        family.add_metric(row, [("0.5", 1.0), ("+Inf", 2.0)], draw(POSITIVE))
    return family


def summary(draw: st.DrawFn, name: str, names: list[str], rows: list[Labels]) -> Metric:
    family = core.SummaryMetricFamily(name, draw(WORDS), labels=names)
    for row in rows:
        family.add_metric(row, draw(st.integers(0, 2**53)), draw(POSITIVE))
    return family


def info(draw: st.DrawFn, name: str, names: list[str], rows: list[Labels]) -> Metric:
    family = core.InfoMetricFamily(name, draw(WORDS), labels=names)
    for row in rows:
        family.add_metric(row, {"zz_version": draw(WORDS)})
    return family


def state_set(draw: st.DrawFn, name: str, names: list[str], rows: list[Labels]) -> Metric:
    family = core.StateSetMetricFamily(name, draw(WORDS), labels=names)
    for row in rows:
        family.add_metric(row, {"on": draw(st.booleans()), draw(WORDS.filter(lambda w: w != "on")): True})
    return family


MAKERS = (
    counter,
    number(core.GaugeMetricFamily),
    number(core.UnknownMetricFamily),
    histogram,
    gauge_histogram,
    summary,
    info,
    state_set,
)


@st.composite
def registries(draw: st.DrawFn) -> CollectorRegistry:
    """Metrics of every type, as an application would register them."""
    makers = draw(st.lists(st.sampled_from(MAKERS), min_size=1, max_size=4))
    families = [maker(draw, f"m{n}_x", *draw(label_sets())) for n, maker in enumerate(makers)]

    class Collector:
        def collect(self) -> Sequence[Metric]:
            return families

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())  # type: ignore[arg-type]  # is typed to inherit
    return registry


def lines(page: bytes) -> io.StringIO:
    """For the client, which takes text; only a line feed ends a line."""
    return io.StringIO(page.decode(), newline="\n")


def of_client(families: Iterator[Metric]) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items()), str(float(sample.value)))
        for family in families
        for sample in family.samples
    }


def of_ours(page: Exposition) -> Series:
    return {(sample.name, frozenset(sample.labels.items()), str(sample.value)) for sample in page}


def told(page: Exposition) -> dict[str, t.Any]:
    """All that an Exposition says, apart from the lines. In text, no help begins with blanks."""
    return {
        name: (
            family.type,
            (family.help or "").lstrip(" \t"),
            [(*sample.key, str(sample.value)) for sample in family.samples],
        )
        for name, family in page.families.items()
        if family.samples
    }


@given(registries())
@settings(max_examples=100, deadline=None)
def test_what_prometheus_client_writes_is_read_alike(registry: CollectorRegistry) -> None:
    text, metrics = as_text(registry), as_open_metrics(registry)
    from_text, from_metrics = parse(text, TEXT), parse(metrics, OPEN_METRICS)
    assert of_ours(from_text) == of_client(text_fd_to_metric_families(lines(text)))
    assert of_ours(from_metrics) == of_client(open_metrics_parser.text_fd_to_metric_families(lines(metrics)))
    assert told(from_text) == told(from_metrics)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, str]:
    """A page that was cut, patched with junk, or has a line twice."""
    write, content_type = draw(st.sampled_from([(as_text, TEXT), (as_open_metrics, OPEN_METRICS)]))
    page = write(draw(registries()))
    start = draw(st.integers(0, len(page)))
    end = draw(st.integers(start, len(page)))
    lines = page.splitlines(keepends=True)
    twice = draw(st.integers(0, len(lines) - 1))
    return draw(
        st.sampled_from(
            [
                page[:start],
                page[:start] + page[end:],
                page[:start] + draw(st.binary(max_size=4)) + page[end:],
                page[:start] + draw(st.text('{}",=\\ #\n_', max_size=3)).encode() + page[start:],
                b"".join([*lines[:twice], lines[twice], *lines[twice:]]),
            ]
        )
    ), content_type


@given(damaged())
@settings(max_examples=200, deadline=None)
def test_damage_is_refused_or_harmless(page: tuple[bytes, str]) -> None:
    """Nothing but ParseError comes out, whatever is done to a page."""
    with contextlib.suppress(ParseError):
        parse(*page)


@given(registries(), st.data())
@settings(max_examples=50, deadline=None)
def test_a_page_that_was_cut_within_a_line_is_never_taken_for_whole(
    registry: CollectorRegistry, data: st.DataObject
) -> None:
    for write, content_type in ((as_text, TEXT), (as_open_metrics, OPEN_METRICS)):
        page = write(registry)
        cut = data.draw(st.integers(0, len(page) - 2))
        if page[:cut].endswith(b"\n"):
            cut += 1
        with pytest.raises(ParseError):
            parse(page[:cut], content_type)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("text/plain", b"up 1\n", id="text without version"),
        pytest.param("text/plain; version=0.0.4", b"up 1\n", id="text"),
        pytest.param('Text/Plain;Version="0.0.4";charset=UTF-8', b"up 1\n", id="text in other letters"),
        pytest.param("application/openmetrics-text", b"up 1\n# EOF\n", id="OpenMetrics without version"),
        pytest.param(f"{OPEN_METRICS}; escaping=underscores", b"up 1\n# EOF\n", id="OpenMetrics"),
    ],
)
def test_the_content_type_chooses_the_parser(content_type: str, body: bytes) -> None:
    assert parse(body, content_type).value("up") == 1


@pytest.mark.parametrize(
    ("content_type", "said"),
    [
        pytest.param("", "no content type instead of text/plain", id="none"),
        pytest.param(
            "text/html; charset=utf-8", "the answer is text/html; charset=utf-8 instead of", id="a web page"
        ),
        pytest.param("text/plain; version=1.0.0", "this is no metrics page", id="newer text"),
        pytest.param(
            "application/openmetrics-text; version=2.0.0", "no metrics page", id="newer OpenMetrics"
        ),
        pytest.param(";;=", "no metrics page", id="junk"),
    ],
)
def test_another_content_type_is_refused(content_type: str, said: str) -> None:
    with pytest.raises(ParseError, match=said):
        parse(b"up 1\n", content_type)


def test_a_large_page_takes_seconds_and_a_few_times_its_size() -> None:
    lines = (f'a_total{{path="/page/{number}",code="200"}} {number}\n' for number in range(100_000))
    body = b"# TYPE a_total counter\n" + "".join(lines).encode()
    start = time.process_time()
    assert parse(body, TEXT).samples == 100_000
    assert time.process_time() - start < 5
    tracemalloc.start()
    try:
        page = parse(body, TEXT)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert page.series("a_total", path="/page/99999")[0].value == 99999
    assert peak < 12 * len(body)


def test_nan_is_read_in_both_formats() -> None:
    for body, content_type in ((b"a NaN\n", TEXT), (b"a NaN\n# EOF\n", OPEN_METRICS)):
        assert math.isnan(parse(body, content_type).series("a")[0].value)
