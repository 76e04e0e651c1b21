"""Label selectors, as objects of the API hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether `labels` fulfil a selector; an empty selector matches everything."""
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return has_all(wanted, labels) and all(_fulfilled(one, labels) for one in expressions)


def has_all(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether `labels` has all that are wanted."""
    return all(labels.get(key) == value for key, value in wanted.items())


def as_text(selector: Mapping[str, Any]) -> str:
    """The selector as a query of the API has it."""
    wanted = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    expressions = [(one["key"], _as_text(one)) for one in selector.get("matchExpressions") or []]
    return ",".join(text for _key, text in sorted([*wanted, *expressions]))


def _as_text(expression: Mapping[str, Any]) -> str:
    key, values = expression["key"], ",".join(sorted(expression.get("values") or []))
    match expression["operator"]:
        case "In" | "NotIn" as operator:
            return f"{key} {operator.lower()} ({values})"
        case "Exists":
            return str(key)
    return f"!{key}"


def _fulfilled(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise ValueError(f"{expression['operator']!r} is not an operator of a label selector")
