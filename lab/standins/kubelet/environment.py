"""A container's environment, as the kubelet puts it together."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.standins.api.objects import Object
from lab.standins.kubelet.substitution import expand

#: Looks up a Secret or ConfigMap of the pod's namespace: (kind, name) -> object or None.
Lookup = Callable[[str, str], Object | None]


class ConfigError(Exception):
    """A container refers to something that does not exist. The text is the kubelet's own."""


def variables(container: Object, pod: Object, lookup: Lookup) -> dict[str, str]:
    """What `envFrom` and `env` give. Raises ConfigError."""
    found: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        prefix = source.get("prefix") or ""
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if field in source:
                values = _all(kind, source[field], lookup)
                found.update({prefix + key: value for key, value in values.items()})
    for entry in container.get("env") or []:
        value = _value(entry, pod, lookup, found)
        if value is not None:
            found[entry["name"]] = value
    return found


def field_value(pod: Object, path: str) -> str:
    """A field of the downward API. Raises ConfigError."""
    match = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
    if match:
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    if path in {"metadata.labels", "metadata.annotations"}:
        values = pod["metadata"].get(path.removeprefix("metadata.")) or {}
        return "\n".join(f'{key}="{values[key]}"' for key in sorted(values))
    value: Any = pod
    for part in path.split("."):
        value = (value or {}).get(part)
    if value is None:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return str(value)


def decoded(obj: Object) -> dict[str, str]:
    """The data of a Secret or ConfigMap as text."""
    if obj["kind"] == "ConfigMap":
        return dict(obj.get("data") or {})
    return {key: base64.b64decode(value).decode() for key, value in (obj.get("data") or {}).items()}


def _value(entry: Object, pod: Object, lookup: Lookup, found: Mapping[str, str]) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(entry.get("value") or "", found)
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"])
    for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        if field in source:
            return _one(kind, source[field], pod["metadata"]["namespace"], lookup)
    raise ConfigError(f"the laboratory's kubelet has no valueFrom.{next(iter(source))}")


def _one(kind: str, reference: Object, namespace: str, lookup: Lookup) -> str | None:
    values = _all(kind, reference, lookup)
    key = reference["key"]
    if key not in values and not reference.get("optional"):
        raise ConfigError(f"couldn't find key {key} in {kind} {namespace}/{reference['name']}")
    return values.get(key)


def _all(kind: str, reference: Object, lookup: Lookup) -> dict[str, str]:
    obj = lookup(kind, reference["name"])
    if obj is None and not reference.get("optional"):
        raise ConfigError(f'{kind.lower()} "{reference["name"]}" not found')
    return decoded(obj) if obj else {}


def names_used(container: Object) -> Sequence[tuple[str, str]]:
    """The Secrets and ConfigMaps whose change may let the container start: (kind, name)."""
    sources = [
        *(container.get("envFrom") or []),
        *(entry.get("valueFrom") or {} for entry in container.get("env") or []),
    ]
    fields = {
        "configMapRef": "ConfigMap",
        "configMapKeyRef": "ConfigMap",
        "secretRef": "Secret",
        "secretKeyRef": "Secret",
    }
    return [
        (fields[field], source[field]["name"]) for source in sources for field in source if field in fields
    ]
