"""A custom object against the schema of its definition, as the real server's OpenAPI validation judges it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from lab.kubernetes.embedded.decoding import WrongTypeError, parse_time
from lab.kubernetes.embedded.errors import (
    Problem,
    duplicate,
    invalid_value,
    not_supported,
    required,
    too_long,
    too_many,
    type_invalid,
)
from lab.kubernetes.embedded.fieldsets import item_element
from lab.kubernetes.embedded.objects import Json, Object
from lab.kubernetes.embedded.schema import Schema

_GO_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}


def custom_object(schema: Schema, item: Object, subresource: str) -> list[Problem]:
    """Problems of a whole object, or of its status; its metadata has been judged already."""
    if subresource == "status":
        # Messages about a status call its fields by their names within it.
        found = _problems(schema.properties.get("status") or Schema(), item.get("status", {}), "")
        return [replace(problem, field=f"status.{problem.field}".rstrip(".")) for problem in found]
    return list(_problems(schema, {name: value for name, value in item.items() if name != "metadata"}, ""))


def _problems(schema: Schema, value: Json, field: str) -> Iterator[Problem]:
    if value is None:
        if not schema.nullable and schema.type:
            yield _wrong_type(schema, "null", field)
        return
    enum = schema.rules.get("enum")
    if enum is not None and value not in enum:
        yield not_supported(
            field, value, [item if isinstance(item, str) else json.dumps(item) for item in enum]
        )
    if not _fits(schema, value):
        yield _wrong_type(schema, _GO_NAMES[type(value)], field)
        return
    if isinstance(value, dict):
        yield from _object_problems(schema, value, field)
    elif isinstance(value, list):
        yield from _list_problems(schema, value, field)
    elif isinstance(value, str):
        yield from _text_problems(schema, value, field)
    elif not isinstance(value, bool):
        yield from _number_problems(schema, value, field)


def _fits(schema: Schema, value: Json) -> bool:
    kind = _GO_NAMES[type(value)]
    if schema.type == "number":
        return kind in ("integer", "number")
    if schema.type == "int-or-string":
        return kind in ("integer", "string")
    if schema.type == "integer" and isinstance(value, float):
        return value.is_integer()
    return not schema.type or kind == schema.type


def _wrong_type(schema: Schema, kind: str, field: str) -> Problem:
    wanted = "integer,string" if schema.type == "int-or-string" else schema.type
    return type_invalid(field, kind, f'{field} in body must be of type {wanted}: "{kind}"')


def _object_problems(schema: Schema, value: Object, field: str) -> Iterator[Problem]:
    prefix = f"{field}." if field else ""
    for name in sorted(schema.required):
        if name not in value:
            yield required(f"{prefix}{name}")
    least, most = schema.rules.get("minProperties"), schema.rules.get("maxProperties")
    if least is not None and len(value) < least:
        yield invalid_value(field, len(value), f"{field} in body should have at least {least} properties")
    if most is not None and len(value) > most:
        yield too_many(field, len(value), most)
    for name, item in value.items():
        child = schema.child(name)
        if child is not None:
            yield from _problems(child, item, f"{prefix}{name}")


def _list_problems(schema: Schema, value: list[Json], field: str) -> Iterator[Problem]:
    least, most = schema.rules.get("minItems"), schema.rules.get("maxItems")
    if least is not None and len(value) < least:
        yield invalid_value(field, len(value), f"{field} in body should have at least {least} items")
    if most is not None and len(value) > most:
        yield too_many(field, len(value), most)
    seen: set[str] = set()
    for index, item in enumerate(value):
        where = f"{field}[{index}]"
        yield from _problems(schema.element or Schema(), item, where)
        if schema.keys or schema.is_set:
            yield from _repeated(schema, item, where, seen)


def _repeated(schema: Schema, item: Json, field: str, seen: set[str]) -> Iterator[Problem]:
    try:
        element = item_element(schema, item)
    except ValueError:
        return
    if element in seen:
        shown = {key: item[key] for key in schema.keys if key in item} if schema.keys else item
        yield duplicate(field, shown)
    seen.add(element)


def _text_problems(schema: Schema, value: str, field: str) -> Iterator[Problem]:
    rules = schema.rules
    pattern, least = rules.get("pattern"), rules.get("minLength", 0)
    # Of these three, the first that fails is reported.
    if len(value) > rules.get("maxLength", len(value)):
        yield too_long(field, rules["maxLength"])
    elif len(value) < least:
        yield invalid_value(field, value, f"{field} in body should be at least {least} chars long")
    elif pattern and not _compiled(pattern).search(value):
        yield invalid_value(field, value, f"{field} in body should match '{pattern}'")
    if rules.get("format") == "date-time":
        try:
            parse_time(value)
        except WrongTypeError:
            yield type_invalid(field, value, f'{field} in body must be of type date-time: "{value}"')


def _number_problems(schema: Schema, value: float, field: str) -> Iterator[Problem]:
    least, most = schema.rules.get("minimum"), schema.rules.get("maximum")
    if least is not None and value < least:
        yield invalid_value(field, value, f"{field} in body should be greater than or equal to {least}")
    if most is not None and value > most:
        yield invalid_value(field, value, f"{field} in body should be less than or equal to {most}")


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Go allows flags anywhere; Python wants them in front.
    flags = "(?i)" if "(?i)" in pattern else ""
    return re.compile(flags + pattern.replace("(?i)", "", 1) if flags else pattern)
