"""Rules of Namespaces, ServiceAccounts, ConfigMaps and Secrets."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from lab.kubernetes.embedded import golang
from lab.kubernetes.embedded.errors import Problem, forbidden_field, invalid_value, required, too_long
from lab.kubernetes.embedded.objects import Object
from lab.kubernetes.embedded.validation import names
from lab.kubernetes.embedded.validation.metadata import immutable, worded

_LARGEST = 1024 * 1024
_FIXED = "field is immutable when `immutable` is set"
_DOCKER = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}
_NEEDED = {
    **{kind: [name] for kind, name in _DOCKER.items()},
    "kubernetes.io/ssh-auth": ["ssh-privatekey"],
    "kubernetes.io/tls": ["tls.crt", "tls.key"],
}


def namespace(item: Object, _before: Object | None) -> Iterator[Problem]:
    """A Namespace."""
    for index, finalizer in enumerate(item["spec"].get("finalizers", [])):
        yield from worded(f"spec.finalizers[{index}]", finalizer, names.label_key(finalizer))


def service_account(_item: Object, _before: Object | None) -> Iterator[Problem]:
    """A ServiceAccount has nothing but metadata that could be wrong."""
    yield from ()


def config_map(item: Object, before: Object | None) -> Iterator[Problem]:
    """A ConfigMap."""
    data, binary = item.get("data", {}), item.get("binaryData", {})
    for key in data:
        yield from worded(f"data[{key}]", key, names.config_key(key))
        if key in binary:
            yield invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData")
    for key in binary:
        yield from worded(f"binaryData[{key}]", key, names.config_key(key))
    if sum(len(value.encode()) for value in data.values()) + _decoded_size(binary) > _LARGEST:
        yield too_long("", _LARGEST)
    yield from _fixed(item, before, ("data", "binaryData"))


def secret(item: Object, before: Object | None) -> Iterator[Problem]:
    """A Secret; its values never appear in a problem."""
    data = item.get("data", {})
    for key in data:
        yield from worded(f"data[{key}]", key, names.config_key(key))
    if _decoded_size(data) > _LARGEST:
        yield too_long("data", _LARGEST)
    kind = item.get("type", "")
    for key in _NEEDED.get(kind, []):
        if key not in data:
            yield required(f"data[{key}]")
        elif kind in _DOCKER:
            yield from _json_problems(f"data[{key}]", data[key])
    if before:
        yield from immutable("type", kind, before.get("type"))
    yield from _fixed(item, before, ("data",))


def _json_problems(field: str, value: str) -> Iterator[Problem]:
    try:
        json.loads(base64.b64decode(value))
    except json.JSONDecodeError as error:
        yield invalid_value(field, "<secret contents redacted>", golang.json_error(error))
    except UnicodeDecodeError:
        yield invalid_value(field, "<secret contents redacted>", "invalid character in string literal")


def _fixed(item: Object, before: Object | None, fields: tuple[str, ...]) -> Iterator[Problem]:
    if not before or not before.get("immutable"):
        return
    if not item.get("immutable"):
        yield forbidden_field("immutable", _FIXED)
    for name in fields:
        if item.get(name) != before.get(name):
            yield forbidden_field(name, _FIXED)


def _decoded_size(data: Object) -> int:
    return sum(len(value) * 3 // 4 for value in data.values())
