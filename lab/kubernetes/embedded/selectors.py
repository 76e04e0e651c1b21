"""Label and field selectors of lists, watches and collections that are deleted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lab.kubernetes.embedded.errors import bad_request
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Object, dig

Predicate = Callable[[Object], bool]

_SPLIT = re.compile(r",(?![^(]*\))")
_KEY = r"(?P<key>(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_VALUE = r"(?P<value>[A-Za-z0-9._-]*)"
_EQUALITY = re.compile(rf"{_KEY}\s*(?P<operator>==|=|!=)\s*{_VALUE}")
_MEMBERSHIP = re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s+\((?P<values>[^()]*)\)")
_EXISTENCE = re.compile(rf"(?P<operator>!?)\s*{_KEY}")
_OPERATORS = ("in", "notin", "=", "==", "!=", "gt", "lt")
_FIELD = re.compile(r"(?P<field>[^!=]+)(?P<operator>==|=|!=)(?P<value>.*)")

_METADATA = ("metadata.name", "metadata.namespace")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
#: What a field selector may name, apart from name and namespace.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Event": (
        *(f"involvedObject.{name}" for name in _INVOLVED),
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "Namespace": ("status.phase",),
    "Node": ("spec.unschedulable",),
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "ReplicaSet": ("status.replicas",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP", "spec.type"),
}


def selection(kind: Kind, labels: str, fields: str) -> Predicate:
    """Whether an object matches both selectors; ApiError 400 when one cannot be read."""
    wanted = [_label_term(term.strip()) for term in _SPLIT.split(labels) if term.strip()]
    wanted += [_field_term(kind, term.strip()) for term in fields.split(",") if term.strip()]
    return lambda item: all(term(item) for term in wanted)


def _label_term(term: str) -> Predicate:
    if match := _MEMBERSHIP.fullmatch(term):
        values = {value.strip() for value in match["values"].split(",")}
        return _label_in(match["key"], values, wanted=match["operator"] == "in")
    if match := _EQUALITY.fullmatch(term):
        return _label_in(match["key"], {match["value"]}, wanted=match["operator"] != "!=")
    if match := _EXISTENCE.fullmatch(term):
        key, wanted = match["key"], not match["operator"]
        return lambda item: (key in _labels(item)) == wanted
    raise bad_request(_unreadable(term))


def _unreadable(term: str) -> str:
    """What the real server's parser says: it reads word by word."""
    words = re.findall(r"[^\s=!<>(),]+|[=!<>]+|[(),]", term)
    if len(words) > 1 and words[1] not in _OPERATORS:
        return f"unable to parse requirement: found '{words[1]}', expected: {', '.join(_OPERATORS)}"
    if len(words) > 3 and words[1] not in ("in", "notin"):
        return f"found '{words[3]}', expected: ',' or 'end of string'"
    return f"unable to parse requirement: found '{term}', expected: identifier"


def _label_in(key: str, values: set[str], *, wanted: bool) -> Predicate:
    return lambda item: (key in _labels(item) and _labels(item)[key] in values) == wanted


def _labels(item: Object) -> dict[str, str]:
    return item["metadata"].get("labels") or {}


def _field_term(kind: Kind, term: str) -> Predicate:
    match = _FIELD.fullmatch(term)
    if match is None:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    field, value, wanted = match["field"], match["value"], match["operator"] != "!="
    if field not in (*_METADATA, *_FIELDS.get(kind.name, ())):
        raise bad_request(f"field label not supported: {field}")
    path = ("source", "component") if field == "source" else tuple(field.split("."))
    return lambda item: (_text(item, path) == value) == wanted


def _text(item: Object, path: tuple[str, ...]) -> str:
    value = dig(item, *path)
    if value is None:
        # Booleans and numbers that are left out have their zero value.
        return {"unschedulable": "false", "hostNetwork": "false", "replicas": "0"}.get(path[-1], "")
    return str(value).lower() if isinstance(value, bool) else str(value)
