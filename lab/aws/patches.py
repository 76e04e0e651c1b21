"""Changes to moto's classes that can be taken back."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

_ABSENT = object()


class Patches:
    """Replaces attributes and entries; `undo` restores them in reverse order."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set `owner.name`, on the class or module itself."""
        before = vars(owner).get(name, _ABSENT)
        setattr(owner, name, value)
        self._undo.append(lambda: delattr(owner, name) if before is _ABSENT else setattr(owner, name, before))

    def entry(self, mapping: MutableMapping[str, Any], key: str, value: Any) -> None:
        """Set `mapping[key]`."""
        before = mapping.get(key, _ABSENT)
        mapping[key] = value

        def undo() -> None:
            if before is _ABSENT:
                del mapping[key]
            else:
                mapping[key] = before

        self._undo.append(undo)

    def around(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        """Put `wrapper(original, self, ...)` around the method `owner.name`."""
        original = getattr(owner, name)

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return wrapper(original, self, *args, **kwargs)

        self.attribute(owner, name, method)

    def undo(self) -> None:
        """Take back everything."""
        while self._undo:
            self._undo.pop()()
