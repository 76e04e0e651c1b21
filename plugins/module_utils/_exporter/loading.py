# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a profile of its mapping. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.collectors import (
    Collectors,
    Families,
    Names,
    OtherCollectors,
    Row,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.expectation import (
    Difference,
    Series,
    Test,
    Value,
    selector,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.hygiene import Limits
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.profile import (
    Expectation,
    Profile,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import (
    COMMON,
    EXPECTATION,
    OF_KIND,
    PROFILE,
    ProfileError,
    checked,
    validate,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.variables import (
    Facts,
    VersionSource,
    filled,
    mentioned,
    values,
)

Given = Mapping[str, t.Any]


def load(given: Given, variables: Given) -> Profile:
    """Raises ProfileError for a profile that cannot be used with these variables."""
    name = given.get("name") or Profile.name
    return _Loader(checked(given, name), name, variables).profile()


class _Loader:
    """Makes objects of a profile's mapping, in which the variables have got their values."""

    def __init__(self, given: Given, name: str, variables: Given) -> None:
        self.given = given
        self.name = name
        versions = {key: VersionSource(**about) for key, about in given.get("versions", {}).items()}
        self.facts = Facts(values(given.get("variables", {}), variables, name), versions)

    def profile(self) -> Profile:
        families = Families(self._collectors(), [self._row(one) for one in self._part("families", [])])
        expectations = [
            self._expectation(one, families)
            for entry in self.given.get("expect", [])
            for one in self._repeated(entry)
        ]
        hints = [(self._pattern(one["matches"]), one["hint"]) for one in self._part("scrape_hints", [])]
        return Profile(
            name=self.name,
            facts=self.facts,
            expectations=[one for one in expectations if one.severity != "ignore"],
            families=families,
            scrape_hints=hints,
            unsteady=self._part("unsteady", []),
            restarts=self._part("restarts", [*Profile.restarts]),
            limits=Limits(**self._part("limits", {})),
        )

    def _part(self, key: str, otherwise: t.Any) -> t.Any:
        """A part of the profile, its variables filled in; a key whose variable has no value is left out."""
        part = self.given.get(key, otherwise)
        self.facts.known(mentioned(part), f"{self.name}: {key}")
        part = filled(part, self.facts.variables)
        if part is None:
            return otherwise
        if isinstance(part, Mapping):
            part = {name: value for name, value in part.items() if value is not None}
        validate(part, PROFILE[key], f"{self.name}: {key}")
        return part

    def _collectors(self) -> Collectors:
        part = self._part("collectors", {})
        for key in ("defaults", "hostile"):
            if key in part:
                part[key] = [Names(**one) for one in part[key]]
                for names in part[key]:
                    self.facts.check(names.when, f"{self.name}: collectors.{key}")
        return Collectors(self.facts, **part)

    def _row(self, given: Given) -> Row:
        place = f"{self.name}: families"
        if not given.keys() >= {"id", "names"}:
            raise ProfileError(f"{place}: each entry needs id and names, {dict(given)} has not")
        self.facts.check(given.get("when", {}), f"{place}[{given['id']}]")
        return Row(**given)

    def _repeated(self, given: Given) -> Iterator[Given]:
        """The entry once, for each value of a list, or not at all where one of its variables has no value."""
        place = f"{self.name}: expect[{_called(given)}]"
        names, list_name = mentioned(given), given.get("each")
        if list_name is not None:
            names = names - {"each"} | {list_name}
        self.facts.known(names, place)
        variables = self.facts.variables
        if any(variables[name] is None for name in names):
            return
        for entry in self._copies(given, variables, place):
            validate(entry, EXPECTATION, place)
            yield entry

    def _copies(self, given: Given, variables: Given, place: str) -> Iterator[Given]:
        if "each" not in given:
            yield filled(given, variables)
            return
        found = variables[given["each"]]
        if not isinstance(found, list):
            raise ProfileError(f"{place}: the variable {given['each']} is no list")
        for value in found:
            yield filled({**given, "id": f"{_called(given)}[{value}]"}, {**variables, "each": value})

    def _expectation(self, given: Given, families: Families) -> Expectation:
        kind = given.get("kind", "series")
        place = f"{self.name}: expect[{_called(given)}]"
        own = {key: value for key, value in given.items() if key not in COMMON}
        common = {key: value for key, value in given.items() if key in ("when", "hint", "severity", "stops")}
        for key in own:
            if key not in OF_KIND[kind]:
                raise ProfileError(f"{place}: a check of kind {kind} has no {key}")
        self.facts.check(given.get("when", {}), place)
        return Expectation(_called(given), self._test(kind, own, families, place), **common)

    def _test(self, kind: str, own: dict[str, t.Any], families: Families, place: str) -> Test:
        if "value" in own:
            self._need(own["value"], ("op", "number"), f"{place}.value")
            own["value"] = Value(own["value"]["op"], own["value"]["number"])
        if kind == "series":
            self._need(own, ("name",), place)
            for name, wanted in own.get("labels", {}).items():
                if wanted.startswith("~"):
                    self._pattern(wanted[1:], f"{place}: label {name}")
            return Series(**own)
        if kind == "difference":
            self._need(own, ("of", "minus", "value"), place)
            return Difference(**own)
        collectors = families.collectors
        tests: dict[str, Test] = {
            "collectors": collectors,
            "other_collectors": OtherCollectors(collectors),
            "families": families,
        }
        return tests[kind]

    def _need(self, given: Given, keys: Sequence[str], place: str) -> None:
        for key in keys:
            if key not in given:
                raise ProfileError(f"{place}: {key} is missing")

    def _pattern(self, pattern: str, place: str = "scrape_hints") -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ProfileError(f"{place}: {pattern!r} is no regular expression: {error}") from error
        return pattern


def _called(given: Given) -> str:
    """The id of a check: what it was given, or the series that it is about."""
    name = given.get("name", given.get("kind", "?"))
    return str(given.get("id") or selector(name, given.get("labels", {})))
