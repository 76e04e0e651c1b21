"""How Go words what the real server quotes: values, and what its decoders could not read."""

from __future__ import annotations

import json

import yaml

from lab.kubernetes.embedded.objects import Json

MAP = "map[string]interface {}"
#: Where every object of the API begins to be read.
TYPE_META = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)
_SUMMARY = 30
#: What Go expects where Python's decoder says this.
_EXPECTED = {
    "Expecting property name": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
    "Extra data": "after top-level value",
    "Invalid control character": "in string literal",
}


def shown(value: Json) -> str:
    """A value as %v shows it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{shown(item)}" for name, item in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(shown, value)) + "]"
    words = {True: "true", False: "false", None: "<nil>"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def json_kind(value: Json) -> str:
    """The kind of a JSON value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return f"number {value}"
    names = {str: "string", int: "number", dict: "object", list: "array"}
    return names.get(type(value), "null")


def cannot_unmarshal(value: Json, wanted: str) -> str:
    """A JSON value was read into something of another type."""
    return f"json: cannot unmarshal {json_kind(value)} into Go value of type {wanted}"


def json_error(error: json.JSONDecodeError) -> str:
    """Why a text is no JSON."""
    if error.msg.startswith("Illegal trailing comma"):
        # Newer Pythons stop at the comma, Go and older ones behind it.
        rest = error.doc[error.pos + 1 :].lstrip()
        wanted = "object key string" if rest.startswith("}") else "value"
        return f"invalid character '{rest[0]}' looking for beginning of {wanted}"
    rest = error.doc[error.pos :].lstrip()
    if not rest or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    where = next((text for start, text in _EXPECTED.items() if error.msg.startswith(start)), None)
    return f"invalid character '{rest[0]}' {where or 'looking for beginning of value'}"


def yaml_error(error: yaml.YAMLError) -> str:
    """Why a text is no YAML."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return str(error)
    line = (error.context_mark.line if error.context_mark else 0) or error.problem_mark.line
    # As in Go's parser, the first line is no line, and only some errors count from one.
    if line and isinstance(error, yaml.scanner.ScannerError):
        line += 1
    return f"yaml: {f'line {line}: ' if line else ''}{error.problem}"


def summary(content: bytes) -> str:
    """The beginning of a body, in hexadecimal digits where it is no object."""
    if not content:
        return "<empty>"
    head, more = content[:_SUMMARY], " ..." if len(content) > _SUMMARY else ""
    return (head.decode(errors="replace") if content.startswith(b"{") else head.hex()) + more
