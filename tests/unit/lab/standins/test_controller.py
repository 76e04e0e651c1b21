"""The loop of a controller, and the events that it writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from lab.standins.api.client import Api, ApiError
from lab.standins.api.controller import Controller, Queue, Watch
from lab.standins.api.events import Recorder
from lab.standins.api.kinds import DEPLOYMENT, EVENT, NODE, SECRET, Kind
from lab.standins.api.label_selectors import matches
from lab.standins.api.objects import Key
from lab.standins.api.times import seconds
from lab.waiting import wait_until

Object = dict[str, Any]
A, B = ("demo", "a"), ("demo", "b")


@pytest.mark.parametrize(
    ("kind", "arguments", "path"),
    [
        pytest.param(SECRET, (), "/api/v1/secrets", id="all of a kind"),
        pytest.param(SECRET, ("demo",), "/api/v1/namespaces/demo/secrets", id="those of a namespace"),
        pytest.param(
            DEPLOYMENT,
            ("demo", "web", "status"),
            "/apis/apps/v1/namespaces/demo/deployments/web/status",
            id="a part of one object",
        ),
        pytest.param(NODE, ("", "lab"), "/api/v1/nodes/lab", id="one without a namespace"),
    ],
)
def test_paths(kind: Kind, arguments: tuple[str, ...], path: str) -> None:
    assert kind.path(*arguments) == path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1h0m0s", 3600, id="Go's way"),
        pytest.param("1m30s", 90, id="minutes and seconds"),
        pytest.param("500ms", 0.5, id="milliseconds"),
        pytest.param("0", 0, id="nothing"),
    ],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", [pytest.param("", id="empty"), pytest.param("5 minutes", id="words")])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("selector", "matched"),
    [
        pytest.param({}, True, id="an empty selector matches everything"),
        pytest.param({"matchLabels": {"a": "1"}}, True, id="a label"),
        pytest.param({"matchLabels": {"a": "2"}}, False, id="another value"),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True, id="In"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False, id="NotIn"
        ),
        pytest.param({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False, id="Exists"),
        pytest.param(
            {"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True, id="DoesNotExist"
        ),
    ],
)
def test_label_selectors(selector: Object, matched: bool) -> None:
    assert matches(selector, {"a": "1"}) is matched


def test_a_key_is_taken_once_and_waits_while_it_is_worked_on() -> None:
    queue = Queue()
    queue.add(A)
    queue.add(A)
    assert queue.take() == A
    queue.add(A)
    queue.add(B)
    assert queue.take() == B, "A is busy"
    queue.done(A)
    assert queue.take() == A


def test_the_earlier_time_counts() -> None:
    queue = Queue()
    queue.add(A, delay=60)
    queue.add(A)
    assert queue.take() == A


def test_a_closed_queue_gives_nothing() -> None:
    queue = Queue()
    taken: list[Key | None] = []
    thread = threading.Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    queue.close()
    thread.join(5)
    assert taken == [None]


class Scripted:
    """An API whose watches end as the script says."""

    closed = False

    def __init__(self, *watches: list[tuple[str, Object]]) -> None:
        self.items: list[Object] = []
        self.watches = list(watches)
        self.idle = threading.Event()

    def find_with_version(self, kind: Kind) -> tuple[list[Object], str]:
        return self.items, "1"

    def watch(self, kind: Kind, version: str) -> Iterator[tuple[str, Object]]:
        if self.watches:
            yield from self.watches.pop(0)
            raise ApiError("watch", 0, "broken", "connection lost")
        self.idle.wait(10)

    def close(self) -> None:
        self.idle.set()


def thing(name: str, version: str, **spec: Any) -> Object:
    return {"metadata": {"namespace": "demo", "name": name, "resourceVersion": version}, "spec": spec}


def run(api: Scripted, watch: Watch, wanted: list[Key]) -> list[Key]:
    """The keys that were reconciled until there are as many as wanted."""
    seen: list[Key] = []
    controller = Controller("test", cast(Api, api), [watch], seen.append)
    controller.start()
    try:
        wait_until(
            lambda: len(seen) >= len(wanted) and controller.synced(), what="keys", timeout=5, pause=0.01
        )
    finally:
        controller.stop()
    return seen


def test_a_broken_watch_starts_anew_and_nothing_is_lost() -> None:
    api = Scripted([("ADDED", thing("a", "2"))])
    api.items = [thing("b", "1")]
    # After the break "a" is not in the list any more: it has been deleted meanwhile.
    assert sorted(run(api, Watch(SECRET), [B, A, A])) == [A, A, B]


def test_a_change_of_nothing_relevant_is_ignored() -> None:
    api = Scripted([("ADDED", thing("a", "2", x=1)), ("MODIFIED", thing("a", "3", x=1))])
    api.items = [thing("a", "1", x=1)]
    watch = Watch(SECRET, relevant=lambda obj: obj["spec"])
    assert run(api, watch, [A]) == [A]


def test_an_expired_watch_starts_anew() -> None:
    api = Scripted([("ERROR", {"code": 410, "message": "too old resource version"})])
    api.items = [thing("a", "1")]
    assert run(api, Watch(SECRET), [A]) == [A]


def test_a_failure_is_tried_again() -> None:
    attempts: list[Key] = []

    def reconcile(key: Key) -> float | None:
        attempts.append(key)
        if len(attempts) == 1:
            raise ApiError("PUT", 409, "Conflict", "the object has been modified")
        return None

    api = Scripted()
    api.items = [thing("a", "1")]
    controller = Controller("test", cast(Api, api), [Watch(SECRET)], reconcile)
    controller.start()
    try:
        wait_until(lambda: len(attempts) == 2, what="the second attempt", timeout=5, pause=0.01)
    finally:
        controller.stop()


class Events:
    """An API that takes events."""

    def __init__(self) -> None:
        self.written: dict[str, Object] = {}

    def create(self, kind: Kind, body: Object) -> Object:
        assert kind is EVENT
        self.written[body["metadata"]["name"]] = body
        return body

    def patch(self, kind: Kind, name: str, namespace: str, patch: Object) -> Object:
        self.written[name].update(patch)
        return self.written[name]


INVOLVED: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "demo", "uid": "1", "resourceVersion": "5"},
}


def test_an_event_that_repeats_is_counted() -> None:
    api = Events()
    recorder = Recorder(cast(Api, api), "kubelet")
    for _time in range(3):
        recorder.warn(INVOLVED, "Failed", "no luck")
    assert len(api.written) == 1
    event = next(iter(api.written.values()))
    assert (event["type"], event["reason"], event["message"], event["count"]) == (
        "Warning",
        "Failed",
        "no luck",
        3,
    )
    assert event["source"] == {"component": "kubelet"}
    assert event["involvedObject"]["uid"] == "1"


def test_many_similar_events_are_combined() -> None:
    api = Events()
    recorder = Recorder(cast(Api, api), "kubelet")
    for number in range(14):
        recorder.normal(INVOLVED, "Busy", f"attempt {number}")
    assert len(api.written) == 11
    combined = list(api.written.values())[-1]
    assert (combined["message"], combined["count"]) == ("(combined from similar events): attempt 13", 4)


def test_an_event_is_worth_no_failure() -> None:
    class Refusing(Events):
        def create(self, kind: Kind, body: Object) -> Object:
            raise ApiError("POST", 403, "Forbidden", "namespace demo is being terminated")

    Recorder(cast(Api, Refusing()), "kubelet").normal(INVOLVED, "Started", "x")
