# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a profile, and how one extends another. PRIVATE: it may change at any time.

A profile comes from a file or from a task, so each mistake in it is a sentence that says where it is and what
is allowed there. Keys without a value count as left out.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._bounds import OPERATORS

REFERENCE = re.compile(r"\$\{(\w+)\}")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
KINDS = ("series", "difference", "collectors", "other_collectors", "families")


class ProfileError(ValueError):
    """A profile that cannot be used; the text names the profile, the place and what is allowed."""


@dataclass(frozen=True)
class Leaf:
    """A single value."""

    words: str
    fits: Callable[[t.Any], bool]


@dataclass(frozen=True)
class Each:
    """A list whose entries have this shape, or a mapping (of any keys) whose values have it."""

    container: type[list[t.Any]] | type[dict[str, t.Any]]
    shape: Shape


Shape: t.TypeAlias = "Leaf | Each | tuple[str, ...] | Mapping[str, Shape]"


def _is_number(value: t.Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_reference(value: t.Any) -> bool:
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def _are_names(value: t.Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


ANYTHING = Leaf("a value", lambda value: True)
TEXT = Leaf("text", lambda value: isinstance(value, str))
FLAG = Leaf("true or false", lambda value: isinstance(value, bool))
NUMBER = Leaf("a number", lambda value: _is_number(value) or _is_reference(value))
COUNT = Leaf(
    "a whole number from 0",
    lambda value: (_is_number(value) and value >= 0 and value % 1 == 0) or _is_reference(value),
)
NAMES = Leaf("a list of names", lambda value: _are_names(value) or _is_reference(value))
CONDITION = Leaf("true, false or text", lambda value: isinstance(value, (bool, str)))
WHEN = Each(dict, CONDITION)
VALUE: Shape = {"op": tuple(OPERATORS), "number": NUMBER}

COMMON: Mapping[str, Shape] = {
    "id": TEXT,
    "kind": KINDS,
    "when": WHEN,
    "each": TEXT,
    "hint": TEXT,
    "severity": ("fail", "warn", "ignore"),
    "stops": FLAG,
}
# The keys of each kind beside the common ones.
OF_KIND: Mapping[str, Mapping[str, Shape]] = {
    "series": {
        "name": TEXT,
        "type": TYPES,
        "labels": Each(dict, TEXT),
        "required_labels": NAMES,
        "forbidden_labels": NAMES,
        "min_series": COUNT,
        "max_series": COUNT,
        "value": VALUE,
        "match": ("all", "any", "none"),
        "nan": FLAG,
        "fresh": ("grows", "changes"),
    },
    "difference": {"of": TEXT, "minus": TEXT, "value": VALUE},
    "collectors": {},
    "other_collectors": {},
    "families": {},
}
EXPECTATION: Mapping[str, Shape] = {**COMMON, **OF_KIND["difference"], **OF_KIND["series"]}

LIMITS: Mapping[str, Shape] = {
    "samples": COUNT,
    "samples_per_family": COUNT,
    "label_value_length": COUNT,
    "values_per_label": COUNT,
}
PROFILE: Mapping[str, Shape] = {
    "name": TEXT,
    "extends": TEXT,
    "description": TEXT,
    "variables": Each(
        dict,
        {
            "type": ("str", "int", "number", "bool", "list", "version"),
            "required": FLAG,
            "default": ANYTHING,
            "description": TEXT,
        },
    ),
    "versions": Each(dict, {"variable": TEXT, "series": TEXT, "label": TEXT}),
    "expect": Each(list, EXPECTATION),
    "collectors": {
        "series": TEXT,
        "label": TEXT,
        "names": NAMES,
        "enabled": NAMES,
        "disabled": NAMES,
        "defaults": Each(list, {"names": NAMES, "when": WHEN}),
        "hostile": Each(list, {"names": NAMES, "when": WHEN, "hint": TEXT}),
        "failed_hint": TEXT,
        "silent_hint": TEXT,
    },
    "families": Each(list, {"id": TEXT, "collector": TEXT, "names": NAMES, "when": WHEN}),
    "scrape_hints": Each(list, {"id": TEXT, "matches": TEXT, "hint": TEXT}),
    "unsteady": NAMES,
    "restarts": NAMES,
    "limits": LIMITS,
}
BY_ID = ("expect", "families", "scrape_hints")
JOINED = ("unsteady", "restarts")


def checked(profile: t.Any, place: str) -> dict[str, t.Any]:
    """A profile, or what extends one, of the right shape, without the keys that have no value."""
    result = _without_nothing(profile)
    validate(result, PROFILE, place)
    for key in BY_ID:
        ids = [entry["id"] for entry in result.get(key, []) if "id" in entry]
        for twice in {id for id in ids if ids.count(id) > 1}:
            raise ProfileError(f"{place}: {key} has the id {twice} twice")
    return t.cast("dict[str, t.Any]", result)


def validate(value: t.Any, shape: Shape, place: str) -> None:
    """Raises ProfileError for what does not have this shape."""
    if isinstance(shape, Leaf):
        _require(shape.fits(value), place, value, shape.words)
    elif isinstance(shape, tuple):
        _require(value in shape, place, value, f"one of {', '.join(shape)}")
    elif isinstance(shape, Each):
        words = "a list" if shape.container is list else "a mapping"
        _require(isinstance(value, shape.container), place, value, words)
        for key, entry in _entries(value):
            validate(entry, shape.shape, f"{place}[{key}]" if shape.container is list else f"{place}.{key}")
    else:
        _require(isinstance(value, Mapping), place, value, "a mapping")
        for key, entry in value.items():
            if key not in shape:
                raise ProfileError(f"{place}: there is no {key}, only {', '.join(shape)}")
            validate(entry, shape[key], f"{place}.{key}" if place else key)


def merged(base: Mapping[str, t.Any], over: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """`base` extended by `over`.

    An entry with the id of an earlier one changes only the keys that it names. Other mappings are merged key
    by key, lists of names are joined, and the rest is replaced.
    """
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if old is None:
            result[key] = value
        elif key in BY_ID:
            result[key] = _merged_by_id(old, value)
        elif key in JOINED:
            result[key] = _joined(old, value)
        elif isinstance(value, Mapping):
            result[key] = {**old, **value}
        else:
            result[key] = value
    return result


def _merged_by_id(
    base: Sequence[Mapping[str, t.Any]], over: Sequence[Mapping[str, t.Any]]
) -> list[Mapping[str, t.Any]]:
    result = list(base)
    places = {entry["id"]: place for place, entry in enumerate(base) if "id" in entry}
    for entry in over:
        place = places.get(entry.get("id"))
        if place is None:
            result.append(entry)
        else:
            result[place] = {**result[place], **entry}
    return result


def _joined(base: t.Any, over: t.Any) -> list[str]:
    """Lists of names; a variable that stands for a whole list becomes one of the names."""
    old, new = ([names] if isinstance(names, str) else names for names in (base, over))
    return [*old, *(name for name in new if name not in old)]


def _require(holds: bool, place: str, value: t.Any, words: str) -> None:
    if not holds:
        raise ProfileError(f"{place}: {value!r} is not {words}")


def _entries(value: t.Any) -> list[tuple[t.Any, t.Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return [(_called(entry, number), entry) for number, entry in enumerate(value, 1)]


def _called(entry: t.Any, number: int) -> t.Any:
    """How an entry of a list is called in messages: by its id or name, else by its number from 1."""
    named = entry if isinstance(entry, Mapping) else {}
    return named.get("id") or named.get("name") or number


def _without_nothing(value: t.Any) -> t.Any:
    if isinstance(value, Mapping):
        return {key: _without_nothing(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [_without_nothing(entry) for entry in value]
    return value
