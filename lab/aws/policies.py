"""IAM policy documents: whether they allow an action on a resource.

Only what the laboratory's policies use: wildcards, Not elements, Deny before Allow, string conditions.
What it does not know never matches, so that an unknown condition refuses instead of permitting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

Context = Mapping[str, list[str]]


class Verdict(Enum):
    """What a set of policies says."""

    ALLOW = "allow"
    DENY = "explicit deny"
    NOTHING = "no policy allows it"


def decide(documents: Iterable[Mapping[str, Any]], action: str, resource: str, context: Context) -> Verdict:
    """What `documents` together say about `action` (`service:Name`) on the ARN `resource`."""
    return _decide(
        statement
        for document in documents
        for statement in as_list(document.get("Statement"))
        if _covers(statement, "Action", action, fold=True)
        and _covers(statement, "Resource", resource, fold=False)
        and conditions_hold(statement.get("Condition", {}), context)
    )


def trusts(document: Mapping[str, Any], action: str, principal: tuple[str, str], context: Context) -> bool:
    """Whether a trust policy lets `principal` (kind and name, e.g. Federated and an ARN) do `action`."""
    verdict = _decide(
        statement
        for statement in as_list(document.get("Statement"))
        if _covers(statement, "Action", action, fold=True)
        and _is_principal(statement.get("Principal", {}), *principal)
        and conditions_hold(statement.get("Condition", {}), context)
    )
    return verdict is Verdict.ALLOW


def denies(document: Mapping[str, Any], action: str, resource: str, principal: str, context: Context) -> bool:
    """Whether the policy of a resource denies `action` to `principal` (an ARN)."""
    verdict = _decide(
        statement
        for statement in as_list(document.get("Statement"))
        if _covers(statement, "Action", action, fold=True)
        and _covers(statement, "Resource", resource, fold=False)
        and _names(statement, principal)
        and conditions_hold(statement.get("Condition", {}), context)
    )
    return verdict is Verdict.DENY


def _names(statement: Mapping[str, Any], principal: str) -> bool:
    return _is_principal(statement.get("Principal"), "AWS", principal) or _is_principal(
        statement.get("Principal"), "AWS", "*"
    )


def _decide(statements: Iterable[Mapping[str, Any]]) -> Verdict:
    effects = {statement.get("Effect") for statement in statements}
    if "Deny" in effects:
        return Verdict.DENY
    return Verdict.ALLOW if "Allow" in effects else Verdict.NOTHING


def as_list(value: Any) -> list[Any]:
    """AWS writes a list of one as its element."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def like(pattern: str, value: str) -> bool:
    """Match `*` and `?`, which are the only wildcards that IAM has."""
    # A run of stars is one star: as many ".*" it would keep the matcher busy for ages.
    escaped = re.escape(re.sub(r"\*+", "*", pattern)).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, value, re.DOTALL) is not None


def _covers(statement: Mapping[str, Any], element: str, value: str, *, fold: bool) -> bool:
    def matches(patterns: Any) -> bool:
        return any(
            like(pattern.lower(), value.lower()) if fold else like(pattern, value)
            for pattern in as_list(patterns)
        )

    negative = f"Not{element}"
    return not matches(statement[negative]) if negative in statement else matches(statement.get(element))


def _is_principal(principals: Any, kind: str, name: str) -> bool:
    if principals == "*":
        return True
    return isinstance(principals, dict) and name in as_list(principals.get(kind))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
}
_NEGATIVE = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike", "ArnNotLike": "ArnLike"}


def conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether every key of every operator holds."""
    values = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(operator, as_list(wanted), values.get(key.lower(), []))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, wanted: list[str], values: list[str]) -> bool:
    if operator.endswith("IfExists"):
        operator = operator.removesuffix("IfExists")
        if not values:
            return True
    # ForAnyValue is what a plain operator does with a key of several values.
    operator = operator.removeprefix("ForAnyValue:")
    if operator in _NEGATIVE:
        return not _holds(_NEGATIVE[operator], wanted, values)
    matches = _OPERATORS.get(operator)
    return matches is not None and any(matches(str(want), value) for want in wanted for value in values)
