"""All objects, one counter of revisions, and the log of changes that watches read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.kubernetes.embedded.kinds import Place
from lab.kubernetes.embedded.objects import Object

#: Changes that a watch can still catch up with.
_HISTORY = 10_000


@dataclass(frozen=True)
class Change:
    """One write. `before` is None for a new object, `after` is the last state of a removed one."""

    revision: int
    type: str
    place: Place
    before: Object | None
    after: Object


class Store:
    """Objects by place, namespace and name. Whoever reads one must not change it."""

    def __init__(self) -> None:
        self.revision = 1
        self._objects: dict[Place, dict[tuple[str, str], Object]] = {}
        self._log: deque[Change] = deque(maxlen=_HISTORY)
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` after every change; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def get(self, place: Place, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        return self._objects.get(place, {}).get((namespace, name))

    def find(self, place: Place, namespace: str = "") -> list[Object]:
        """The objects of a kind, of one namespace or of all, ordered by namespace and name."""
        items = self._objects.get(place, {})
        return [items[key] for key in sorted(items) if not namespace or key[0] == namespace]

    def everything(self) -> Iterator[tuple[Place, Object]]:
        """All objects of all kinds; the store may change meanwhile."""
        for place in list(self._objects):
            for item in list(self._objects[place].values()):
                yield place, item

    def put(self, place: Place, item: Object) -> Object:
        """Store a new object or a new state of one, and give it a revision."""
        key = _key(item)
        before = self._objects.get(place, {}).get(key)
        stored = self._revised(item)
        self._objects.setdefault(place, {})[key] = stored
        self._publish("MODIFIED" if before else "ADDED", place, before, stored)
        return stored

    def remove(self, place: Place, item: Object) -> Object:
        """Remove an object; the returned last state has the revision of its removal."""
        before = self._objects[place].pop(_key(item))
        last = self._revised(item)
        self._publish("DELETED", place, before, last)
        return last

    def since(self, revision: int) -> list[Change] | None:
        """The changes after a revision, or None when the log does not reach back that far."""
        if self._log and self._log[0].revision > revision + 1:
            return None
        return [change for change in self._log if change.revision > revision]

    def _revised(self, item: Object) -> Object:
        self.revision += 1
        return {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.revision)}}

    def _publish(self, type_: str, place: Place, before: Object | None, after: Object) -> None:
        change = Change(self.revision, type_, place, before, after)
        self._log.append(change)
        for listener in list(self._listeners):
            listener(change)


def _key(item: Object) -> tuple[str, str]:
    return (item["metadata"].get("namespace", ""), item["metadata"]["name"])
