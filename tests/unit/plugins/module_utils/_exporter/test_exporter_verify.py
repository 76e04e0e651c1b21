"""Scraping until it is good, and two scrapes at least."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import Secrets
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.loading import load
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.verify import (
    Verdict,
    Wish,
    verify,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Query,
    Response,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Pages:
    """A source that gives one answer after the other, the last one for ever; time passes with each sleep."""

    name = "http://exporter.example/metrics"

    def __init__(self, *answers: Response | Exception | str) -> None:
        self.answers = list(answers)
        self.slept: list[float] = []

    def fetch(self, path: str, query: Query = (), *, accept: str = "") -> Response:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Response(200, TEXT, answer.encode()) if isinstance(answer, str) else answer

    def wait(self, probe: t.Callable[[], tuple[bool, Verdict]]) -> Verdict:
        return wait_until(probe, timeout=10, pause=2, clock=lambda: sum(self.slept), sleep=self.slept.append)


def verified(pages: Pages, *names: str, stable_for: int = 1) -> Verdict:
    profile = load({"expect": [{"name": name} for name in names]}, {})
    return verify(pages, Wish(profile, Secrets(("the-password",)), stable_for), pages.wait)


def failures(verdict: Verdict) -> list[str]:
    return [check.id for check in verdict.failures]


def test_one_good_page_is_not_enough() -> None:
    pages = Pages("up 1\n")
    assert failures(verified(pages, "up")) == []
    assert pages.slept == [2]


def test_stable_for_asks_for_more() -> None:
    pages = Pages("up 1\n")
    assert failures(verified(pages, "up", stable_for=3)) == []
    assert pages.slept == [2, 2, 2]


def test_waits_for_what_comes_later() -> None:
    pages = Pages(FetchError("refused"), "other 1\n", "up 1\n", "up 1\n")
    assert failures(verified(pages, "up")) == []


def test_a_page_that_flaps_is_not_stable() -> None:
    pages = Pages(*["up 1\n", "down 1\n"] * 6)
    verdict = verified(pages, "up", stable_for=2)
    assert failures(verdict) in (["up"], ["time"])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(FetchError("Could not get an answer: refused"), "refused", id="refused"),
        pytest.param(Response(500, TEXT, b"An error has occurred"), "answered 500: An error", id="status"),
        pytest.param(Response(200, "text/html", b"<html>"), "text/html instead of", id="a web page"),
        pytest.param(Response(200, "", b"up 1\n"), "no content type", id="no content type"),
        pytest.param(
            Response(200, "text/plain; version=1.0.0", b"up 1\n"), "version=1.0.0", id="newer text format"
        ),
        pytest.param("up 1", "line 1: the last line has no end", id="cut off"),
    ],
)
def test_a_page_that_cannot_be_had_is_a_failure(answer: Response | Exception | str, said: str) -> None:
    verdict = verified(Pages(answer), "up")
    assert failures(verdict) == ["scrape"]
    assert said in str(verdict.failures[0])
    assert verdict.result()["families"] == 0


def counters(*values: float, start: float = 1.0) -> Sequence[str]:
    return [
        f"# TYPE a_total counter\na_total {value}\n# TYPE process_start_time_seconds gauge\n"
        f"process_start_time_seconds {start}\n"
        for value in values
    ]


def test_a_counter_that_falls_is_a_failure() -> None:
    verdict = verified(Pages(*counters(*range(20, 0, -1))), "a_total")
    assert failures(verdict) == ["counters_do_not_fall"]
    assert verdict.failures[0].observed == "a_total"


def test_a_restart_explains_a_fallen_counter_and_proves_nothing() -> None:
    pages = Pages(*counters(9, start=1), *counters(0, start=2))
    assert failures(verified(pages, "a_total")) == []
    assert pages.slept == [2, 2]


ONE, OTHER = *counters(1000, start=100), *counters(5, start=200)
UNTIMED = OTHER.partition("# TYPE process")[0]


@pytest.mark.parametrize(
    ("first", "second", "failed"),
    [
        pytest.param(ONE, OTHER, {"counters_do_not_fall", "time"}, id="of different age"),
        pytest.param(ONE, UNTIMED, {"time"}, id="one of which does not tell its age"),
        pytest.param(
            ONE, counters(1000, start=200)[0], {"counters_do_not_fall", "time"}, id="that have counted alike"
        ),
    ],
)
@pytest.mark.parametrize("fresh", ["grows", "changes"])
@pytest.mark.parametrize("swapped", [False, True])
def test_two_exporters_behind_one_address_never_pass(
    first: str, second: str, failed: set[str], fresh: str, swapped: bool
) -> None:
    pages = Pages(*((second, first) if swapped else (first, second)) * 6)
    profile = load({"expect": [{"name": "a_total", "fresh": fresh}]}, {})
    found = set(failures(verify(pages, Wish(profile), pages.wait)))
    assert found & failed
    assert len(pages.slept) == 5


def test_an_exporter_that_is_older_than_the_one_before_is_named() -> None:
    verdict = verified(Pages(OTHER, *[ONE, OTHER] * 2, ONE), "a_total")
    (check,) = verdict.failures
    assert (check.id, check.observed) == ("counters_do_not_fall", "process_start_time_seconds")
    assert "two exporters answer behind one address" in check.hint


RESETS = 'up 1\n# TYPE reset gauge\nreset{{datname="a"}} {}\n'


@pytest.mark.parametrize(
    ("pages", "scrapes"),
    [
        pytest.param([RESETS.format(0), RESETS.format(7)], 3, id="statistics of one are reset"),
        pytest.param(
            [RESETS.format(7), RESETS.format(7) + 'reset{datname="b"} 0\n'], 3, id="a database is new"
        ),
        pytest.param(["up 1\n", RESETS.format(7)], 3, id="the database is back"),
        pytest.param([RESETS.format("NaN"), RESETS.format(7)], 3, id="the time was not known"),
        pytest.param([RESETS.format("NaN"), RESETS.format("NaN")], 2, id="the time is not known"),
        pytest.param([RESETS.format(7), RESETS.format(7)], 2, id="nothing"),
    ],
)
def test_one_more_scrape_is_needed_when(pages: list[str], scrapes: int) -> None:
    source = Pages(*pages)
    profile = load({"expect": [{"name": "up"}], "restarts": ["reset"]}, {})
    assert failures(verify(source, Wish(profile), source.wait)) == []
    assert len(source.slept) == scrapes - 1


def test_a_cached_page_is_a_failure() -> None:
    profile = load({"expect": [{"name": "scrapes_total", "fresh": "grows"}]}, {})
    pages = Pages("scrapes_total 7\n")
    verdict = verify(pages, Wish(profile), pages.wait)
    assert failures(verdict) == ["scrapes_total"]
    assert verdict.failures[0].observed == "7, then 7"


def test_series_that_come_and_go_are_a_warning() -> None:
    verdict = verified(Pages('up 1\njob{x="1"} 1\n', 'up 1\njob{x="2"} 1\n'), "up")
    assert failures(verdict) == []
    assert [(check.id, check.observed) for check in verdict.checks if check.status == "warn"] == [
        ("series_are_stable", "gone: job; new: job")
    ]


def test_unsteady_series_may_come_go_and_fall() -> None:
    pages = Pages(
        '# TYPE s_calls counter\ns_calls{x="1"} 9\n', '# TYPE s_calls counter\ns_calls{x="1"} 1\nup 1\n'
    )
    pages.answers = [*pages.answers, *pages.answers] * 5
    profile = load({"expect": [], "unsteady": ["s_", "up"]}, {})
    verdict = verify(pages, Wish(profile), pages.wait)
    assert {check.status for check in verdict.checks} == {"pass"}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("postgresql://app:the-secret@db/app", id="a URL"),
        pytest.param("it is the-password", id="a value of the task"),
    ],
)
def test_credentials_in_a_label_are_a_failure_and_not_repeated(value: str) -> None:
    verdict = verified(Pages(f'dsn_info{{dsn="{value}"}} 1\ndsn_info{{dsn="b"}} 1\n'), "dsn_info")
    assert failures(verdict) == ["no_credentials_in_labels"]
    assert "dsn_info, label dsn" in str(verdict.failures[0])
    assert value not in repr(verdict.result())


LONG = 'pa\\ss"w0rd-' + "long-" * 80
IN_LABEL = LONG.replace("\\", "\\\\").replace('"', '\\"')


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(f'a{{b="{IN_LABEL}"}} x\n', id="in a line"),
        pytest.param(f'a{{b="{"y" * 60}{IN_LABEL}"}} x\n', id="across the end of what is shown of a line"),
        pytest.param(f'# TYPE a histogram\na_sum{{b="{IN_LABEL}"}} 1\n', id="in a histogram"),
        pytest.param(f'a{{b="{IN_LABEL}"}} 1\xff\n'.encode("latin-1"), id="in what is no text"),
        pytest.param(Response(500, TEXT, f"{'y ' * 190}{LONG}".encode()), id="across the end of an answer"),
        pytest.param(
            Response(500, TEXT, f"{'y ' * 190}db://u:{'long-' * 80}@h".encode()), id="a URL across the end"
        ),
        pytest.param(Response(500, TEXT, f"{' ' * 1590}{LONG}".encode()), id="after many blanks"),
        pytest.param(Response(200, f"{'y' * 70}{LONG}", b""), id="across the end of a content type"),
    ],
)
def test_a_scrape_that_fails_shows_no_part_of_a_secret(answer: Response | str | bytes) -> None:
    pages = Pages(Response(200, TEXT, answer) if isinstance(answer, bytes) else answer)
    verdict = verify(pages, Wish(secrets=Secrets((LONG,))), pages.wait)
    assert failures(verdict) == ["scrape"]
    said = repr(verdict.result())
    assert "ss" not in said.replace("passed", "")
    assert "long" not in said


def test_no_other_check_repeats_a_credential() -> None:
    pages = Pages('dsn_info{dsn="the-password"} 1\n')
    profile = load({"expect": [{"name": "dsn_info", "labels": {"dsn": "b"}}]}, {})
    verdict = verify(pages, Wish(profile, Secrets(("the-password",))), pages.wait)
    assert failures(verdict) == ["dsn_info{dsn=b}", "no_credentials_in_labels"]
    assert "the-password" not in repr(verdict.result())


def test_an_expectation_of_a_credential_does_not_repeat_it() -> None:
    pages = Pages('dsn_info{dsn="b"} 1\n')
    profile = load({"expect": [{"name": "dsn_info", "labels": {"dsn": "the-password"}}]}, {})
    verdict = verify(pages, Wish(profile, Secrets(("the-password",))), pages.wait)
    assert failures(verdict) == ["dsn_info{dsn=********}"]
    assert "the-password" not in repr(verdict.result())


def test_the_result_counts() -> None:
    result = verified(Pages('# TYPE empty gauge\nup{x="1"} 1\nup{x="2"} 1\n'), "up").result()
    assert (result["families"], result["samples"], result["pg_up"]) == (1, 2, None)
    assert {check["status"] for check in result["checks"]} == {"pass"}
    assert result["summary"] == f"{len(result['checks'])} checks: {len(result['checks'])} passed."
