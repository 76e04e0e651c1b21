# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP API of Prometheus. PRIVATE: it may change at any time."""

from __future__ import annotations

import json
import math
import typing as t
from dataclasses import dataclass

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
    """What an instant query found: series, and how many of them carry a number."""

    series: int = 0
    numbers: int = 0
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

    def configuration(self) -> str:
        """The configuration that is loaded, as YAML."""
        return str(self._get("status/config")["yaml"])

    def rule_groups(self) -> list[Object]:
        return t.cast(list[Object], self._get("rules")["groups"])

    def format(self, expression: str) -> str:
        """The expression as Prometheus would write it. Raises QueryError, also where it cannot do that."""
        return str(self._get("format_query", [("query", expression)]))

    def query(self, expression: str) -> Answer:
        """The result of an expression, now."""
        try:
            data = self._get("query", [("query", expression)])
        except QueryError as error:
            return Answer(error=str(error))
        if data["resultType"] in ("scalar", "string"):
            return Answer(1, _numbers([{"value": data["result"]}]))
        return Answer(len(data["result"]), _numbers(data["result"]))

    def _get(self, path: str, query: Query = ()) -> t.Any:
        response = self._source.fetch(f"/api/v1/{path}", query)
        try:
            answer = json.loads(response.body)
            if response.status == 200 and answer["status"] == "success":
                return answer["data"]
            raise QueryError(f"{answer['errorType']}: {answer['error']}")
        except (ValueError, KeyError, TypeError) as error:
            if response.status == 404 and path == "format_query":
                raise QueryError("this Prometheus does not format expressions") from error
            raise FetchError(
                f"{self.name} answered /api/v1/{path} with {response.status} and {response.text()!r}: "
                "this is no Prometheus"
            ) from error


def _numbers(result: list[Object]) -> int:
    """How many of the samples are numbers; a native histogram counts as one."""
    return sum(1 for entry in result if "histogram" in entry or _is_number(entry["value"][1]))


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False
