"""SQL of the Data API: named parameters, and values as it writes them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import pq
from psycopg.postgres import types

from lab.aws.faults import fault

# What may hold a colon without being a parameter: strings, identifiers, comments, casts.
_TOKEN = re.compile(
    r"""(?P<other>
        '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/
        | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | ::
    ) | (?<![\w:]):(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)
#: Type of a parameter by the member of its value, and by its hint.
_TYPE_OF = {"stringValue": "text", "longValue": "int8", "doubleValue": "float8", "booleanValue": "bool"}
_TYPE_OF_HINT = {
    "DATE": "date",
    "DECIMAL": "numeric",
    "JSON": "jsonb",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "UUID": "uuid",
}
#: Types that the Data API cannot write; a cast to text helps.
_UNSUPPORTED = re.compile(
    r"reg\w+|char|box|circle|line|lseg|path|point|polygon|interval|money|xml|tsvector|tsquery|void|record"
)
#: JDBC's numbers, which the column metadata has.
_JDBC = {"bool": -7, "int2": 5, "int4": 4, "int8": -5, "float4": 7, "float8": 8, "numeric": 2, "bytea": -2}
_JDBC |= {"date": 91, "time": 92, "timestamp": 93, "text": 12, "varchar": 12, "name": 12, "bpchar": 1}
_JDBC_ARRAY, _JDBC_OTHER = 2003, 1111
_MEMBER_OF = {"bool": "booleanValue", "int2": "longValue", "int4": "longValue", "int8": "longValue"}
_MEMBER_OF |= {"float4": "doubleValue", "float8": "doubleValue", "bytea": "blobValue"}
_MAXIMUM_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Statement:
    """SQL as the server wants it: numbered parameters, each with its text and type."""

    sql: bytes
    values: list[bytes | None]
    types: list[int]


def bind(sql: str, parameters: Sequence[Mapping[str, Any]]) -> Statement:
    """Turn `:name` into `$1`. Raises BadRequestException for a parameter without a value."""
    given = {parameter["name"]: parameter for parameter in parameters}
    used: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        if name not in given:
            raise fault("BadRequestException", f"Named parameter '{name}' has no value")
        if name not in used:
            used.append(name)
        return f"${used.index(name) + 1}"

    # Without parameters a colon is SQL, e.g. of an array slice.
    text = _TOKEN.sub(number, sql) if given else sql
    pairs = [_parameter(given[name]) for name in used]
    return Statement(text.encode(), [value for value, _oid in pairs], [oid for _value, oid in pairs])


def _parameter(parameter: Mapping[str, Any]) -> tuple[bytes | None, int]:
    member, value = next(iter(parameter.get("value", {"isNull": True}).items()))
    hint = parameter.get("typeHint")
    if member == "isNull":
        return None, 0
    if member == "blobValue":
        return b"\\x" + base64.b64decode(value).hex().encode(), types["bytea"].oid
    if member not in _TYPE_OF:
        raise fault("BadRequestException", f"Array parameters are not supported: {parameter['name']}")
    text = str(value).lower() if member == "booleanValue" else str(value)
    return text.encode(), types[_TYPE_OF_HINT[hint] if hint else _TYPE_OF[member]].oid


class Result:
    """What a statement gave, as the Data API writes it."""

    def __init__(self, result: pq.abc.PGresult) -> None:
        self._result = result
        self._names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
        self._types = [_Type.of(result.ftype(column)) for column in range(result.nfields)]

    def describe(self, *, metadata: bool, as_json: bool) -> dict[str, Any]:
        """The answer to ExecuteStatement. Raises UnsupportedResultException."""
        if self._result.nfields == 0:
            return {"numberOfRecordsUpdated": self._result.command_tuples or 0, "generatedFields": []}
        for kind in self._types:
            if _UNSUPPORTED.fullmatch(kind.name):
                raise fault(
                    "UnsupportedResultException",
                    f"The result contains the unsupported data type {kind.name}.",
                )
        answer: dict[str, Any] = {"numberOfRecordsUpdated": 0}
        rows = [self._row(row) for row in range(self._result.ntuples)]
        if as_json:
            objects = [
                {name: _plain(value) for name, value in zip(self._names, row, strict=True)} for row in rows
            ]
            answer["formattedRecords"] = json.dumps(objects)
        else:
            answer["records"] = rows
        if metadata:
            answer["columnMetadata"] = [
                kind.describe(name) for name, kind in zip(self._names, self._types, strict=True)
            ]
        if len(json.dumps(answer, default=repr)) > _MAXIMUM_BYTES:
            raise fault("BadRequestException", "Database returned more than the allowed response size limit")
        return answer

    def _row(self, row: int) -> list[dict[str, Any]]:
        return [kind.write(self._result.get_value(row, column)) for column, kind in enumerate(self._types)]


@dataclass(frozen=True)
class _Type:
    name: str
    is_array: bool

    @classmethod
    def of(cls, oid: int) -> _Type:
        info = types.get(oid)
        return cls(info.name.strip('"'), oid == info.array_oid) if info else cls("unknown", False)

    def describe(self, column: str) -> dict[str, Any]:
        jdbc = _JDBC_ARRAY if self.is_array else _JDBC.get(self.name, _JDBC_OTHER)
        return {
            "arrayBaseColumnType": _JDBC.get(self.name, _JDBC_OTHER) if self.is_array else 0,
            "isAutoIncrement": False,
            "isCaseSensitive": jdbc in (1, 12),
            "isCurrency": False,
            "isSigned": self.name in ("int2", "int4", "int8", "float4", "float8", "numeric"),
            "label": column,
            "name": column,
            "nullable": 1,
            "type": jdbc,
            "typeName": f"_{self.name}" if self.is_array else self.name,
        }

    def write(self, text: bytes | None) -> dict[str, Any]:
        if text is None:
            return {"isNull": True}
        if self.is_array:
            return {"arrayValue": {"stringValues": _elements(text.decode())}}
        member = _MEMBER_OF.get(self.name, "stringValue")
        if member == "booleanValue":
            return {member: text == b"t"}
        if member == "longValue":
            return {member: int(text)}
        if member == "doubleValue":
            return {member: float(text)}
        if member == "blobValue":
            return {member: bytes.fromhex(text.decode().removeprefix("\\x"))}
        return {member: text.decode()}


def _elements(text: str) -> list[str]:
    """Elements of a one-dimensional array in PostgreSQL's own writing."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|([^{},"]+)', text)
    return [re.sub(r"\\(.)", r"\1", quoted) if quoted else plain for quoted, plain in found]


def _plain(value: Mapping[str, Any]) -> Any:
    member, content = next(iter(value.items()))
    if member == "isNull":
        return None
    if member == "arrayValue":
        return content["stringValues"]
    return base64.b64encode(content).decode() if member == "blobValue" else content
