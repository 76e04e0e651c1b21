"""JSON patch, JSON merge patch and strategic merge patch."""

from __future__ import annotations

import jsonpatch

from lab.kubernetes.embedded import golang
from lab.kubernetes.embedded.errors import ApiError, bad_request, internal
from lab.kubernetes.embedded.objects import Json, Object, clone
from lab.kubernetes.embedded.schema import ANY, Schema

_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def json_patch(target: Object, patch: Json) -> Json:
    """RFC 6902; ApiError when the patch is none (400) or does not fit (422)."""
    if not isinstance(patch, list):
        why = golang.cannot_unmarshal(patch, "[]handlers.jsonPatchOp")
        raise bad_request(f"error decoding patch: {why}")
    try:
        return jsonpatch.JsonPatch(patch).apply(clone(target))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, AttributeError) as error:
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
    for name in [name for name in result if _is_merged_list(schema, patch, name)]:
        before = target.get(name) if isinstance(target, dict) else None
        order = patch.get(_ORDER + name) or patch.get(name) or []
        result[name] = _ordered(schema.child(name) or ANY, result[name], before or [], order)
    return result


def _is_merged_list(schema: Schema, patch: Object, name: str) -> bool:
    child = schema.child(name) or ANY
    merged = bool(child.merge_key or child.is_set)
    return merged and (_ORDER + name in patch or isinstance(patch.get(name), list))


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
            raise internal(
                f"map: {golang.shown(item)} does not contain declared merge key: {schema.merge_key}"
            )
        matches = [other for other in result if other.get(schema.merge_key) == item[schema.merge_key]]
        if item.get("$patch") == "delete":
            result = [other for other in result if other not in matches]
        elif matches:
            merged = strategic_patch(schema.element or ANY, matches[0], item)
            result[result.index(matches[0])] = merged
        else:
            result.append(strategic_patch(schema.element or ANY, {}, item))
    return result


def _ordered(schema: Schema, items: list[Json], before: list[Json], order: list[Json]) -> list[Json]:
    """The items that the patch names in its order, and the others where they stood.

    Where both claims fit, an item that stood in front of another one stays there.
    """
    key = schema.merge_key

    def identity(item: Json) -> Json:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted, known = [identity(item) for item in order], [identity(item) for item in before]
    named = sorted(
        (item for item in items if identity(item) in wanted), key=lambda i: wanted.index(identity(i))
    )
    others = [item for item in items if identity(item) not in wanted]
    result = []
    while named and others:
        ours, theirs = identity(others[0]), identity(named[0])
        first = ours in known and theirs in known and known.index(ours) < known.index(theirs)
        result.append((others if first else named).pop(0))
    return [*result, *named, *others]
