"""The strict parser of the text format: what it reads, and what it refuses."""

from __future__ import annotations

import contextlib
import math
import time

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.reading import ParseError
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse

HISTOGRAM = '# TYPE h histogram\nh_bucket{le="0.1"} 1\nh_bucket{le="+Inf"} 3\nh_sum 4\nh_count 3\n'


def test_a_page_is_read() -> None:
    page = parse(
        b"# HELP a_total Text with \\\\ and \\n.\n# TYPE a_total counter\n"
        b'a_total{x="1",y="\\"q\\" \\\\ \\n",} 1.5e3 1700000000000\n'
        b"a_total\t+Inf\n\n# a comment\nb NaN\n"
    )
    assert page.samples == 3
    assert page.families["a_total"].type == "counter"
    assert page.families["a_total"].help == "Text with \\ and \n."
    assert page.families["b"].type == "untyped"
    first = page.series("a_total", x="1")[0]
    assert (dict(first.labels), first.value, first.line) == ({"x": "1", "y": '"q" \\ \n'}, 1500.0, 3)
    assert math.isnan(page.series("b")[0].value)


def test_samples_of_a_histogram_are_one_family() -> None:
    page = parse(HISTOGRAM.encode())
    assert list(page.families) == ["h"]
    assert page.series("h_bucket", le="+Inf")[0].value == 3
    assert page.value("h_count") == 3


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(' \ta{x="1"} 5', id="blanks before it"),
        pytest.param('a{x="1"}5', id="no blank after the labels"),
        pytest.param('a {x="1"} 5', id="a blank before the labels"),
        pytest.param('a{x="1"} 5 +7', id="a timestamp with a sign"),
        pytest.param('a{x="1"}\t5\t-7 ', id="tabs"),
    ],
)
def test_blanks_are_free(line: str) -> None:
    page = parse(f"  # HELP a Help.\n\t# TYPE a gauge\n # \n \t\n{line}\n".encode())
    assert page.series("a", x="1")[0].value == 5
    assert (page.families["a"].type, page.families["a"].help) == ("gauge", "Help.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "the page is empty", id="empty"),
        pytest.param("a 1\nb 2", "line 2: the last line has no end", id="truncated last line"),
        pytest.param("a 1\na 2\n", "line 2: the series stands on line 1 already", id="duplicate series"),
        pytest.param(
            'a{x="1",y="2"} 1\na{y="2",x="1"} 1\n', "line 2: the series", id="duplicate in other order"
        ),
        pytest.param('a 1\nb 1\na{x="1"} 1\n', "line 3: lines of a stand in two places", id="family apart"),
        pytest.param("# TYPE a gauge\n# TYPE a gauge\n", "line 2: second TYPE", id="second TYPE"),
        pytest.param("# HELP a x\n# HELP a y\n", "line 2: second HELP", id="second HELP"),
        pytest.param("a 1\n# TYPE a gauge\n", "line 2: TYPE after the first sample", id="TYPE too late"),
        pytest.param("# TYPE a gauges\n", "line 1: unknown TYPE", id="unknown TYPE"),
        pytest.param("# TYPE\n", "line 1: TYPE without a metric name", id="TYPE alone"),
        pytest.param("a\n", "line 1: neither a sample", id="no value"),
        pytest.param("a one\n", "line 1: the value is not a number", id="word as value"),
        pytest.param("a 1_0\n", "line 1: the value is not a number", id="underscore in a number"),
        pytest.param("a 1 2 3\n", "line 1: neither a sample", id="too many words"),
        pytest.param("a 1\r\n", "line 1: neither a sample", id="line end of another system"),
        pytest.param("9a 1\n", "line 1: neither a sample", id="name begins with a digit"),
        pytest.param('a{x="1" 1\n', "line 1: neither a sample", id="brace not closed"),
        pytest.param("a{x=1} 1\n", "line 1: the labels are malformed", id="value without quotes"),
        pytest.param('a{x="\\t"} 1\n', "line 1: the labels are malformed", id="unknown escape"),
        pytest.param('a{x="1"y="2"} 1\n', "line 1: the labels are malformed", id="comma missing"),
        pytest.param('a{x="1",x="2"} 1\n', "line 1: label x twice", id="label twice"),
        pytest.param('{"a", x="1"} 1\n', "line 1: neither a sample", id="a quoted name is not of 0.0.4"),
        pytest.param("\x1f\x8b binary\n", "line 1: neither a sample", id="binary junk"),
        pytest.param(
            "# TYPE h histogram\nh 1\n", "line 2: lines of h stand in two", id="no sample of its type"
        ),
        pytest.param(
            HISTOGRAM + "# TYPE h_count gauge\n", "line 6: lines of h_count", id="name of another family"
        ),
        pytest.param(
            HISTOGRAM.replace('h_bucket{le="+Inf"} 3\n', ""), 'histogram h: no bucket le="+Inf"', id="no +Inf"
        ),
        pytest.param(HISTOGRAM.replace("h_count 3", "h_count 4"), "_count differ", id="count differs"),
        pytest.param(
            HISTOGRAM.replace('"0.1"} 1', '"0.1"} 9'), "holds less than the one below", id="not cumulative"
        ),
        pytest.param(HISTOGRAM.replace('"0.1"', '"1_0"'), "without a number in label le", id="le is 1_0"),
        pytest.param(HISTOGRAM.replace('{le="0.1"}', ""), "without a number in label le", id="no le"),
        pytest.param("# TYPE h histogram\nh_sum 1\nh_count 1\n", 'no bucket le="+Inf"', id="no bucket"),
        pytest.param(
            HISTOGRAM + 'h_sum{x="\\"secret-word"} 1\n',
            "histogram h with 'x=\"********': no bucket",
            id="no bucket of one metric",
        ),
        pytest.param(
            HISTOGRAM.replace('le="0.1"} 1', 'le="9"} 1\nh_bucket{le="5"} 1'),
            "order of",
            id="order of bounds",
        ),
        pytest.param(
            HISTOGRAM.replace('le="0.1"} 1', 'le="1"} 1\nh_bucket{le="1.0"} 1'), "order of", id="bound twice"
        ),
        pytest.param(HISTOGRAM.replace("} 3", "} NaN"), "or no number", id="a bucket holds NaN"),
        pytest.param(HISTOGRAM.replace('"0.1"', '"x"'), "without a number in label le", id="le is no number"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text.encode(), lambda text: text.replace("secret-word", "********"))
    assert said in str(caught.value)


def test_what_is_not_utf_8_is_refused() -> None:
    with pytest.raises(ParseError, match="line 2: not UTF-8"):
        parse(b'a 1\nb{x="\xff"} 1\n')


def test_a_message_carries_no_credentials() -> None:
    with pytest.raises(ParseError) as caught:
        parse(b'a{dsn="postgresql://user:secret-word@host/db"} one\n')
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("a" + " " * 1_000_000, id="blanks without end"),
        pytest.param("a{" + "}" * 1_000_000, id="braces without end"),
        pytest.param('a{x="' + "\\\\" * 500_000, id="escapes without end"),
        pytest.param("a{" + 'x="1",' * 200_000, id="labels without end"),
        pytest.param("://a:" * 200_000, id="addresses without end"),
        pytest.param("# HELP" + "\t" * 1_000_000 + "\x00", id="tabs without end"),
    ],
)
def test_a_hostile_line_costs_no_more_than_its_length(line: str) -> None:
    begin = time.process_time()
    with contextlib.suppress(ParseError):
        parse(f"{line}\n".encode())
    assert time.process_time() - begin < 5


def test_labels_without_end_cost_no_more_than_their_length() -> None:
    line = "a{" + ",".join(f'l{number}="1"' for number in range(20_000)) + "} 1\n"
    begin = time.process_time()
    assert len(parse(line.encode()).series("a")[0].labels) == 20_000
    assert time.process_time() - begin < 1


def test_counters_below_zero_are_found() -> None:
    negative = (
        "# TYPE a_total counter\na_total -1\n# TYPE g gauge\ng -1\n# TYPE s summary\ns_sum -1\ns_count -2\n"
    )
    assert [sample.name for sample in parse(negative.encode()).negative_counters()] == ["a_total", "s_count"]
