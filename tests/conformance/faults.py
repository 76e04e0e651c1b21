"""The faults of external_secrets.yaml."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import yaml

from lab.settings import Settings

Object = dict[str, Any]

TABLE = Path(__file__).with_name("external_secrets.yaml")
SYNCED = "True SecretSynced: secret synced"
VALID = "True Valid: store validated"


@dataclass(frozen=True)
class Fault:
    """One entry of the table, merged with its base."""

    name: str
    namespace: str
    spec: Mapping[str, Any]

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        """The changes after the first sync."""
        return list(self.spec.get("then", ()))

    @property
    def unsupported(self) -> str:
        """Words with which the stand-in refuses what it does not have, empty where it has it."""
        return str(self.spec.get("standin", ""))

    @property
    def refused(self) -> str:
        """Words with which the API server refuses the external secret, empty where it takes it."""
        return str(self.spec.get("refused", ""))

    @property
    def last_ready(self) -> str:
        """Condition Ready of the external secret in the end."""
        return str((*[self.spec], *self.steps)[-1].get("ready", SYNCED))

    @property
    def external(self) -> str:
        """Name of the external secret."""
        return str(self.spec["external"]["metadata"]["name"])

    def words(self, how: str) -> list[str]:
        """What external_secret_sync has to say; nothing where it has nothing to say."""
        falls_back = {"with_aws": "without_events", "without_events": "cause"}
        if how not in self.spec and how in falls_back:
            # What is known without events is known with AWS, too, unless it is that something is not known.
            return self.words(falls_back[how])
        return list(self.spec.get(how, ()))


def merged(base: Any, patch: Any) -> Any:
    """A merge patch (RFC 7386) applied."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def faults(prefix: str = "eso", *, oldest: bool = False) -> list[Fault]:
    """All faults of the table, as the usual or as the oldest External Secrets tells them.

    Laboratories have one account, region and issuer in common.
    """
    document = yaml.safe_load(TABLE.read_text())
    settings = Settings(Path())
    place = {"account": settings.account, "region": settings.region, "issuer": settings.issuer[8:]}
    entries = document["faults"]
    if oldest:
        entries = [
            _reworded(merged(entry, entry.get("oldest", {})), document["oldest_words"]) for entry in entries
        ]
    return [_fault(prefix, document, entry, place) for entry in entries]


def _reworded(value: Any, words: Mapping[str, str]) -> Any:
    """A value in which some texts are others."""
    if isinstance(value, dict):
        return {key: _reworded(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_reworded(inner, words) for inner in value]
    return words.get(value, value) if isinstance(value, str) else value


def _fault(
    prefix: str, document: Mapping[str, Any], entry: Mapping[str, Any], place: Mapping[str, str]
) -> Fault:
    name = str(entry["name"])
    namespace = f"{prefix}-{re.sub(r'[^a-z0-9]+', '-', name.lower())}"[:60].strip("-")
    spec: Object = dict(entry)
    for part, base in document["base"].items():
        # A document that differs is another one: only its kind of content is given.
        whole = part == "document" and {"value", "text", "binary"} & set(entry.get(part, ()))
        spec[part] = (
            entry[part] if whole or entry.get(part, base) is None else merged(base, entry.get(part, {}))
        )
    for part, base in (("cluster_store", document["cluster_store"]), ("rival", document["base"]["external"])):
        if part in entry:
            spec[part] = merged(base, entry[part])
    return Fault(name, namespace, _filled(spec, {**place, "namespace": namespace}))


def _filled(value: Any, place: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return Template(value).safe_substitute(place)
    if isinstance(value, list):
        return [_filled(one, place) for one in value]
    if isinstance(value, dict):
        return {_filled(key, place): _filled(one, place) for key, one in value.items()}
    return value


def declared(fault: Fault) -> list[str]:
    """Parts of a fault in which the stand-in differs, for a reason that the table gives."""
    entries = yaml.safe_load(TABLE.read_text())["declared"]
    return [entry["part"] for entry in entries if entry["fault"] == fault.name]
