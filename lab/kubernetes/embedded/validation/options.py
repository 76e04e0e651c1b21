"""Rules of the options of a request."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.embedded import golang
from lab.kubernetes.embedded.errors import Problem, bad_request, invalid_options, invalid_value, not_supported
from lab.kubernetes.embedded.objects import Json, Object

_POLICIES = ("Foreground", "Background", "Orphan", "nil")
_TYPES = {"gracePeriodSeconds": int, "orphanDependents": bool, "propagationPolicy": str, "dryRun": list}
_GO_TYPES = {int: "int64", bool: "bool", str: "v1.DeletionPropagation", list: "[]string"}


def check_delete_options(options: Object) -> None:
    """ApiError 400 when a field has another type, 422 when the options contradict each other."""
    for name, wanted in _TYPES.items():
        _check_type(name, options.get(name), wanted)
    problems = list(_problems(options))
    if problems:
        raise invalid_options("DeleteOptions", problems)


def _check_type(name: str, value: Json, wanted: type) -> None:
    if value is None or (isinstance(value, wanted) and isinstance(value, bool) == (wanted is bool)):
        return
    kind = golang.json_kind(value)
    where = f"Go struct field DeleteOptions.{name} of type {_GO_TYPES[wanted]}"
    raise bad_request(f"json: cannot unmarshal {kind} into {where}")


def _problems(options: Object) -> Iterator[Problem]:
    policy = options.get("propagationPolicy")
    if policy is None:
        return
    if options.get("orphanDependents") is not None:
        yield invalid_value(
            "propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"
        )
    if policy not in _POLICIES[:3]:
        yield not_supported("propagationPolicy", policy, _POLICIES)
