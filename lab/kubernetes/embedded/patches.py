"""JSON patch, JSON merge patch and strategic merge patch."""

from __future__ import annotations

import jsonpatch

from lab.kubernetes.embedded.errors import ApiError, bad_request, internal
from lab.kubernetes.embedded.objects import Json, Object, clone
from lab.kubernetes.embedded.schema import ANY, Schema

_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def json_patch(target: Object, patch: Json) -> Json:
    """RFC 6902; ApiError when the patch is none (400) or does not fit (422)."""
    try:
        operations = jsonpatch.JsonPatch(patch)
    except (jsonpatch.JsonPatchException, TypeError, AttributeError) as error:
        raise bad_request(f"error decoding patch: {error}") from error
    try:
        return operations.apply(clone(target))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise ApiError(
            422, "Invalid", "the server rejected our request due to an error in our request", {}
        ) from error


def merge_patch(target: Json, patch: Json) -> Json:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return clone(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def strategic_patch(schema: Schema, target: Json, patch: Object) -> Json:
    """Merge lists of objects by the key that their schema names, and obey $ directives."""
    directive = patch.get("$patch")
    if directive == "replace":
        return {name: clone(value) for name, value in patch.items() if not name.startswith("$")}
    if directive == "delete":
        return {}
    result = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        result = {name: value for name, value in result.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name.startswith(_DELETE):
            _delete_values(result, name.removeprefix(_DELETE), value)
        elif not name.startswith("$"):
            _patch_field(schema, result, name, value)
    for name, order in patch.items():
        if name.startswith(_ORDER):
            _reorder(schema, result, name.removeprefix(_ORDER), order)
    return result


def _delete_values(result: Object, name: str, values: list[Json]) -> None:
    result[name] = [item for item in result.get(name) or [] if item not in values]


def _patch_field(schema: Schema, result: Object, name: str, value: Json) -> None:
    child = schema.child(name) or ANY
    if value is None:
        result.pop(name, None)
    elif isinstance(value, dict):
        result[name] = strategic_patch(child, result.get(name), value)
    elif isinstance(value, list) and child.merge_key:
        result[name] = _merge_items(child, result.get(name) or [], value)
    elif isinstance(value, list) and child.is_set:
        present = result.get(name) or []
        result[name] = present + [item for item in value if item not in present]
    else:
        result[name] = clone(value)


def _merge_items(schema: Schema, present: list[Json], patch: list[Json]) -> list[Json]:
    directives = [item for item in patch if isinstance(item, dict) and set(item) == {"$patch"}]
    items = [item for item in patch if item not in directives]
    if {"$patch": "replace"} in directives:
        return [clone(item) for item in items]
    result = list(present)
    for item in items:
        if not isinstance(item, dict) or schema.merge_key not in item:
            raise internal(f"map: {item} does not contain declared merge key: {schema.merge_key}")
        matches = [other for other in result if other.get(schema.merge_key) == item[schema.merge_key]]
        if item.get("$patch") == "delete":
            result = [other for other in result if other not in matches]
        elif matches:
            merged = strategic_patch(schema.element or ANY, matches[0], item)
            result[result.index(matches[0])] = merged
        else:
            result.append(strategic_patch(schema.element or ANY, {}, item))
    return result


def _reorder(schema: Schema, result: Object, name: str, order: list[Json]) -> None:
    """Put the named items in the order given; items that it does not name keep their place behind them."""
    child = schema.child(name) or ANY
    items = result.get(name)
    if not items:
        return
    key = child.merge_key
    wanted = [item[key] if isinstance(item, dict) else item for item in order]

    def position(item: Json) -> int:
        value = item.get(key) if isinstance(item, dict) else item
        return wanted.index(value) if value in wanted else len(wanted)

    result[name] = sorted(items, key=position)
