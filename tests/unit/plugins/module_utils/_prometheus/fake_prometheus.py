"""A Prometheus that holds what a test gives it."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Query,
    Response,
)

Object = dict[str, t.Any]


class Server:
    """A source. `series` maps expressions to sample values; everything else has no data."""

    name = "http://prometheus.example"

    def __init__(self, series: dict[str, list[str]] | None = None) -> None:
        self.series = series or {}
        self.targets: list[Object] = []
        self.dropped: list[dict[str, str]] = []
        self.groups: list[Object] = []
        self.errors: dict[str, str] = {}
        self.spelling: dict[str, str] = {}
        self.configuration = ""
        self.broken = ""
        self.refused: dict[str, Response] = {}
        """Answers instead of the right ones, by path."""
        self.asked: list[tuple[str, str]] = []

    def fetch(self, path: str, query: Query = (), *, accept: str = "") -> Response:
        what = path.removeprefix("/api/v1/")
        text = dict(query).get("query") or dict(query).get("scrapePool", "")
        self.asked.append((what, text))
        if self.broken:
            raise FetchError(self.broken)
        if what in self.refused:
            return self.refused[what]
        if text in self.errors:
            return refusal(400, "bad_data", self.errors[text])
        data: t.Any = {
            "targets": {
                "activeTargets": self.targets,
                "droppedTargets": [{"discoveredLabels": labels} for labels in self._dropped(dict(query))],
            },
            "rules": {"groups": self.groups},
            "status/config": {"yaml": self.configuration},
            "format_query": self.spelling.get(text, text),
            "query": self._query(text),
        }[what]
        return self._answer(200, {"status": "success", "data": data})

    def _dropped(self, query: dict[str, str]) -> list[dict[str, str]]:
        pool = query.get("scrapePool")
        return [labels for labels in self.dropped if pool in (None, labels["job"])]

    def _query(self, expression: str) -> Object:
        if expression == "time()":
            return {"resultType": "scalar", "result": [0, "1764000000.5"]}
        return {"resultType": "vector", "result": self._result(expression)}

    def _result(self, expression: str) -> list[Object]:
        values = self.series.get(expression, [])
        if expression.startswith("count(") and self.series.get(expression[6:-1]):
            values = ["1"]
        return [{"metric": {}, "value": [0, value]} for value in values]

    @staticmethod
    def _answer(status: int, body: Object) -> Response:
        return Response(status, "application/json", json.dumps(body).encode())


def refusal(status: int, kind: str, error: str) -> Response:
    """What a Prometheus says that understood the question."""
    body = {"status": "error", "errorType": kind, "error": error}
    return Response(status, "application/json", json.dumps(body).encode())


def loaded(group: str, *rules: Object) -> Object:
    """A group as /api/v1/rules shows it."""
    return {"name": group, "rules": [{"health": "ok", **rule} for rule in rules]}
