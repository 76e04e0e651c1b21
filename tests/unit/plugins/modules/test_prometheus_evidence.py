"""prometheus_evidence, from task to result, on a real HTTP server."""

from __future__ import annotations

import json
import typing as t
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

import pytest
from ansible_collections.eks_observability.stack.plugins.modules import prometheus_evidence

from tests.unit.plugins import servers
from tests.unit.plugins.module_utils._prometheus.fake_prometheus import Server, loaded

WISH: dict[str, t.Any] = {
    "targets": [{"namespace": "observability", "service_monitor": "exporter"}],
    "rules": [{"groups": [{"name": "g", "rules": [{"alert": "Down", "expr": "pg_up == 0"}]}]}],
    "dashboards": [
        {
            "title": "Overview",
            "panels": [
                {"title": "Up", "targets": [{"refId": "A", "expr": 'pg_up{namespace=~"$namespace"}'}]}
            ],
        }
    ],
    "variables": {"namespace": "observability"},
    "timeout": 0,
}


def prometheus(state: Server) -> servers.Behaviour:
    """The fake behind a real socket."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        answer = state.fetch(parts.path.removeprefix("/prefix"), parse_qsl(parts.query))
        servers.page(answer.body, answer.content_type, answer.status)(request)

    return behave


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Server:
    for name in ("KUBECONFIG", "CONTEXT", "HOST"):
        monkeypatch.delenv(f"K8S_AUTH_{name}", raising=False)
    found = Server({"pg_up": ["1"], 'pg_up{namespace=~"observability"}': ["1"]})
    pool = "serviceMonitor/observability/exporter/0"
    found.targets = [{"scrapePool": pool, "health": "up", "lastError": "", "scrapeUrl": "u"}]
    found.groups = [loaded("g", {"name": "Down", "type": "alerting", "query": "pg_up == 0"})]
    return found


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
def test_proof(run: t.Any, state: Server, check: bool) -> None:
    with servers.serve(prometheus(state)) as server:
        result = run(prometheus_evidence.main, check=check, url=f"{server.url}/prefix/", **WISH)
    assert result["changed"] is False
    assert result["targets"][0]["up"] == 1
    assert result["rules"]["healthy"] == result["rules"]["expected"] == 1
    assert result["panels"] == {"total": 1, "with_data": 1, "may_be_empty": 0, "empty": []}
    assert (len(server.requests), server.connections) == (5, 1)


def test_each_gap_is_a_line(run: t.Any, state: Server) -> None:
    state.series.clear()
    with servers.serve(prometheus(state)) as server:
        message = run.failure(prometheus_evidence.main, url=server.url, **WISH)
    assert message.split("\n- ") == [
        f"{server.url} does not prove:",
        "The alert Down of group g can never have a result: nothing matches pg_up.",
        'Panel Overview / Up (A): no data: nothing matches pg_up{namespace=~"observability"}.',
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({}, "one of the following is required: url, service", id="no source"),
        pytest.param({"url": "http://127.0.0.1:1"}, "refused", id="nobody listens"),
        pytest.param(
            {"url": "http://127.0.0.1:1", "rules": [{"groups": [{"name": "g", "rules": [{"alert": "A"}]}]}]},
            "group g: a rule needs expr",
            id="a rule without an expression",
        ),
        pytest.param(
            {
                "url": "http://127.0.0.1:1",
                "rules": [{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "("}]}]}],
            },
            ") is missing",
            id="a rule that is no PromQL",
        ),
        pytest.param(
            {"url": "http://127.0.0.1:1", "series": [{"expr": "rate(pg_up[1m])", "max_age": 60}]},
            "series rate(pg_up[1m]): max_age needs a selector",
            id="the age of something that is calculated",
        ),
    ],
)
def test_a_mistake_is_a_sentence(run: t.Any, state: Server, options: dict[str, t.Any], said: str) -> None:
    message = run.failure(prometheus_evidence.main, **{**WISH, **options})
    assert said in message


def test_a_cluster_beside_a_url_is_asked_only_when_it_is_named(
    run: t.Any, state: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, t.Any]] = []

    class Cluster:
        def get(self, path: str, query: t.Any = ()) -> None:
            return None

    def connect(params: dict[str, t.Any]) -> Cluster:
        asked.append(params)
        return Cluster()

    monkeypatch.setattr(prometheus_evidence, "connect", connect)
    state.targets = []
    with servers.serve(prometheus(state)) as server:
        blind = run.failure(prometheus_evidence.main, url=server.url, **WISH)
        seeing = run.failure(prometheus_evidence.main, url=server.url, ca_cert=None, kubeconfig="/k", **WISH)
    assert "was never selected" in blind
    assert "ServiceMonitor observability/exporter does not exist" in seeing
    assert len(asked) == 1
    assert json.dumps(asked[0]["kubeconfig"]) == '"/k"'
