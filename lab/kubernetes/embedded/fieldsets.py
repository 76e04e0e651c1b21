"""Sets of field paths, as managedFields records them (structured-merge-diff of the real server).

A path is a tuple of elements in the notation of FieldsV1: "f:name", "k:{...}" for an item of a list with
keys, "v:value" for an item of a set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from lab.kubernetes.embedded.objects import Json, Object
from lab.kubernetes.embedded.schema import ANY, Schema

Path: TypeAlias = tuple[str, ...]
FieldSet: TypeAlias = frozenset[Path]


class _Absent:
    """Stands for a field that is not there, which differs from null."""


ABSENT = _Absent()


def child_of(schema: Schema, name: str) -> Schema:
    """Schema of a field; a field that nothing is known about is merged by its value's shape."""
    return schema.child(name) or ANY


def is_granular_map(schema: Schema, value: Json) -> bool:
    """Whether the fields of this value have owners of their own."""
    return isinstance(value, dict) and not schema.atomic


def is_granular_list(schema: Schema, value: Json) -> bool:
    """Whether the items of this value have owners of their own."""
    return isinstance(value, list) and bool(schema.keys or schema.is_set) and not schema.atomic


def item_element(schema: Schema, item: Json) -> str:
    """Path element of an item of a granular list; ValueError when the item lacks its keys."""
    if not schema.keys:
        return "v:" + _compact(item)
    defaults = schema.element.defaults if schema.element else {}
    given = item if isinstance(item, dict) else {}
    keys = {key: given.get(key, defaults.get(key)) for key in schema.keys}
    known = {key: value for key, value in keys.items() if value is not None}
    if not known:
        names = " ".join(f'"{key}"' for key in schema.keys)
        raise ValueError(
            f"associative list with keys has an element that omits all key fields [{names}] "
            "(and doesn't have default values for any key fields)"
        )
    return "k:" + _compact(known)


def fields_of(schema: Schema, value: Json) -> FieldSet:
    """All fields that a document sets."""
    return frozenset(_fields(schema, value, ()))


def _fields(schema: Schema, value: Json, path: Path) -> Iterator[Path]:
    if is_granular_map(schema, value):
        for name, item in value.items():
            inner = (*path, f"f:{name}")
            yield from _fields(child_of(schema, name), item, inner)
            if item is None or item == {} or name not in schema.properties:
                yield inner
    elif is_granular_list(schema, value):
        for item in value:
            inner = (*path, item_element(schema, item))
            yield from _fields(schema.element or ANY, item, inner)
            yield inner
    else:
        yield path


@dataclass
class Comparison:
    """What an update did."""

    added: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)

    def note(self, path: Path, old: Json, new: Json) -> None:
        """Record a field that has one owner."""
        if old is ABSENT:
            self.added.add(path)
        elif new is ABSENT:
            self.removed.add(path)
        elif old != new:
            self.modified.add(path)


def compare(schema: Schema, old: Json, new: Json) -> Comparison:
    """The fields that differ between two states of an object."""
    result = Comparison()
    _compare(schema, old, new, (), result)
    return result


def _compare(schema: Schema, old: Json, new: Json, path: Path, result: Comparison) -> None:
    if _both(is_granular_map, schema, old, new):
        left, right = old or {}, new or {}
        left, right = ({} if side is ABSENT else side for side in (left, right))
        for name in {**left, **right}:
            child = child_of(schema, name)
            _compare(child, left.get(name, ABSENT), right.get(name, ABSENT), (*path, f"f:{name}"), result)
    elif _both(is_granular_list, schema, old, new):
        left, right = _indexed(schema, old), _indexed(schema, new)
        for element in {**left, **right}:
            inner = (*path, element)
            _compare(
                schema.element or ANY, left.get(element, ABSENT), right.get(element, ABSENT), inner, result
            )
    else:
        result.note(path, old, new)
        return
    if old is ABSENT or new is ABSENT:
        result.note(path, old, new)


def _both(test: Callable[[Schema, Json], bool], schema: Schema, old: Json, new: Json) -> bool:
    """Whether both sides are granular. A side that is absent or null takes the other's shape; if both are
    empty, they are leaves."""
    present = [side for side in (old, new) if side is not ABSENT and side is not None]
    return any(present) and all(test(schema, side) for side in present)


def _indexed(schema: Schema, items: Json) -> dict[str, Json]:
    return {item_element(schema, item): item for item in items or []} if isinstance(items, list) else {}


def removed(schema: Schema, value: Json, paths: Iterable[Path]) -> Json:
    """The value without these fields; what becomes empty inside goes, too."""
    heads: dict[str, set[Path]] = {}
    for path in paths:
        heads.setdefault(path[0], set()).add(path[1:])
    if is_granular_map(schema, value):
        kept: Object = {}
        for name, item in value.items():
            rests = heads.get(f"f:{name}", set())
            if () not in rests:
                kept[name] = removed(child_of(schema, name), item, rests) if rests else item
        return kept
    if is_granular_list(schema, value):
        items = []
        for item in value:
            rests = heads.get(item_element(schema, item), set())
            if () not in rests:
                items.append(removed(schema.element or ANY, item, rests) if rests else item)
        return items
    return value


def with_named_parents(schema: Schema, paths: Iterable[Path]) -> FieldSet:
    """The paths and all declared fields above them (a value of a free map is no declared field)."""
    result = set()
    for path in paths:
        result.add(path)
        node = schema
        for length, element in enumerate(path[:-1], 1):
            name = element[2:]
            if element.startswith("f:"):
                if name in node.properties:
                    result.add(path[:length])
                node = child_of(node, name)
            else:
                node = node.element or ANY
    return frozenset(result)


def to_fields_v1(paths: Iterable[Path]) -> Object:
    """The JSON form: a tree in which "." marks an owned field that has owned fields below it."""
    root: Object = {}
    for path in sorted(paths):
        node = root
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _without_lonely_dots(root)


def _without_lonely_dots(node: Object) -> Object:
    if set(node) == {"."}:
        return {}
    return {name: _without_lonely_dots(item) if name != "." else {} for name, item in node.items()}


def from_fields_v1(tree: Object) -> FieldSet:
    """The paths of a JSON form."""
    return frozenset(_paths(tree, ()))


def _paths(tree: Object, path: Path) -> Iterator[Path]:
    if path and (not tree or "." in tree):
        yield path
    for element, item in tree.items():
        if element != ".":
            yield from _paths(item, (*path, element))


def tree_order(path: Path) -> tuple[tuple[bool, str], ...]:
    """Key by which paths are sorted as a walk through the tree meets them: of each node, leaves first."""
    return tuple((length < len(path), element) for length, element in enumerate(path, 1))


def text_of(path: Path) -> str:
    """A path as messages about conflicts have it, for example .spec.containers[name="c"].image."""
    return "".join(_element_text(element) for element in path)


def _element_text(element: str) -> str:
    if element.startswith("f:"):
        return f".{element[2:]}"
    if element.startswith("v:"):
        return f"[={element[2:]}]"
    keys = json.loads(element[2:])
    return "[" + ",".join(f"{key}={_compact(value)}" for key, value in keys.items()) + "]"


def _compact(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
