"""Watches: a stream of changes, one JSON document a line."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from lab.kubernetes.embedded.errors import ApiError
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Object
from lab.kubernetes.embedded.selectors import Predicate
from lab.kubernetes.embedded.store import Change, Store

_LONGEST_SECONDS = 1800.0
_BOOKMARK_SECONDS = 30.0
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True)
class Wish:
    """What a client wants to watch."""

    kind: Kind
    namespace: str
    matches: Predicate
    #: Changes after this revision; None: everything that exists now, then changes.
    revision: int | None
    #: Whether the present objects come first, with a bookmark behind them.
    initial_events: bool = False
    bookmarks: bool = False
    seconds: float = _LONGEST_SECONDS

    def concerns(self, item: Object | None) -> bool:
        """Whether the client sees this object."""
        if item is None or (self.namespace and item["metadata"].get("namespace") != self.namespace):
            return False
        return self.matches(item)


async def events(store: Store, wish: Wish) -> AsyncIterator[bytes]:
    """The lines of the stream, until the time is over."""
    queue: asyncio.Queue[Change] = asyncio.Queue()
    stop = store.listen(queue.put_nowait)
    try:
        missed: list[Change] | None = [] if wish.revision is None else store.since(wish.revision)
        if missed is None:
            yield _line("ERROR", _expired(wish.revision, store.revision))
            return
        if wish.revision is None or wish.initial_events:
            for item in store.find(wish.kind.place, wish.namespace):
                if wish.matches(item):
                    yield _event("ADDED", wish.kind, item)
            if wish.initial_events:
                yield _bookmark(wish.kind, store.revision, {_INITIAL_EVENTS_END: "true"})
        else:
            for change in missed:
                for line in _lines(wish, change):
                    yield line
        async for line in _following(store, wish, queue):
            yield line
    finally:
        stop()


async def _following(store: Store, wish: Wish, queue: asyncio.Queue[Change]) -> AsyncIterator[bytes]:
    end = time.monotonic() + min(wish.seconds, _LONGEST_SECONDS)
    while (left := end - time.monotonic()) > 0:
        try:
            change = await asyncio.wait_for(queue.get(), min(left, _BOOKMARK_SECONDS))
        except TimeoutError:
            if wish.bookmarks:
                yield _bookmark(wish.kind, store.revision, {})
            continue
        for line in _lines(wish, change):
            yield line


def _lines(wish: Wish, change: Change) -> list[bytes]:
    """The change as this client sees it: an object can enter and leave its selection."""
    if change.place != wish.kind.place:
        return []
    before, after = wish.concerns(change.before), wish.concerns(change.after)
    if change.type == "DELETED":
        return [_event("DELETED", wish.kind, change.after)] if before or after else []
    if after:
        return [_event("MODIFIED" if before else "ADDED", wish.kind, change.after)]
    if not before or change.before is None:
        return []
    # What leaves the selection is shown as the client knew it, with the version in which it left.
    version = change.after["metadata"]["resourceVersion"]
    known = {**change.before, "metadata": {**change.before["metadata"], "resourceVersion": version}}
    return [_event("DELETED", wish.kind, known)]


def _event(type_: str, kind: Kind, item: Object) -> bytes:
    return _line(type_, {**item, "apiVersion": kind.api_version})


def _bookmark(kind: Kind, revision: int, annotations: Object) -> bytes:
    metadata = {"resourceVersion": str(revision), **({"annotations": annotations} if annotations else {})}
    return _line("BOOKMARK", {"kind": kind.name, "apiVersion": kind.api_version, "metadata": metadata})


def _expired(wanted: int | None, present: int) -> Object:
    return ApiError(410, "Expired", f"too old resource version: {wanted} ({present})").status


def _line(type_: str, item: Object) -> bytes:
    return json.dumps({"type": type_, "object": item}, separators=(",", ":")).encode() + b"\n"
