"""JSON values as they are written: numbers, lists and objects keep their text, as in Go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def members(document: str) -> dict[str, str]:
    """The members of an object: strings without their quotes, the rest as text. Raises ValueError."""
    try:
        value = json.loads(document)
    except json.JSONDecodeError as error:
        if error.pos >= len(document):
            raise ValueError("unexpected end of JSON input") from None
        wrong = f"invalid character '{document[error.pos]}' looking for beginning of value"
        raise ValueError(wrong if error.msg == "Expecting value" else error.msg) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        kind = {list: "array", str: "string", bool: "bool"}.get(type(value), "number")
        raise ValueError(f"json: cannot unmarshal {kind} into Go value of type map[string]json.RawMessage")
    return {json.loads(name): _shown(text) for name, text in _parts(document, named=True)}


def find(document: str, path: str) -> str | None:
    """The value at a key as it is written, else at a path of keys and list positions; None for none."""
    try:
        value = json.loads(document)
    except ValueError:
        return None
    text = document.strip(" \t\r\n")
    for name in [path] if isinstance(value, dict) and path in value else path.split("."):
        inside = _inside(text, name)
        if inside is None:
            return None
        text = inside
    return _number(text) if text[:1] in "-0123456789" else _shown(text)


def _inside(text: str, name: str) -> str | None:
    if text.startswith("{"):
        return next((value for key, value in _parts(text, named=True) if json.loads(key) == name), None)
    if text.startswith("[") and name.isdigit():
        return dict(enumerate(value for _name, value in _parts(text, named=False))).get(int(name))
    return None


def _parts(text: str, *, named: bool) -> Iterator[tuple[str, str]]:
    """(name, value) of an object, ("", value) of a list, all as they are written."""
    position, name = _skip(text, text.index("{" if named else "[") + 1), ""
    while text[position] not in "}]":
        if named:
            start, position = position, _DECODER.raw_decode(text, position)[1]
            name = text[start:position]
            position = _skip(text, _skip(text, position) + 1)
        start, position = position, _DECODER.raw_decode(text, position)[1]
        yield name, text[start:position]
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return space.end() if space else position


def _shown(text: str) -> str:
    if text == "null":
        return ""
    return str(json.loads(text)) if text.startswith('"') else text


def _number(text: str) -> str:
    """Integers as written; the others as Go formats a float without an exponent."""
    if re.fullmatch(r"-?\d+", text):
        return text
    return f"{float(text):.17g}" if "e" in repr(float(text)) else repr(float(text)).removesuffix(".0")
