"""Server-side apply's merge of what is wanted into what is there, and its check of what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lab.kubernetes.embedded import golang
from lab.kubernetes.embedded.errors import internal
from lab.kubernetes.embedded.fieldsets import (
    ABSENT,
    child_of,
    is_granular_list,
    is_granular_map,
    item_element,
    text_of,
)
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Json, Object, clone, dig
from lab.kubernetes.embedded.schema import ANY, Schema

_SCALARS: Mapping[str, tuple[Callable[[Json], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "expected string"),
    "bytes": (lambda value: isinstance(value, str), "expected string"),
    "time": (lambda value: isinstance(value, str), "expected string"),
    "boolean": (lambda value: isinstance(value, bool), "expected boolean"),
    "integer": (
        lambda value: isinstance(value, int | float) and not isinstance(value, bool),
        "expected numeric (int or float)",
    ),
}
_GO_NAMES = {str: "string", bool: "bool", int: "int64", float: "float64"}


def merged(schema: Schema, live: Json, config: Json) -> Json:
    """The live value with what the configuration sets."""
    if config is ABSENT:
        return live
    if is_granular_map(schema, config):
        present = live if isinstance(live, dict) else {}
        result = dict(present)
        for name, item in config.items():
            result[name] = merged(child_of(schema, name), present.get(name, ABSENT), item)
        return result
    if is_granular_list(schema, config):
        return _merged_items(schema, live if isinstance(live, list) else [], config)
    return clone(config)


def _merged_items(schema: Schema, live: list[Json], config: list[Json]) -> list[Json]:
    """Items of the configuration in its order; items that only the live list has stay where they stood."""
    present = {item_element(schema, item): item for item in live}
    wanted = {item_element(schema, item): item for item in config}
    result: list[Json] = []
    pending = list(wanted)
    element = schema.element or ANY

    def take(key: str) -> None:
        pending.remove(key)
        result.append(merged(element, present.get(key, ABSENT), wanted[key]))

    for key, item in present.items():
        if key not in wanted:
            result.append(item)
        elif key in pending:
            while pending[0] != key:
                take(pending[0])
            take(key)
    while pending:
        take(pending[0])
    return result


def check_configuration(kind: Kind, config: Object) -> None:
    """ApiError 500, as the real server answers, when the configuration does not fit the kind."""
    errors = list(_errors(kind.schema, config, ()))
    if errors:
        name = "/".join(str(dig(config, "metadata", key) or "") for key in ("namespace", "name"))
        subject = f"{name}; {kind.group}/{kind.version}, Kind={kind.name}"
        said = errors[0] if len(errors) == 1 else "errors:\n" + "\n".join(f"  {error}" for error in errors)
        raise internal(f"failed to create typed patch object ({subject}): {said}")


def _errors(schema: Schema, value: Json, path: tuple[str, ...]) -> Iterator[str]:
    if value is None:
        return
    if schema.type == "object":
        yield from _map_errors(schema, value, path)
    elif schema.type == "array":
        yield from _list_errors(schema, value, path)
    elif schema.type in _SCALARS:
        fits, expected = _SCALARS[schema.type]
        if not fits(value):
            shown = f"&value.valueUnstructured{{Value:{golang.shown(value)}}}"
            if schema.type == "integer":
                shown = _GO_NAMES.get(type(value), "map")
            yield f"{text_of(path)}: {expected}, got {shown}"


def _map_errors(schema: Schema, value: Json, path: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{text_of(path)}: expected map, got &{{{golang.shown(value)}}}"
        return
    for name, item in value.items():
        inner = (*path, f"f:{name}")
        child = schema.child(name)
        if child is not None:
            yield from _errors(child, item, inner)
        elif not (schema.preserve_unknown or schema.embedded):
            yield f"{text_of(inner)}: field not declared in schema"


def _list_errors(schema: Schema, value: Json, path: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{text_of(path)}: expected list, got &{{{golang.shown(value)}}}"
        return
    seen = set()
    for index, item in enumerate(value):
        element = f"v:{index}"
        if schema.keys or schema.is_set:
            try:
                element = item_element(schema, item)
            except ValueError as error:
                yield f"{text_of(path)}: element {index}: {error}"
                continue
            if element in seen:
                yield f"{text_of(path)}: duplicate entries for key {text_of((element,))}"
            seen.add(element)
        yield from _errors(schema.element or ANY, item, (*path, element))
