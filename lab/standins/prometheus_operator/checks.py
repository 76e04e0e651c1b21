"""What prometheus-operator refuses of a monitor, in its words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lab.kubernetes.embedded.validation.names import label_key, label_value
from lab.standins.api.objects import Object
from lab.standins.api.times import seconds
from lab.standins.prometheus_operator.promtool import Promtool
from lab.standins.prometheus_operator.relabelings import given
from lab.standins.prometheus_operator.scrape_configs import endpoints_of, unknown_fields

_OF_VALUES, _OF_PRESENCE = {"In", "NotIn"}, {"Exists", "DoesNotExist"}


def problem(prometheus: Object, monitor: Object, promtool: Promtool) -> str | None:
    """Why a monitor is refused, or None."""
    unknown = unknown_fields(monitor)
    if unknown:
        return f"the laboratory's operator does not support {', '.join(unknown)}"
    pods = "podMetricsEndpoints" in monitor["spec"]
    selecting = _first(selector_problems(monitor["spec"]["selector"]))
    if selecting:
        return f"failed to parse label selector: {selecting}" if pods else selecting
    for index, endpoint in enumerate(endpoints_of(monitor)):
        found = _timing(prometheus, endpoint) or _relabeling(endpoint, promtool)
        if found:
            return f"{'endpoint' if pods else 'endpoints'}[{index}]: {found}"
    return None


def selector_problems(selector: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with a label selector."""
    for key, value in sorted((selector.get("matchLabels") or {}).items()):
        yield from _label_problems(key, [value])
    for expression in selector.get("matchExpressions") or []:
        values, operator = expression.get("values") or [], expression["operator"]
        if operator not in _OF_VALUES | _OF_PRESENCE:
            yield f'"{operator}" is not a valid label selector operator'
        if operator in _OF_VALUES and not values:
            yield "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty"
        if operator in _OF_PRESENCE and values:
            listed = json.dumps(values, separators=(",", ":"))
            yield f"values: Invalid value: {listed}: values set must be empty for exists and does not exist"
        yield from _label_problems(expression["key"], values)


def _label_problems(key: str, values: Sequence[str]) -> Iterable[str]:
    if found := label_key(key):
        yield f'key: Invalid value: "{key}": {"; ".join(found)}'
    for index, value in enumerate(values):
        if found := label_value(value):
            yield f'values[{index}][{key}]: Invalid value: "{value}": {"; ".join(found)}'


def _timing(prometheus: Object, endpoint: Object) -> str | None:
    timeout = endpoint.get("scrapeTimeout")
    interval = endpoint.get("interval") or prometheus["spec"].get("scrapeInterval") or "30s"
    if timeout and seconds(timeout) > seconds(interval):
        return f'scrapeTimeout "{timeout}" greater than scrapeInterval "{interval}"'
    return None


def _relabeling(endpoint: Object, promtool: Promtool) -> str | None:
    for field, name in (("relabelings", "relabelConfigs"), ("metricRelabelings", "metricRelabelConfigs")):
        rules = given(endpoint.get(field))
        # Nearly always all are right: then one look is enough.
        if rules and promtool.relabelings(rules):
            for index, rule in enumerate(rules):
                if found := promtool.relabelings([rule]):
                    return f"{name}: [{index}]: {_worded(rule, found)}"
    return None


def _worded(rule: Object, found: str) -> str:
    """What Prometheus says of a relabeling, as the operator says it."""
    if found.startswith("error parsing regexp"):
        return f"invalid regex {rule['regex']} for relabel configuration: {found}"
    return found.replace("requires 'target_label' value", "needs targetLabel value")


def _first(found: Iterable[str]) -> str | None:
    return next(iter(found), None)
