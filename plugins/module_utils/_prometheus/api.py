# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP API of Prometheus. PRIVATE: it may change at any time."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._http.documents import read_json
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Query,
    Source,
)

Object = dict[str, t.Any]


class QueryError(Exception):
    """Prometheus understood the request and refused it, in its own words."""


@dataclass(frozen=True)
class Answer:
    """What an instant query found: series, and how many of them carry a number or a histogram."""

    series: int = 0
    numbers: int = 0
    values: Sequence[float] = ()
    """Those of series that are no histograms; NaN is one, too."""
    error: str = ""


class Prometheus:
    """One server. Every method raises FetchError when it does not answer."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def name(self) -> str:
        return self._source.name

    def active_targets(self) -> list[Object]:
        return t.cast(list[Object], self._get("targets", [("state", "active")])["activeTargets"])

    def dropped_targets(self, pool: str) -> list[dict[str, str]]:
        """The labels with which each target of a scrape pool was discovered that relabeling then dropped.

        A Prometheus before 2.42 shows those of all pools.
        """
        found = self._get("targets", [("state", "dropped"), ("scrapePool", pool)])["droppedTargets"] or []
        return [target["discoveredLabels"] for target in found]

    def now(self) -> float:
        """The time by the server's clock."""
        return float(self._get("query", [("query", "time()")])["result"][1])

    def configuration(self) -> str:
        """The configuration that is loaded, as YAML."""
        return str(self._get("status/config")["yaml"])

    def rule_groups(self) -> list[Object]:
        return t.cast(list[Object], self._get("rules")["groups"])

    def format(self, expression: str) -> str:
        """The expression as Prometheus would write it. Raises QueryError, also where it cannot do that."""
        return str(self._ask("format_query", [("query", expression)]))

    def query(self, expression: str) -> Answer:
        """The result of an expression, now."""
        try:
            data = self._ask("query", [("query", expression)])
        except QueryError as error:
            return Answer(error=str(error))
        scalar = data["resultType"] in ("scalar", "string")
        found = [{"value": data["result"]}] if scalar else data["result"]
        values = [number for entry in found if (number := _number(entry)) is not None]
        histograms = sum("histogram" in entry for entry in found)
        numbers = sum(not math.isnan(value) for value in values)
        return Answer(len(found), histograms + numbers, tuple(values))

    def _get(self, path: str, query: Query = ()) -> t.Any:
        """What does not depend on an expression: there, a refusal is no answer."""
        try:
            return self._ask(path, query)
        except QueryError as error:
            raise FetchError(f"{self.name} refused /api/v1/{path}: {error}") from error

    def _ask(self, path: str, query: Query = ()) -> t.Any:
        response = self._source.fetch(f"/api/v1/{path}", query)
        try:
            answer = read_json(response.body)
            if response.status == 200 and answer["status"] == "success":
                return answer["data"]
            raise QueryError(f"{answer['errorType']}: {answer['error']}")
        except (ValueError, KeyError, TypeError) as error:
            if 400 <= response.status < 500 and path == "format_query":
                raise QueryError("this Prometheus does not format expressions") from error
            raise FetchError(
                f"{self.name} answered /api/v1/{path} with {response.status} and {response.text()!r}: "
                "this is no Prometheus"
            ) from error


def _number(entry: Object) -> float | None:
    try:
        return float(entry["value"][1])
    except (KeyError, ValueError):
        return None
