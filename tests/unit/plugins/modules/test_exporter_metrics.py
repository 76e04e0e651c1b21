"""exporter_metrics, from task to result, on a real HTTP server."""

from __future__ import annotations

import itertools
import math
import re
import typing as t
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import EXPECTATION
from ansible_collections.eks_observability.stack.plugins.modules import exporter_metrics
from ansible_collections.eks_observability.stack.plugins.plugin_utils import _profiles

from tests.unit.plugins import servers

FIXTURES = Path(__file__).parents[1] / "module_utils" / "_exporter" / "fixtures"
QUICK = {"timeout": 1, "interval": 0.01}
PROFILE: dict[str, t.Any] = {
    "profile": _profiles.load("postgres_exporter", find=str),
    "variables": {
        "postgres_major": 15,
        "database": "app",
        "collectors_enabled": [
            "stat_statements",
            "database_wraparound",
            "postmaster",
            "long_running_transactions",
        ],
        "collectors_disabled": ["replication", "wal"],
    },
    **QUICK,
}


def exporter(name: str) -> servers.Behaviour:
    """Answer with a recorded page of which two values, as in each scrape, are new."""
    text = (FIXTURES / f"{name}.prom").read_text(encoding="utf-8")
    count = itertools.count(1)
    new = re.compile(r"^(pg_exporter_scrapes_total|pg_exporter_last_scrape_duration_seconds) .*$", re.M)

    def behave(request: BaseHTTPRequestHandler) -> None:
        servers.page(new.sub(rf"\1 {next(count)}", text))(request)

    return behave


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
def test_a_healthy_exporter(run: t.Any, check: bool) -> None:
    with servers.serve(exporter("healthy")) as server:
        result = run(exporter_metrics.main, check=check, url=f"{server.url}/metrics", **PROFILE)
    assert result["changed"] is False
    assert result["pg_up"] == 1
    assert result["exporter_version"] == "0.19.1"
    assert result["required_families"]["present"] == result["required_families"]["required"] > 40
    assert {check["status"] for check in result["checks"]} == {"pass"}
    assert result["summary"] == f"{len(result['checks'])} checks: {len(result['checks'])} passed."
    assert 0 < result["duration"] < 10
    assert len(server.requests) == 2


def test_each_failed_check_is_a_line(run: t.Any) -> None:
    expect = [{"name": "pg_locks_count", "max_series": 1, "hint": "Too many."}]
    with servers.serve(exporter("without_pg_monitor")) as server:
        options = {**PROFILE, "timeout": 0.1, "expect": expect}
        message = run.failure(exporter_metrics.main, url=f"{server.url}/metrics", **{**options, "timeout": 0})
    first, *lines = message.split("\n- ")
    assert first == f"{server.url}/metrics does not fulfil:"
    assert [line.split(":")[0] for line in lines] == ["sees_statements_of_others", "pg_locks_count"]
    assert "GRANT pg_monitor" in lines[0]
    assert "Too many." in lines[1]


def test_expectations_alone(run: t.Any) -> None:
    with servers.serve(servers.page('pool{state="in_use"} 3\n')) as server:
        expect = [{"name": "pool", "labels": {"state": "~in.*"}, "value": {"op": ">", "number": 0}}]
        result = run(exporter_metrics.main, url=server.url, expect=expect, **QUICK)
    assert [check["id"] for check in result["checks"]][:1] == ["pool{state=~in.*}"]


def test_the_task_changes_a_check_of_the_profile(run: t.Any) -> None:
    with servers.serve(exporter("without_pg_monitor")) as server:
        expect = [{"id": "sees_statements_of_others", "severity": "warn"}]
        result = run(exporter_metrics.main, url=f"{server.url}/metrics", **PROFILE, expect=expect)
    assert [check["id"] for check in result["checks"] if check["status"] == "warn"] == [
        "sees_statements_of_others"
    ]
    assert any("GRANT pg_monitor" in str(warning) for warning in result["warnings"])


def test_limits_and_secrets_of_the_task(run: t.Any) -> None:
    with servers.serve(servers.page('job{name="the-password"} 1\n')) as server:
        message = run.failure(
            exporter_metrics.main,
            url=server.url,
            secrets=["the-password"],
            limits={"label_value_length": 5},
            timeout=0,
        )
    assert "12 characters in label name of job" in message
    assert "no_credentials_in_labels" in message
    assert "the-password" not in message


@pytest.mark.parametrize(
    ("page", "failures"),
    [pytest.param("up 1\n", "0", id="passed"), pytest.param("down 1\n", "1", id="failed")],
)
def test_the_report_is_written_whatever_the_outcome(
    run: t.Any, tmp_path: Path, page: str, failures: str
) -> None:
    path = tmp_path / "report.xml"
    options = {"expect": [{"name": "up"}], "junit": str(path), **QUICK}
    with servers.serve(servers.page(page)) as server:
        if failures == "0":
            assert run(exporter_metrics.main, url=server.url, **options)["junit"] == str(path)
        else:
            run.failure(exporter_metrics.main, url=server.url, **{**options, "timeout": 0})
    suite = ElementTree.parse(path).getroot()[0]
    assert (suite.get("name"), suite.get("failures")) == (server.url, failures)


def test_check_mode_writes_no_report(run: t.Any, tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    with servers.serve(servers.page("up 1\n")) as server:
        result = run(exporter_metrics.main, check=True, url=server.url, junit=str(path), **QUICK)
    assert result["junit"] is None
    assert not path.exists()


def test_headers_are_sent_and_never_shown(run: t.Any) -> None:
    with servers.serve(servers.page("up 1\n")) as server:
        headers = {"Authorization": "Bearer very-secret-token"}
        result = run(exporter_metrics.main, url=server.url, headers=headers, expect=[{"name": "up"}], **QUICK)
    assert server.headers[0]["Authorization"] == "Bearer very-secret-token"
    assert "very-secret-token" not in str(result)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({}, "one of the following is required: url, service, pod", id="no source"),
        pytest.param({"url": "nonsense"}, "nonsense is not a URL", id="no URL"),
        pytest.param(
            {"url": "http://127.0.0.1:1", "profile": PROFILE["profile"]},
            "postgres_exporter needs the variable database",
            id="no variables",
        ),
        pytest.param(
            {"url": "http://127.0.0.1:1", "junit": "/nowhere/report.xml"},
            "there is no directory /nowhere for the report",
            id="no directory for the report",
        ),
        pytest.param(
            {"url": "http://127.0.0.1:1", "profile": {"expects": []}},
            "profile: there is no expects",
            id="malformed profile",
        ),
        pytest.param(
            {"url": "http://127.0.0.1:1", "expect": [{"name": "a", "labels": {"b": "~("}}]},
            "label b: '(' is no regular expression",
            id="malformed pattern",
        ),
        pytest.param({"url": "http://127.0.0.1:1"}, "refused", id="nobody listens"),
        pytest.param(
            {
                "service": {"namespace": "n", "name": "s", "port": "p"},
                "host": "http://127.0.0.1:1",
                "api_key": "very-secret",
            },
            "Could not reach the Kubernetes API",
            id="no cluster",
        ),
        pytest.param(
            {"url": "http://127.0.0.1:1", "pod": {"namespace": "n", "name": "p", "port": "1"}},
            "parameters are mutually exclusive: url|service|pod",
            id="two sources",
        ),
        pytest.param({"pod": {"namespace": "n", "port": "1"}}, "name, selector", id="no pod in particular"),
        *(
            pytest.param({"url": "http://127.0.0.1:1", name: value}, said, id=f"{name} {value}")
            for name, value, said in [
                ("timeout", -1, "timeout is -1, but it has to be a number from 0 to 86400"),
                ("interval", 0, "interval is 0, but it has to be a number from 0.001 to 86400"),
                ("interval", math.nan, "interval is nan, but"),
                ("stable_for", 0, "stable_for is 0, but it has to be a number from 1"),
                ("scrape_timeout", math.inf, "scrape_timeout is inf, but"),
                ("scrape_timeout", 0, "scrape_timeout is 0, but"),
                ("max_size", 0, "max_size is 0, but"),
            ]
        ),
        pytest.param({"url": "http://127.0.0.1:90900"}, "host or port cannot be read", id="no port"),
        pytest.param(
            {"url": "http://127.0.0.1:1", "headers": {"Authorization": "Bearer secret-word\n"}},
            "header Authorization has a character",
            id="a header with a line end",
        ),
        pytest.param(
            {"url": "http://127.0.0.1:1", "headers": {"X": None}}, "header X is no text", id="an empty header"
        ),
        pytest.param(
            {
                "url": "http://127.0.0.1:1",
                "profile": {"expect": [{"name": "up", "max_series": math.inf}]},
            },
            "max_series: inf is not a whole number from 0",
            id="a profile without bounds",
        ),
    ],
)
def test_a_mistake_is_a_sentence(run: t.Any, options: dict[str, t.Any], said: str) -> None:
    message = run.failure(exporter_metrics.main, **{**QUICK, "timeout": 0, **options})
    assert said in message
    assert "secret-word" not in message
    assert "Traceback" not in message


def test_a_task_may_say_what_a_profile_may_say() -> None:
    spec: dict[str, t.Any] = exporter_metrics.EXPECT_SPEC
    assert spec.keys() == EXPECTATION.keys()
    choices = {key: list(shape) for key, shape in EXPECTATION.items() if isinstance(shape, tuple)}
    assert {key: about["choices"] for key, about in spec.items() if "choices" in about} == choices
