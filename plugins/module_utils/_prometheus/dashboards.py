# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expressions of Grafana dashboards. PRIVATE: it may change at any time."""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._durations import PROMETHEUS, seconds

Object = dict[str, t.Any]

VARIABLE = re.compile(
    r"\$\{(?P<braced>[A-Za-z_]\w*)(?::[^}]*)?\}|\[\[(?P<old>[A-Za-z_]\w*)(?::[^\]]*)?\]\]|\$(?P<bare>[A-Za-z_]\w*)"
)
# What Grafana would put there; an instant query has to find something within these times.
BUILT_IN = {
    "__rate_interval": "1m",
    "__interval": "1m",
    "__interval_ms": "60000",
    "__range": "1h",
    "__range_s": "3600",
    "__range_ms": "3600000",
}
FIXED = ("constant", "textbox", "custom", "interval")
ANYTHING = ".+"
MAY_BE_EMPTY = "may_be_empty"


@dataclass(frozen=True)
class Panel:
    """A panel that draws PromQL expressions."""

    dashboard: str
    title: str
    expressions: Sequence[tuple[str, str]]
    """(refId, expression with all variables replaced)"""
    may_be_empty: bool = False


def panels(dashboard: Object, given: Mapping[str, t.Any]) -> Iterator[Panel]:
    """The panels of a dashboard model that have an expression, those of collapsed rows too."""
    known = {**_fixed_values(dashboard), **{name: _text(value) for name, value in given.items()}}
    for panel in _walk(dashboard.get("panels") or []):
        expressions = [
            (
                target.get("refId", ""),
                substitute(target["expr"], {**BUILT_IN, **_rate_interval(target), **known}),
            )
            for target in panel.get("targets") or []
            if target.get("expr") and not target.get("hide")
        ]
        if expressions:
            title = panel.get("title") or f"panel {panel.get('id')}"
            yield Panel(dashboard.get("title", ""), title, expressions, panel.get("expect") == MAY_BE_EMPTY)


def _rate_interval(target: Object) -> dict[str, str]:
    """Grafana looks back over four steps, where a query says which is its smallest one."""
    step = seconds(str(target.get("interval") or "").lstrip(">"), PROMETHEUS)
    return {"__rate_interval": f"{math.ceil(4 * step)}s"} if step else {}


def substitute(expression: str, values: Mapping[str, str]) -> str:
    """The expression with each variable's value; one that nobody knows stands for anything."""
    return VARIABLE.sub(
        lambda match: values.get(match["braced"] or match["old"] or match["bare"], ANYTHING), expression
    )


def _walk(found: Sequence[Object]) -> Iterator[Object]:
    for panel in found:
        yield panel
        yield from _walk(panel.get("panels") or [])


def _fixed_values(dashboard: Object) -> dict[str, str]:
    """First values of the variables that need no data source."""
    variables = (dashboard.get("templating") or {}).get("list") or []
    return {
        variable["name"]: str(variable["query"]).split(",", maxsplit=1)[0].strip()
        for variable in variables
        if variable.get("type") in FIXED and variable.get("query")
    }


def _text(value: t.Any) -> str:
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)
