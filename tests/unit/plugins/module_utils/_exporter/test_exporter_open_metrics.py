"""The strict parser of OpenMetrics: what it reads, in which words, and what it refuses."""

from __future__ import annotations

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.open_metrics import parse
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.reading import ParseError

GAUGES = '# TYPE g gaugehistogram\ng_bucket{le="1"} 1\ng_bucket{le="+Inf"} 2\ng_gcount 2\ng_gsum 3\n'
HISTOGRAM = '# TYPE h histogram\nh_bucket{le="0.1"} 1\nh_bucket{le="+Inf"} 3\nh_sum 4\nh_count 3\n'


def refused(text: str) -> str:
    with pytest.raises(ParseError) as caught:
        parse(text.encode())
    return str(caught.value)


def test_a_page_is_read() -> None:
    page = parse(
        b'# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds A \\\\ and \\n and \\".\n'
        b'a_seconds_total{x="1",y="\\"q\\" \\\\ \\n"} 1.5e3 1700000000.25 # {t="}\\" # "} 1 1700000000\n'
        b'a_seconds_created{x="1",y="\\"q\\" \\\\ \\n"} 1.6e9\n# TYPE g unknown\ng{} -1 1e9\n# EOF\n'
    )
    family = page.families["a_seconds_total"]
    assert (family.type, family.help) == ("counter", 'A \\ and \n and ".')
    sample = page.series("a_seconds_total", x="1")[0]
    assert (sample.labels, sample.value, sample.line) == ({"x": "1", "y": '"q" \\ \n'}, 1500.0, 4)
    assert page.value("a_seconds_created") == 1.6e9
    assert (page.families["g"].type, page.value("g")) == ("untyped", -1.0)


@pytest.mark.parametrize(
    ("text", "name", "type"),
    [
        pytest.param("# TYPE x counter\nx_total 1\n", "x_total", "counter", id="counter"),
        pytest.param("# TYPE x counter\nx_total 1\nx_created 1\n", "x_created", "gauge", id="created"),
        pytest.param("# TYPE x gauge\nx 1\n", "x", "gauge", id="gauge"),
        pytest.param(HISTOGRAM, "h_bucket", "histogram", id="bucket of a histogram"),
        pytest.param(HISTOGRAM, "h_count", "histogram", id="count of a histogram"),
        pytest.param('# TYPE x summary\nx{quantile="0.5"} 1\n', "x", "summary", id="summary"),
        pytest.param('# TYPE x info\nx_info{v="1"} 1\n', "x_info", "gauge", id="info"),
        pytest.param('# TYPE x stateset\nx{x="on"} 1\n', "x", "gauge", id="stateset"),
        pytest.param(
            '# TYPE x gaugehistogram\nx_bucket{le="+Inf"} 1\n', "x_bucket", "histogram", id="gaugehistogram"
        ),
        pytest.param(
            '# TYPE x gaugehistogram\nx_bucket{le="+Inf"} 1\nx_gcount 1\nx_gsum 2\n',
            "x_gcount",
            "gauge",
            id="its count",
        ),
        pytest.param("# TYPE x unknown\nx 1\n", "x", "untyped", id="unknown"),
        pytest.param("x 1\n", "x", "untyped", id="without TYPE"),
    ],
)
def test_it_is_told_in_the_words_of_the_text_format(text: str, name: str, type: str) -> None:
    page = parse(f"{text}# EOF".encode())
    family = page.family_of(name)
    assert family is not None
    assert (family.type, page.has(name), bool(page.series(name))) == (type, True, True)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HISTOGRAM, id="a histogram"),
        pytest.param(HISTOGRAM.replace("h_sum 4\nh_count 3\n", ""), id="buckets alone"),
        pytest.param(HISTOGRAM.replace("h_sum 4\nh_count 3\n", "").replace("0.1", "-1"), id="below 0"),
        pytest.param(GAUGES, id="a histogram of gauges"),
        pytest.param(GAUGES.replace('"1"', '"-1"').replace("gsum 3", "gsum -3"), id="of negative ones"),
        pytest.param("# TYPE h histogram\n", id="no samples"),
        pytest.param(HISTOGRAM.replace("h_sum", "h_created 1\nh_sum"), id="and when it began"),
    ],
)
def test_whole_histograms_are_read(text: str) -> None:
    assert parse(f"{text}# EOF\n".encode()).samples == text.count("\n") - 1


def test_a_family_without_samples_is_there_and_has_none() -> None:
    page = parse(b"# TYPE x counter\n# HELP x y\n# TYPE g gauge\ng 1\n# EOF\n")
    assert list(page.families) == ["x_total", "x_created", "g"]
    assert not page.has("x_total")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("\n", "line 1: an empty line", id="empty line"),
        pytest.param("# EOF\na 1\n", "line 2: a line after # EOF", id="line after the end"),
        pytest.param("# a comment\n", "line 1: neither HELP", id="comment"),
        pytest.param("# TYPE a untyped\n", "line 1: unknown TYPE", id="a type of the text format"),
        pytest.param("# TYPE a gauge\n# TYPE a gauge\n", "line 2: second TYPE", id="second TYPE"),
        pytest.param("a 1\n# HELP a x\n", "line 2: HELP after the first sample", id="HELP too late"),
        pytest.param("# TYPE a gauge\na 1\nb 1\na 2\n", "line 4: lines of a", id="family apart"),
        pytest.param("# TYPE a counter\na 1\n", "line 2: lines of a stand", id="counter without _total"),
        pytest.param("# TYPE a counter\na_total 1\n# TYPE a_total gauge\n", "lines of a_total", id="clash"),
        pytest.param("# TYPE a gauge\n# UNIT a seconds\na 1\n", "does not end with its UNIT", id="unit"),
        pytest.param("# TYPE a_s info\n# UNIT a_s s\n", "which has no UNIT", id="unit of an info"),
        pytest.param("a 1\na 1\n", "line 2: the series stands on line 1", id="duplicate series"),
        pytest.param("a 1 1\na 1 2\n", "line 2: the series stands on line 1", id="a second point in time"),
        pytest.param("a  1\n", "line 1: neither a sample", id="two blanks"),
        pytest.param("a 1 \n", "line 1: neither a sample", id="blank at the end"),
        pytest.param("a 1 NaN\n", "line 1: neither a sample", id="timestamp is no number"),
        pytest.param("a 1_0\n", "line 1: the value is not a number", id="underscore in a number"),
        pytest.param('a{x="1",} 1\n', "line 1: the labels are malformed", id="comma at the end"),
        pytest.param('a{x="1", y="2"} 1\n', "line 1: the labels are malformed", id="blank between labels"),
        pytest.param("# TYPE a counter\na_total -1\n", "-1 is no value for _total", id="negative counter"),
        pytest.param("# TYPE a counter\na_total NaN\n", "nan is no value for _total", id="NaN counter"),
        pytest.param("# TYPE a info\na_info 2\n", "2 is no value for _info", id="info is not 1"),
        pytest.param('# TYPE a stateset\na{a="x"} 2\n', "2 is no value for stateset", id="state is a number"),
        pytest.param('# TYPE a stateset\na{b="x"} 1\n', "label a is missing", id="state without its label"),
        pytest.param('# TYPE a summary\na{quantile="2"} 1\n', "not between 0 and 1", id="quantile above 1"),
        pytest.param("# TYPE a summary\na 1\n", "label quantile is missing", id="no quantile"),
        pytest.param(HISTOGRAM.replace("3", "2.5"), "2.5 is no value for _bucket", id="half an observation"),
        pytest.param(HISTOGRAM.replace('{le="0.1"}', ""), "label le is missing", id="bucket without bound"),
        pytest.param(HISTOGRAM.replace("h_count 3", "h_count 4"), "_count differ", id="count differs"),
        pytest.param("# TYPE a histogram\na_sum 3\na_count 2\n", 'no bucket le="+Inf"', id="no bucket"),
        pytest.param("# TYPE a histogram\na_created 3\n", 'no bucket le="+Inf"', id="only when it began"),
        pytest.param(
            HISTOGRAM + 'h_sum{x="1"} 1\nh_count{x="1"} 1\n',
            "histogram h with 'x=1': no bucket",
            id="no bucket of one metric",
        ),
        pytest.param(HISTOGRAM.replace("h_count 3\n", ""), "there is only one", id="sum without count"),
        pytest.param(HISTOGRAM.replace("h_sum 4\n", ""), "there is only one", id="count without sum"),
        pytest.param(
            '# TYPE a histogram\na_bucket{le="2"} 1\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 1\n',
            "order of their bounds",
            id="buckets out of order",
        ),
        pytest.param(
            '# TYPE a histogram\na_bucket{le="1"} 1\na_bucket{le="1.0"} 1\na_bucket{le="+Inf"} 1\n',
            "order of their bounds",
            id="a bucket twice",
        ),
        pytest.param(HISTOGRAM + 'h_bucket{le="5"} 3\n', "order of their bounds", id="bucket after the last"),
        pytest.param(HISTOGRAM.replace("0.1", "-1"), "a bucket below 0", id="sum of negatives"),
        pytest.param(GAUGES.replace("gcount 2", "gcount 3"), "_gcount differ", id="count of gauges differs"),
        pytest.param(GAUGES.replace("g_gcount 2\n", ""), "there is only one", id="gsum without gcount"),
        pytest.param(GAUGES.replace("gsum 3", "gsum -3"), "_gsum is below 0", id="negative sum of gauges"),
        pytest.param(
            '# TYPE a counter\na_total{x="1"} 1\na_total{x="2"} 1\na_created{x="1"} 1\n',
            "line 4: the samples of one metric stand in two places",
            id="metric apart",
        ),
        pytest.param("a 1 # {} 1\n", "only a total or a bucket", id="exemplar of an unknown"),
        pytest.param("# TYPE a counter\na_total 1 # {} x\n", "not a number", id="exemplar without number"),
        pytest.param("# TYPE a counter\na_total 1 # {x} 1\n", "malformed", id="exemplar with bad labels"),
        pytest.param(
            f'# TYPE a counter\na_total 1 # {{x="{"y" * 128}"}} 1\n', "more than 128", id="exemplar too long"
        ),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, said: str) -> None:
    assert said in refused(f"{text}# EOF\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a 1\n", id="not there"),
        pytest.param("a 1\n# EO", id="cut"),
        pytest.param("a 1# EOF", id="not on a line of its own"),
        pytest.param("# EOF\n\n", id="an empty line after it"),
    ],
)
def test_an_end_without_eof_is_a_cut(text: str) -> None:
    assert "# EOF is missing" in refused(text)


def test_an_empty_body_is_no_page() -> None:
    assert refused("") == "the page is empty"


def test_a_message_carries_no_credentials() -> None:
    assert "secret-word" not in refused('a{dsn="postgresql://user:secret-word@host/db"} one\n# EOF\n')
