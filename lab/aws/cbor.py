"""CloudWatch's present protocol, RPC v2 CBOR: newer SDKs speak nothing else, and moto does not know it."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import moto.cloudwatch.urls
from botocore.parsers import BaseCBORParser
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.parse import PROTOCOL_PARSERS, JSONParser
from moto.core.serialize import SERIALIZERS, JSONSerializer

from lab.aws.patches import Patches

PROTOCOL = "smithy-rpc-v2-cbor"
CONTENT_TYPE = "application/cbor"
_PATH = "{0}/service/GraniteServiceVersion20100801/operation/(?P<operation>[^/]+)$"
_HEADERS = {"Content-Type": CONTENT_TYPE, "smithy-protocol": "rpc-v2-cbor"}


def install(patches: Patches) -> None:
    """Let CloudWatch be asked in CBOR."""
    patches.entry(moto.cloudwatch.urls.url_paths, _PATH, CloudWatchResponse.dispatch)
    # It is no text, as which moto would read it.
    patches.attribute(CloudWatchResponse, "use_raw_body", True)
    patches.around(CloudWatchResponse, "_get_action", _action)
    patches.entry(PROTOCOL_PARSERS, PROTOCOL, _Parser)
    patches.entry(SERIALIZERS, PROTOCOL, _Serializer)


def _action(original: Callable[[Any], str], response: Any) -> str:
    """The operation, which this protocol has in the path."""
    if response.headers.get("Content-Type") == CONTENT_TYPE:
        return str(response.path.rpartition("/")[2])
    return original(response)


class _Parser(JSONParser):  # type: ignore[misc]  # moto publishes no types
    def _parse_body_as_json(self, raw_body: bytes) -> Any:
        return decode(raw_body) if raw_body else {}

    def _parse_timestamp(self, shape: Any, value: datetime) -> datetime:
        return value.astimezone(UTC).replace(tzinfo=None)


class _Serializer(JSONSerializer):  # type: ignore[misc]  # moto publishes no types
    def _serialize_type_timestamp(self, serialized: Any, value: datetime, shape: Any, key: str) -> None:
        self._default_serialize(serialized, value, shape, key)

    def _serialize_body(self, body: Mapping[str, Any]) -> bytes:
        return encode(body)

    def _serialized_result_to_response(self, resp: Any, *others: Any) -> Any:
        return _as_cbor(super()._serialized_result_to_response(resp, *others))

    def _serialized_error_to_response(self, resp: Any, *others: Any) -> Any:
        return _as_cbor(super()._serialized_error_to_response(resp, *others))


def _as_cbor(response: Any) -> Any:
    response["headers"].update(_HEADERS)
    return response


def decode(data: bytes) -> Any:
    """The value of a CBOR document."""
    parser: Any = BaseCBORParser()
    return parser.parse_data_item(io.BufferedReader(io.BytesIO(data)))


def encode(value: Any) -> bytes:
    """A value as CBOR; what is None is left out of maps."""
    if isinstance(value, Mapping):
        items = [(key, each) for key, each in value.items() if each is not None]
        return _head(5, len(items)) + b"".join(encode(key) + encode(each) for key, each in items)
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, datetime):
        stamp = value if value.tzinfo else value.replace(tzinfo=UTC)
        return _head(6, 1) + encode(stamp.timestamp())
    return _scalar(value)


def _scalar(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    text = str(value).encode()
    return _head(3, len(text)) + text


def _head(kind: int, argument: int) -> bytes:
    """First bytes of an item: its kind, and its value or length."""
    if argument < 24:
        return bytes([kind << 5 | argument])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([kind << 5 | code]) + argument.to_bytes(size, "big")
    raise ValueError(f"{argument} is more than CBOR can count")
