"""The loop of every controller: watch some kinds, and reconcile what their changes concern."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lab.standins.api.client import Api, ApiError
from lab.standins.api.kinds import Kind
from lab.standins.api.objects import Key, Object, key_of

#: Seconds after the first failure, doubled by each further one. Controllers of a cluster go up to minutes.
FIRST_RETRY = 1.0
LAST_RETRY = 15.0


class KnownError(Exception):
    """Raised by a reconcile that failed for a reason which it has already told."""


def _own_key(obj: Object) -> Iterable[Key]:
    return [key_of(obj)]


def _version(obj: Object) -> object:
    return obj["metadata"].get("resourceVersion")


@dataclass(frozen=True)
class Watch:
    """A kind to watch, and which keys a change concerns.

    An object whose `relevant` part is as it was concerns none.
    """

    kind: Kind
    keys: Callable[[Object], Iterable[Key]] = _own_key
    relevant: Callable[[Object], object] = _version


class Queue:
    """Keys that wait for their turn: each once, none while it is being worked on."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._busy: set[Key] = set()
        self._closed = False
        self._changed = threading.Condition()

    def add(self, key: Key, delay: float = 0) -> None:
        """Let `key` be taken in `delay` seconds, or earlier when it was to be taken earlier."""
        due = time.monotonic() + delay
        with self._changed:
            self._due[key] = min(due, self._due.get(key, due))
            self._changed.notify()

    def take(self) -> Key | None:
        """Wait for a key, which is the caller's until `done`; None once the queue is closed."""
        with self._changed:
            while not self._closed:
                waiting = [(due, key) for key, due in self._due.items() if key not in self._busy]
                due, key = min(waiting, default=(float("inf"), None))
                if key and due <= time.monotonic():
                    del self._due[key]
                    self._busy.add(key)
                    return key
                self._changed.wait(due - time.monotonic() if key else None)
            return None

    def done(self, key: Key) -> None:
        """Give `key` back."""
        with self._changed:
            self._busy.discard(key)
            self._changed.notify()

    def close(self) -> None:
        """Wake everybody who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Controller:
    """Watches, and calls `reconcile(key)` until the world is as it should be.

    `reconcile` returns the seconds after which it wants to look again, or None. When it raises, it is called
    again after a growing pause.
    """

    def __init__(
        self,
        name: str,
        api: Api,
        watches: Sequence[Watch],
        reconcile: Callable[[Key], float | None],
        workers: int = 1,
    ) -> None:
        self.name = name
        self.queue = Queue()
        self._api = api
        self._reconcile = reconcile
        self._failures: dict[Key, int] = {}
        self._stopped = threading.Event()
        self._log = logging.getLogger(f"lab.standins.{name}")
        self._unsynced = {watch.kind.name for watch in watches}
        self._threads = [
            *(self._thread(self._follow, watch.kind.plural, watch) for watch in watches),
            *(self._thread(self._work, f"worker-{number}") for number in range(workers)),
        ]

    def start(self) -> None:
        """Start all threads."""
        for thread in self._threads:
            thread.start()

    def synced(self) -> bool:
        """Whether everything that existed at the start has been seen."""
        return not self._unsynced

    def stop(self) -> None:
        """Let no further reconcile start, and wait for those that run."""
        self._stopped.set()
        self.queue.close()
        self._api.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(5)

    def _thread(self, target: Callable[..., None], part: str, *args: object) -> threading.Thread:
        return threading.Thread(target=target, args=args, name=f"{self.name}-{part}", daemon=True)

    def _follow(self, watch: Watch) -> None:
        seen: dict[Key, Object] = {}
        while not self._stopped.is_set():
            try:
                version = self._relist(watch, seen)
                self._unsynced.discard(watch.kind.name)
                while not self._stopped.is_set():
                    version = self._stream(watch, seen, version)
            except ApiError as error:
                if not self._api.closed:
                    self._log.info("watching %s starts anew: %s", watch.kind.plural, error)
                    self._stopped.wait(0.2)

    def _relist(self, watch: Watch, seen: dict[Key, Object]) -> str:
        items, version = self._api.find_with_version(watch.kind)
        current = {key_of(item): item for item in items}
        for key in seen.keys() - current.keys():
            self._changed(watch, seen, seen[key], gone=True)
        for item in current.values():
            self._changed(watch, seen, item)
        return version

    def _stream(self, watch: Watch, seen: dict[Key, Object], version: str) -> str:
        for event, obj in self._api.watch(watch.kind, version):
            if event == "ERROR":
                raise ApiError(
                    f"watch {watch.kind.plural}", obj.get("code", 0), "ERROR", obj.get("message", "")
                )
            version = obj["metadata"]["resourceVersion"]
            if event != "BOOKMARK":
                self._changed(watch, seen, obj, gone=event == "DELETED")
        return version

    def _changed(self, watch: Watch, seen: dict[Key, Object], obj: Object, gone: bool = False) -> None:
        key = key_of(obj)
        before = seen.get(key)
        if gone or before is None or watch.relevant(before) != watch.relevant(obj):
            # The object as it was counts, too: it may have concerned another key.
            for concerned in {*watch.keys(obj), *(watch.keys(before) if before else ())}:
                self.queue.add(concerned)
        # Last, so that a change whose keys could not be found is met again.
        if gone:
            seen.pop(key, None)
        else:
            seen[key] = obj

    def _work(self) -> None:
        while (key := self.queue.take()) is not None:
            try:
                delay = self._reconcile(key)
                self._failures.pop(key, None)
            except Exception as error:  # whatever a controller meets, it tries again
                delay = self._retry(key, error)
            finally:
                self.queue.done(key)
            if delay is not None:
                self.queue.add(key, delay)

    def _retry(self, key: Key, error: Exception) -> float:
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        known = isinstance(error, ApiError | KnownError)
        self._log.warning("%s/%s: %s", *key, error, exc_info=None if known else error)
        if isinstance(error, ApiError) and error.reason == "Conflict" and count < 3:
            return 0
        return float(min(FIRST_RETRY * 2**count, LAST_RETRY))
