"""Events, written and combined as client-go's recorder does it."""

from __future__ import annotations

import logging
import threading
import time

from lab.standins.api.client import Api, ApiError
from lab.standins.api.kinds import EVENT
from lab.standins.api.objects import Object
from lab.standins.api.times import precise_timestamp, timestamp

NORMAL, WARNING = "Normal", "Warning"

#: From so many different messages of one reason on, an object's events are combined into one.
SIMILAR = 10
COMBINED = "(combined from similar events): "


class Recorder:
    """Writes events about objects in the name of a component."""

    def __init__(self, api: Api, component: str) -> None:
        self._api = api
        self._component = component
        self._lock = threading.Lock()
        self._names: dict[tuple[str, ...], tuple[str, int]] = {}
        self._messages: dict[tuple[str, ...], set[str]] = {}

    def normal(self, obj: Object, reason: str, message: str) -> None:
        """Say that something happened to `obj` as it should."""
        self._record(obj, NORMAL, reason, message)

    def warn(self, obj: Object, reason: str, message: str) -> None:
        """Say that something is wrong with `obj`."""
        self._record(obj, WARNING, reason, message)

    def _record(self, obj: Object, kind: str, reason: str, message: str) -> None:
        try:
            self._write(obj, kind, reason, message)
        except ApiError as error:
            _dropped(error, reason, message)

    def _write(self, obj: Object, kind: str, reason: str, message: str) -> None:
        similar = (obj["metadata"]["uid"], kind, reason)
        with self._lock:
            messages = self._messages.setdefault(similar, set())
            if len(messages) < SIMILAR:
                messages.add(message)
            combined = message not in messages
            key = similar if combined else (*similar, message)
            name, count = self._names.get(key, ("", 0))
            text = COMBINED + message if combined else message
            if not self._repeat(obj, name, count + 1, text):
                count = 0
                name = self._create(obj, kind, reason, text)
            self._names[key] = (name, count + 1)

    def _repeat(self, obj: Object, name: str, count: int, message: str) -> bool:
        if not name:
            return False
        patch = {"count": count, "lastTimestamp": timestamp(), "message": message}
        try:
            self._api.patch(EVENT, name, _namespace(obj), patch)
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True

    def _create(self, obj: Object, kind: str, reason: str, message: str) -> str:
        return _create(
            self._api,
            obj,
            {
                "type": kind,
                "reason": reason,
                "message": message,
                "source": {"component": self._component},
                "reportingComponent": self._component,
                "reportingInstance": "",
                "count": 1,
                "firstTimestamp": timestamp(),
                "lastTimestamp": timestamp(),
                "eventTime": None,
            },
        )


class Reporter:
    """Writes events as client-go's newer recorder does it: one time, an action, and what else it concerns."""

    def __init__(self, api: Api, component: str) -> None:
        self._api = api
        self._component = component

    def report(
        self, obj: Object, related: Object | None, kind: str, reason: str, action: str, text: str
    ) -> None:
        """Say that `action`, done for `related`, came to this with `obj`."""
        event = {
            "type": kind,
            "reason": reason,
            "message": text,
            "action": action,
            "related": _reference(related) if related else None,
            "source": {},
            "reportingComponent": self._component,
            "reportingInstance": f"{self._component}-laboratory",
            "firstTimestamp": None,
            "lastTimestamp": None,
            "eventTime": precise_timestamp(),
        }
        try:
            _create(self._api, obj, event)
        except ApiError as error:
            _dropped(error, reason, text)


def _create(api: Api, obj: Object, event: Object) -> str:
    name = f"{obj['metadata']['name']}.{time.time_ns():x}"
    metadata = {"name": name, "namespace": _namespace(obj)}
    body = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": _reference(obj)}
    api.create(EVENT, {**body, **event})
    return name


def _dropped(error: ApiError, reason: str, message: str) -> None:
    # An event is worth no failure: the namespace may be on its way out.
    logging.getLogger(__name__).info("event dropped (%s: %s): %s", reason, message, error)


def _reference(obj: Object) -> Object:
    metadata = obj["metadata"]
    known = {key: metadata[key] for key in ("namespace", "name", "uid", "resourceVersion") if key in metadata}
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], **known}


def _namespace(obj: Object) -> str:
    return str(obj["metadata"].get("namespace", "default"))
