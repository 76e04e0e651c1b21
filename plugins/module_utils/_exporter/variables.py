# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of a profile, and the versions of its conditions. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.eks_observability.stack.plugins.module_utils._bounds import OPERATORS
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Exposition
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import (
    REFERENCE,
    ProfileError,
)

Version = tuple[int, ...]
NEWEST: Version = (99,)
NUMBERS = r"v?(\d+(?:\.\d+)*)"
BOUND = rf"(==|!=|<=|>=|<|>)\s*{NUMBERS}"
BOUNDS = re.compile(rf"\s*{BOUND}(?:[\s,]+{BOUND})*\s*")


def _whole(value: t.Any) -> int:
    if isinstance(value, (bool, float)):
        raise TypeError(value)
    return int(value)


def _version(value: t.Any) -> str:
    """YAML takes 0.20 for the number 0.2, which is another version."""
    if isinstance(value, (bool, float)):
        raise TypeError(value)
    return str(value).removeprefix("v")


def _flag(value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _names(value: t.Any) -> list[str]:
    if not isinstance(value, list):
        raise TypeError(value)
    return [str(one) for one in value]


CONVERSIONS: Mapping[str, tuple[Callable[[t.Any], t.Any], str]] = {
    "str": (str, "text"),
    "int": (_whole, "a whole number"),
    "number": (float, "a number"),
    "bool": (_flag, "true or false"),
    "list": (_names, "a list"),
    "version": (_version, "a version, which stands in quotes"),
}


def values(
    declared: Mapping[str, Mapping[str, t.Any]], given: Mapping[str, t.Any], profile: str
) -> dict[str, t.Any]:
    """The value of each declared variable, None for one that has none. Raises ProfileError."""
    for name in given:
        if name not in declared:
            raise ProfileError(
                f"{profile} has no variable {name}, only {', '.join(declared) or 'none at all'}"
            )
    return {name: _value(name, about, given.get(name), profile) for name, about in declared.items()}


def _value(name: str, about: Mapping[str, t.Any], given: t.Any, profile: str) -> t.Any:
    value = about.get("default") if given is None else given
    if value is None:
        if about.get("required"):
            raise ProfileError(f"{profile} needs the variable {name}: {about.get('description', name)}")
        return None
    convert, words = CONVERSIONS[about.get("type", "str")]
    try:
        return convert(value)
    except (OverflowError, TypeError, ValueError):
        raise ProfileError(f"{profile}: the variable {name} is {value!r}, not {words}") from None


def mentioned(thing: t.Any) -> set[str]:
    """The variables whose values `thing` wants."""
    if isinstance(thing, Mapping):
        return set().union(*map(mentioned, thing.values()))
    if isinstance(thing, list):
        return set().union(*map(mentioned, thing))
    return set(REFERENCE.findall(thing)) if isinstance(thing, str) else set()


def filled(thing: t.Any, variables: Mapping[str, t.Any]) -> t.Any:
    """`thing` with the values of its variables; in a regular expression they stand for themselves.

    A list within a list becomes a part of it, and what has no value is left out there.
    """
    if isinstance(thing, Mapping):
        return {key: filled(value, variables) for key, value in thing.items()}
    if isinstance(thing, list):
        return [one for value in thing for one in _entries(filled(value, variables))]
    if not isinstance(thing, str):
        return thing
    if alone := REFERENCE.fullmatch(thing):
        return variables[alone[1]]
    spell = re.escape if thing.startswith("~") else str
    return REFERENCE.sub(lambda match: spell(_spelled(variables[match[1]])), thing)


def _entries(value: t.Any) -> list[t.Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _spelled(value: t.Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def parse_version(text: str) -> Version:
    """The numbers of a version, for example (0, 19, 1) of "0.19.1+ds"; the newest when there are none."""
    match = re.match(NUMBERS, text)
    return tuple(int(number) for number in match[1].split(".")) if match else NEWEST


def within(version: Version, bounds: str) -> bool:
    """Whether a version keeps all bounds, such as ">=0.13 <=0.20"; 0.20.1 is a 0.20."""
    return all(
        OPERATORS[op](version[: len(bound)], bound)
        for op, bound in ((op, parse_version(numbers)) for op, numbers in re.findall(BOUND, bounds))
    )


@dataclass(frozen=True)
class VersionSource:
    """Where a version comes from: a variable, or else the label of a series."""

    variable: str = ""
    series: str = ""
    label: str = ""

    def reported(self, page: Exposition) -> str | None:
        """What the page says."""
        found = page.series(self.series)
        return found[0].labels.get(self.label) if found else None


@dataclass(frozen=True)
class Facts:
    """What is known of the exporter that is judged: variables, and versions by their name in conditions."""

    variables: Mapping[str, t.Any] = field(default_factory=dict)
    versions: Mapping[str, VersionSource] = field(default_factory=dict)

    def version(self, name: str, page: Exposition) -> Version:
        """A version that nobody tells counts as the newest."""
        source = self.versions[name]
        given = self.variables.get(source.variable)
        return parse_version(str(source.reported(page) or "" if given is None else given))

    def hold(self, when: Mapping[str, t.Any], page: Exposition) -> bool:
        """Whether all these conditions are met."""
        return all(
            within(self.version(name, page), wanted)
            if name in self.versions
            else self.variables[name] == wanted
            for name, wanted in when.items()
        )

    def check(self, when: Mapping[str, t.Any], place: str) -> None:
        """Raises ProfileError for a condition that cannot be decided."""
        for name, wanted in when.items():
            if name in self.versions:
                if not isinstance(wanted, str) or not BOUNDS.fullmatch(wanted):
                    raise ProfileError(
                        f'{place}: {wanted!r} is no version condition, such as ">=16" or ">=0.13 <0.20"'
                    )
            elif name not in self.variables:
                raise ProfileError(
                    f"{place}: there is no {name}, only {_listed([*self.versions, *self.variables])}"
                )

    def known(self, names: set[str], place: str) -> None:
        """Raises ProfileError for a variable that the profile does not declare."""
        for name in sorted(names - self.variables.keys()):
            raise ProfileError(f"{place}: there is no variable {name}, only {_listed([*self.variables])}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none at all"
