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
