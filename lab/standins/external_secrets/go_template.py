"""The part of Go's text/template that External Secrets' templates use, with Go's error texts.

Actions are pipelines of fields, literals and functions: `{{ .key | replace "+" "%20" | quote }}`.
Control structures, variables and most functions are not supported, and say so.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

_ACTION = re.compile(r"\{\{(- )?(.*?)( -)?\}\}", re.DOTALL)
_COMMENT = re.compile(r"\s*/\*.*\*/\s*", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<raw>`[^`]*`)
      | (?P<number>-?\d+(?:\.\d+)?)(?![\w.])
      | (?P<field>\.(?:[A-Za-z_]\w*)?)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<mark>[|()])
    )""",
    re.VERBOSE,
)
_LISTED = Path(__file__).with_name("go_functions.txt").read_text().splitlines()
_OF_THE_REAL_ONE = {name for line in _LISTED if not line.startswith("#") for name in line.split()}
_CONTROL = {"if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"}


class TemplateError(Exception):
    """A template could not be parsed or executed."""


class ParseError(TemplateError):
    """A template is not one."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def _base64_decoded(text: object) -> str:
    try:
        return base64.b64decode(str(text), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        # Sprig hands the error on as text.
        return f"illegal base64 data: {error}"


def _to_string(value: object) -> str:
    return str(value)


FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "b64dec": _base64_decoded,
    "b64enc": lambda text: base64.b64encode(str(text).encode()).decode(),
    "default": lambda fallback, value: value or fallback,
    "lower": lambda text: str(text).lower(),
    "quote": lambda *values: " ".join(json.dumps(str(value), ensure_ascii=False) for value in values),
    "replace": lambda old, new, text: str(text).replace(old, new),
    "toString": _to_string,
    "trim": lambda text: str(text).strip(),
    "upper": lambda text: str(text).upper(),
    "urlquery": lambda *values: quote_plus("".join(map(str, values)), safe=""),
}


def render(name: str, template: str, data: Mapping[str, str]) -> str:
    """The text of `template` with `data`; a key that is missing is an error. Raises TemplateError."""
    output, end, trim = "", 0, False
    for action in _ACTION.finditer(template):
        text = template[end : action.start()]
        text = text.lstrip() if trim else text
        output += text.rstrip() if action[1] else text
        end, trim = action.end(), bool(action[3])
        if not _COMMENT.fullmatch(action[2]):
            output += _shown(_Pipeline(name, template, data, action.start(2), action.end(2)).value())
    rest = template[end:]
    if "{{" in rest:
        raise ParseError(f"template: {name}:{_line(template, len(template))}: unclosed action")
    return output + (rest.lstrip() if trim else rest)


def _shown(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _line(template: str, position: int) -> int:
    return template.count("\n", 0, position) + 1


class _Pipeline:
    """One action, evaluated while it is read."""

    def __init__(self, name: str, template: str, data: Mapping[str, str], start: int, end: int) -> None:
        self._name = name
        self._template = template
        self._data = data
        self._tokens = self._read(start, end)
        self._next = 0
        self._check()

    def value(self) -> object:
        if not self._tokens:
            raise self._parse_error("missing value for command", 0)
        value = self._piped()
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            raise self._parse_error(f"unexpected {token.text!r} in command", token.position)
        return value

    def _read(self, start: int, end: int) -> Sequence[_Token]:
        tokens = []
        while start < end and self._template[start:end].strip():
            match = _TOKEN.match(self._template, start, end)
            if match is None or match.lastgroup is None:
                first = self._template[start:end].strip()[0]
                if first == "$":
                    raise self._parse_error("variables are not supported by the laboratory", start)
                raise self._parse_error(f"unexpected {first!r} in command", start)
            tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
            start = match.end()
        return tokens

    def _check(self) -> None:
        # Go looks functions up while it parses, so an unknown one is found before a missing key.
        for token in self._tokens:
            if token.kind == "word" and token.text in _CONTROL:
                raise self._parse_error(f"{token.text!r} is not supported by the laboratory", token.position)
            if token.kind == "word" and token.text in _OF_THE_REAL_ONE - FUNCTIONS.keys():
                raise self._parse_error(f"the laboratory has no function {token.text}", token.position)
            if token.kind == "word" and token.text not in {*FUNCTIONS, "true", "false"}:
                raise self._parse_error(f'function "{token.text}" not defined', token.position)

    def _piped(self) -> object:
        value = self._command(())
        while self._accept("|"):
            value = self._command((value,))
        return value

    def _command(self, piped: tuple[object, ...]) -> object:
        token = self._peek()
        if token is None:
            raise self._parse_error("missing value for command", len(self._template))
        if token.kind == "word" and token.text in FUNCTIONS:
            self._next += 1
            arguments = []
            while (following := self._peek()) and following.text not in {"|", ")"}:
                arguments.append(self._operand())
            return self._call(token, [*arguments, *piped])
        if piped:
            raise self._parse_error("non executable command in pipeline stage 2", token.position)
        return self._operand()

    def _operand(self) -> object:
        token = self._tokens[self._next]
        self._next += 1
        if token.text == "(":
            value = self._piped()
            if not self._accept(")"):
                raise self._parse_error("unclosed left paren", token.position)
            return value
        if token.kind == "word":
            return token.text == "true" if token.text in {"true", "false"} else self._call(token, [])
        return self._literal(token)

    def _literal(self, token: _Token) -> object:
        match token.kind:
            case "string":
                return json.loads(token.text)
            case "raw":
                return token.text[1:-1]
            case "number":
                return float(token.text) if "." in token.text else int(token.text)
            case "field" if token.text != ".":
                return self._field(token)
        raise self._parse_error(f"unexpected {token.text!r} in operand", token.position)

    def _field(self, token: _Token) -> str:
        key = token.text[1:]
        if key not in self._data:
            raise self._execution_error(token, f'map has no entry for key "{key}"')
        return self._data[key]

    def _call(self, token: _Token, arguments: Sequence[object]) -> object:
        try:
            return FUNCTIONS[token.text](*arguments)
        except TypeError:
            wanted = len(inspect.signature(FUNCTIONS[token.text]).parameters)
            wrong = f"wrong number of args for {token.text}: want {wanted} got {len(arguments)}"
            raise self._execution_error(token, wrong) from None

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _accept(self, mark: str) -> bool:
        token = self._peek()
        if token is None or token.text != mark:
            return False
        self._next += 1
        return True

    def _parse_error(self, text: str, position: int) -> ParseError:
        return ParseError(f"template: {self._name}:{_line(self._template, position)}: {text}")

    def _execution_error(self, token: _Token, text: str) -> TemplateError:
        column = token.position - (self._template.rfind("\n", 0, token.position) + 1)
        where = f"{self._name}:{_line(self._template, token.position)}:{column}"
        return TemplateError(f'template: {where}: executing "{self._name}" at <{token.text}>: {text}')
