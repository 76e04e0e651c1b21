"""What two servers answered to the same request, compared: whole documents, but for what is declared.

Values that every server makes up for itself are not left out. Their form is compared (time, address, token),
and those that identify something are paired: a uid, version or generated name of one server stands for one of
the other, and always for the same. One that is missing or malformed, or changes on one side only, is a
difference.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.conformance.exchange import Answer

ABSENT = "(none)"
#: Writers of the real cluster that work in their own time, and are not part of an API server. An object whose
#: status they wrote is compared without its status: the tests ask for answers, not for who was faster.
_CONTROLLERS = re.compile(r"kube-controller-manager(-[\d.]+)?|external-secrets|PrometheusOperator")

_SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]{5}"
_UID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_VERSION = re.compile(r"[1-9][0-9]*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
#: Forms of values by the field in which they stand.
_FORMS = {
    **dict.fromkeys(("clusterIP", "clusterIPs"), _ADDRESS),
    **dict.fromkeys(("creationTimestamp", "deletionTimestamp", "expirationTimestamp"), _TIME),
    **dict.fromkeys(("lastTransitionTime", "lastUpdateTime", "time"), _TIME),
    "ca.crt": re.compile(r"(-----BEGIN CERTIFICATE-----\n[\w+/=\n]+-----END CERTIFICATE-----\n)+"),
    "resourceVersion": _VERSION,
    "serverAddress": re.compile(r"[\d.]+:\d+"),
}
_TOKEN = re.compile(r"[\w-]+\.([\w-]+)\.[\w-]+")
_GENERATED = re.compile(rf"[\w-]*-{_SUFFIX}\b")
#: The version that some put into the name of a program, after which it calls itself as a manager of fields.
_PROGRAM_VERSION = re.compile(r"(?<=^kube-apiserver)-[\d.]+$|(?<=^kube-controller-manager)-[\d.]+$")
#: The volume that admission adds to a pod.
_TOKEN_VOLUME = re.compile(rf"kube-api-access-{_SUFFIX}")


@dataclass(frozen=True)
class Difference:
    """One place at which two answers differ; values are JSON, or ABSENT."""

    place: str
    real: str
    embedded: str

    def __str__(self) -> str:
        return f"{self.place}\n    real:     {self.real}\n    embedded: {self.embedded}"


@dataclass(frozen=True)
class Declared:
    """Differences that are known: where, what each server says there (regular expressions), and why."""

    reason: str
    #: Pattern of the ids of requests.
    request: str
    #: Pattern of places.
    place: str
    real: str
    embedded: str
    #: Minor versions of Kubernetes, from and to; the others behave like the embedded kind.
    since: int = 0
    until: int = 99

    def covers(self, request: str, difference: Difference) -> bool:
        """Whether this is the difference that is declared."""
        return (
            fnmatchcase(request, self.request)
            and fnmatchcase(difference.place, self.place)
            and re.fullmatch(self.real, difference.real, re.DOTALL) is not None
            and re.fullmatch(self.embedded, difference.embedded, re.DOTALL) is not None
        )

    def concerns(self, minor: int) -> bool:
        """Whether a Kubernetes of this minor version has the difference."""
        return self.since <= minor <= self.until


class Pairs:
    """Which value of one server stands for which value of the other."""

    def __init__(self) -> None:
        self._forward: dict[tuple[str, str], str] = {}
        self._backward: dict[tuple[str, str], str] = {}

    def same(self, form: str, real: str, embedded: str) -> bool:
        """Whether the values belong together; two that are new do from now on."""
        known = self._forward.get((form, real)), self._backward.get((form, embedded))
        if known == (None, None):
            self._forward[form, real], self._backward[form, embedded] = embedded, real
        return known in ((None, None), (embedded, real))

    def translated(self, text: str) -> str:
        """A text of the real server with the uids and generated names of the other one."""
        text = _UID.sub(lambda match: self._forward.get(("uid", match[0]), match[0]), text)
        return _GENERATED.sub(lambda match: self._forward.get(("name", match[0]), match[0]), text)


class Comparison:
    """Compares the answers of two servers to the same requests, in the same order."""

    def __init__(self) -> None:
        self._pairs = Pairs()

    def differences(self, real: Answer, embedded: Answer) -> list[Difference]:
        """Every place at which the answers differ."""
        body, other = _without_traces(real.body, embedded.body)
        sides = ({**vars(real), "body": _with_causes(body)}, {**vars(embedded), "body": _with_causes(other)})
        return list(self._differ(*sides, "", ""))

    def _differ(self, real: Any, embedded: Any, place: str, key: str) -> Iterator[Difference]:
        """Differences of two values; `key` is the field in which they stand."""
        if isinstance(real, dict) and isinstance(embedded, dict):
            yield from self._differ_objects(real, embedded, place)
        elif isinstance(real, list) and isinstance(embedded, list):
            yield from self._differ_lists(real, embedded, place, key)
        elif isinstance(real, str) and isinstance(embedded, str):
            if not self._same_text(real, embedded, key):
                yield Difference(place, _shown(real), _shown(embedded))
        elif type(real) is not type(embedded) or real != embedded:
            yield Difference(place, _shown(real), _shown(embedded))

    def _differ_objects(self, real: Any, embedded: Any, place: str) -> Iterator[Difference]:
        if "uid" in real and "uid" in embedded:
            yield from self._differ_identities(real, embedded, place)
        # Keys have uids in them, too: managedFields name owners by theirs.
        sides = ({self._pairs.translated(name): value for name, value in real.items()}, embedded)
        for name in sorted({*sides[0], *sides[1]}):
            pair = (side.get(name, ABSENT) for side in sides)
            yield from self._differ(*pair, f"{place}.{name}" if place else name, name)

    def _differ_identities(self, real: Any, embedded: Any, place: str) -> Iterator[Difference]:
        """Generated names and versions belong to one object: its uid says to which."""
        names = [side.get("name", "") for side in (real, embedded)]
        prefix = real.get("generateName")
        if prefix and all(re.fullmatch(re.escape(prefix) + _SUFFIX, name) for name in names):
            self._pairs.same("name", *names)
        versions = [str(side.get("resourceVersion", "")) for side in (real, embedded)]
        known = self._pairs.same(f"version of {real['uid']}", *versions)
        if all(map(_VERSION.fullmatch, versions)) and not known:
            yield Difference(f"{place}.resourceVersion", *map(_shown, versions))

    def _differ_lists(self, real: Any, embedded: Any, place: str, key: str) -> Iterator[Difference]:
        if key == "managedFields":
            # Ordered by time, in seconds: the order of what happens in one second is no behaviour.
            real, embedded = (sorted(side, key=_manager) for side in (real, embedded))
        elif key in ("groups", "resources") and all(map(_is_named, (*real, *embedded))):
            # Discovery: what one of them does not have shall not shift the rest.
            sides = ({item["name"]: item for item in side} for side in (real, embedded))
            yield from self._differ_objects(*sides, place)
            return
        for index in range(max(len(real), len(embedded))):
            pair = (side[index] if index < len(side) else ABSENT for side in (real, embedded))
            yield from self._differ(*pair, f"{place}.{index}", key)

    def _same_text(self, real: str, embedded: str, key: str) -> bool:
        form = _FORMS.get(key)
        if form and form.fullmatch(real) and form.fullmatch(embedded):
            return True
        if key == "token" and _TOKEN.fullmatch(real) and _TOKEN.fullmatch(embedded):
            return _claims(real) == _claims(embedded)
        if _UID.fullmatch(real) and _UID.fullmatch(embedded):
            return self._pairs.same("uid", real, embedded)
        if key == "manager":
            return _PROGRAM_VERSION.sub("", real) == embedded
        return self._pairs.translated(_TOKEN_VOLUME.sub("", real)) == _TOKEN_VOLUME.sub("", embedded)


def undeclared(request: str, found: Iterable[Difference], declared: Iterable[Declared]) -> list[Difference]:
    """The differences that nobody declared."""
    known = list(declared)
    return [item for item in found if not any(entry.covers(request, item) for entry in known)]


def _with_causes(body: Any) -> Any:
    """A refusal whose causes have no order, and whose message does not repeat them.

    The real server walks through maps of Go, whose order changes from one request to the next.
    """
    causes = body.get("details", {}).get("causes", []) if isinstance(body, dict) else []
    if not causes:
        return body
    texts = {f"{cause['field']}: {cause['message']}" for cause in causes}
    message = body["message"]
    for text in sorted(texts, key=len, reverse=True):
        message = message.replace(text, "...", 1)
    named = {f"{cause['field']} {cause['message']}": cause for cause in causes}
    return {**body, "message": message, "details": {**body["details"], "causes": named}}


def _manager(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(entry.get(name)) for name in ("manager", "operation", "subresource", "apiVersion"))


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and "name" in item


def _claims(token: str) -> list[str]:
    payload = token.split(".")[1]
    return sorted(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def _without_traces(real: Any, embedded: Any) -> tuple[Any, Any]:
    """Both bodies without what a controller of the real cluster wrote into an object's status meanwhile."""
    if not isinstance(real, dict) or not isinstance(embedded, dict):
        return real, embedded
    metadata, other = real.get("metadata") or {}, embedded.get("metadata") or {}
    entries = metadata.get("managedFields") or []
    traces = [entry for entry in entries if _is_trace(entry)]
    if not traces or "uid" not in other:
        return real, embedded
    marks = {name for entry in traces for name in _annotations_of(entry)}
    annotations = {
        name: value for name, value in metadata.get("annotations", {}).items() if f"f:{name}" not in marks
    }
    cleaned = {**metadata, "managedFields": [entry for entry in entries if entry not in traces]}
    cleaned |= {"annotations": annotations, "resourceVersion": ""}
    if not annotations:
        del cleaned["annotations"]
    without = {name: value for name, value in real.items() if name != "status"}
    status = {"status": embedded["status"]} if "status" in embedded else {}
    return {**without, **status, "metadata": cleaned}, {
        **embedded,
        "metadata": {**other, "resourceVersion": ""},
    }


def _is_trace(entry: Mapping[str, Any]) -> bool:
    manager = str(entry.get("manager"))
    return entry.get("subresource") == "status" and _CONTROLLERS.fullmatch(manager) is not None


def _annotations_of(entry: Mapping[str, Any]) -> Iterable[str]:
    annotations: Mapping[str, Any] = entry["fieldsV1"].get("f:metadata", {}).get("f:annotations", {})
    return annotations


def _shown(value: Any) -> str:
    return ABSENT if value is ABSENT else json.dumps(value, sort_keys=True, ensure_ascii=False)
