"""From what a client sent to an object of its kind: types, unknown fields, empty values, simple defaults.

Built-in kinds are read as the real server's Go structures are: a wrong type is an error at once, empty values
are left out. Custom kinds are pruned and defaulted; their types are judged later, by the schema.
"""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.kubernetes.embedded import golang, quantities
from lab.kubernetes.embedded.builtin import builtin
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Json, Object, clone
from lab.kubernetes.embedded.schema import Schema

_GO_TYPES = {
    "string": "string",
    "integer": "int32",
    "number": "float64",
    "boolean": "bool",
    "quantity": "resource.Quantity",
    "int-or-string": "intstr.IntOrString",
    "time": "v1.Time",
    "bytes": "[]uint8",
}


class WrongTypeError(Exception):
    """A value cannot be read into the field it was given for."""


@dataclass
class Decoded:
    """An object, and the paths of fields that its kind does not have."""

    object: Object
    unknown: list[str] = field(default_factory=list)

    @property
    def strict_errors(self) -> list[str]:
        """What strict field validation says."""
        return [f'unknown field "{path}"' for path in self.unknown]


def decode(kind: Kind, raw: Object) -> Decoded:
    """Read a whole object; WrongTypeError when a field of a built-in structure has another type."""
    decoded = Decoded({})
    if kind.custom:
        body = {name: value for name, value in raw.items() if name != "metadata"}
        decoded.object = _prune(kind.schema, clone(body), "", decoded)
        metadata = raw.get("metadata")
        if metadata is not None:
            # Metadata is a built-in structure in every kind.
            decoded.object["metadata"] = _Reader(decoded).read(
                builtin("V1ObjectMeta"), metadata, "metadata", ("",)
            )
        apply_defaults(kind.schema, decoded.object)
        decoded.unknown.sort()
    else:
        decoded.object = _Reader(decoded).read(kind.schema, raw, "", ("",))
    decoded.object.setdefault("metadata", {})
    decoded.object["apiVersion"] = kind.api_version
    decoded.object["kind"] = kind.name
    return decoded


class _Reader:
    """Reads built-in structures."""

    def __init__(self, decoded: Decoded) -> None:
        self._decoded = decoded

    def read(self, schema: Schema, value: Json, path: str, names: tuple[str, ...]) -> Json:
        """The value in its canonical form; `names` is the path without list indices, as messages have it."""
        if schema.type == "object":
            return self._structure(schema, value, path, names)
        if schema.type == "array":
            if not isinstance(value, list):
                raise _mismatch(schema, value, names)
            element = schema.element or Schema()
            return [self.read(element, item, f"{path}[{index}]", names) for index, item in enumerate(value)]
        return _scalar(schema, value, names)

    def _structure(self, schema: Schema, value: Json, path: str, names: tuple[str, ...]) -> Object:
        if not isinstance(value, dict):
            raise _mismatch(schema, value, names)
        result: Object = {}
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            child = schema.child(name)
            if child is None:
                self._decoded.unknown.append(inner)
                continue
            if item is None:
                continue
            within = names if schema.is_map else (schema.struct, *names[1:], name)
            read = self.read(child, item, inner, within)
            if schema.is_map or _is_written(schema, name, child, read):
                result[name] = read
        return self._completed(schema, result)

    def _completed(self, schema: Schema, result: Object) -> Object:
        for name in schema.always:
            if name not in result:
                result[name] = self._completed(schema.properties[name], {})
        for name, default in schema.defaults.items():
            if name not in result:
                result[name] = clone(default)
        return result


def _is_written(schema: Schema, name: str, child: Schema, value: Json) -> bool:
    """Whether the real server writes the field, or leaves it out because it is empty."""
    if name in schema.required:
        return True
    if child.type in ("string", "bytes", "time"):
        return value != "" or name in schema.empty_kept
    if child.type in ("integer", "number", "boolean"):
        return bool(value) or name not in schema.zero_omitted
    if child.type == "array" or child.is_map:
        return bool(value)
    return True


def _scalar(schema: Schema, value: Json, names: tuple[str, ...]) -> Json:
    if schema.type in _CHECKS and not _CHECKS[schema.type](value):
        raise _mismatch(schema, value, names)
    if schema.type == "quantity":
        try:
            return quantities.canonical(value)
        except ValueError as error:
            raise WrongTypeError(str(error)) from error
    if schema.type == "bytes":
        return _base64(value)
    if schema.type == "time":
        return parse_time(value)
    return clone(value)


def _is_integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return _is_integer(value) or isinstance(value, float)


_CHECKS: Mapping[str, Callable[[Json], bool]] = {
    "string": lambda value: isinstance(value, str),
    "bytes": lambda value: isinstance(value, str),
    "time": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "quantity": lambda value: isinstance(value, str) or _is_number(value),
    "int-or-string": lambda value: isinstance(value, str) or _is_integer(value),
}


def _base64(value: str) -> str:
    try:
        return base64.b64encode(base64.b64decode(value, validate=True)).decode()
    except binascii.Error as error:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
        at = next(
            (index for index, letter in enumerate(value) if letter not in alphabet), len(value) // 4 * 4
        )
        raise WrongTypeError(f"illegal base64 data at input byte {at}") from error


def parse_time(value: str) -> str:
    """A time in the form in which it is written; WrongTypeError when it is none."""
    try:
        moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError as error:
        text = f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"'
        raise WrongTypeError(text) from error
    if moment.microsecond or len(value) > len("2006-01-02T15:04:05Z"):
        return value
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _mismatch(schema: Schema, value: Json, names: tuple[str, ...]) -> WrongTypeError:
    wanted = _GO_TYPES.get(schema.type) or _go_type(schema)
    where = f"Go struct field {names[0]}.{'.'.join(names[1:])}" if len(names) > 1 else "Go value"
    return WrongTypeError(f"json: cannot unmarshal {golang.json_kind(value)} into {where} of type {wanted}")


def _go_type(schema: Schema) -> str:
    if schema.type == "array" and schema.element:
        return "[]" + (_GO_TYPES.get(schema.element.type) or _go_type(schema.element))
    if schema.is_map and schema.element:
        return "map[string]" + (_GO_TYPES.get(schema.element.type) or _go_type(schema.element))
    return f"v1.{schema.struct}"


def _prune(schema: Schema, value: Json, path: str, decoded: Decoded) -> Json:
    """Drop the fields of a custom object that its schema does not have."""
    if isinstance(value, list) and schema.element and schema.type == "array":
        return [_prune(schema.element, item, f"{path}[{index}]", decoded) for index, item in enumerate(value)]
    if not isinstance(value, dict) or (schema.type not in ("", "object")):
        return value
    result: Object = {}
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        child = schema.child(name)
        if child is not None:
            result[name] = _prune(child, item, inner, decoded)
        elif schema.preserve_unknown or (schema.embedded and name in ("apiVersion", "kind", "metadata")):
            result[name] = item
        else:
            decoded.unknown.append(inner)
    return result


def apply_defaults(schema: Schema, value: Json) -> None:
    """Fill the defaults of a custom object in place, and drop nulls where there may be none."""
    if isinstance(value, list):
        for item in value:
            apply_defaults(schema.element or Schema(), item)
    if not isinstance(value, dict):
        return
    for name, default in schema.defaults.items():
        child = schema.properties[name]
        if name not in value or (value[name] is None and not child.nullable):
            value[name] = clone(default)
    for name, item in list(value.items()):
        child_schema = schema.child(name)
        if child_schema is None:
            continue
        if item is None and child_schema.type and not child_schema.nullable:
            del value[name]
        else:
            apply_defaults(child_schema, item)
