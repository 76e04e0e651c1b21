"""The scale subresource: replicas of a workload in one form for all kinds."""

from __future__ import annotations

import json

from lab.kubernetes.embedded import golang
from lab.kubernetes.embedded.errors import bad_request, invalid_patch, invalid_request, invalid_value
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Json, Object, dig

_BUILTIN = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}


def scale_of(kind: Kind, item: Object) -> Object:
    """The Scale of a workload."""
    paths = dict(kind.scale_paths) or _BUILTIN
    metadata = item["metadata"]
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = dig(item, "spec", "selector", "matchLabels") or {}
    if "labelSelectorPath" in paths:
        text = dig(item, *_keys(paths["labelSelectorPath"])) or ""
    else:
        text = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    replicas = dig(item, *_keys(paths["specReplicasPath"]))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in names if name in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {
            "replicas": dig(item, *_keys(paths["statusReplicasPath"])) or 0,
            **({"selector": text} if text else {}),
        },
    }


def check_scale(name: str, scale: Json, *, patched: bool) -> None:
    """ApiError 400 when a Scale that was sent cannot be read, 422 when it is wrong or was patched to be."""
    replicas = dig(scale, "spec", "replicas") or 0
    if not isinstance(replicas, int):
        kind = golang.json_kind(replicas)
        why = f"json: cannot unmarshal {kind} into Go struct field ScaleSpec.spec.replicas of type int32"
        if patched:
            raise invalid_patch(json.dumps(scale, separators=(",", ":")), why)
        raise bad_request(f'Scale in version "v1" cannot be handled as a Scale: {why}')
    if replicas < 0:
        problem = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid_request("autoscaling", "Scale", name, [problem])


def scaled(kind: Kind, item: Object, scale: Json) -> Object:
    """The workload with the replicas of a Scale."""
    replicas = dig(scale, "spec", "replicas") or 0
    version = dig(scale, "metadata", "resourceVersion")
    keys = _keys((dict(kind.scale_paths) or _BUILTIN)["specReplicasPath"])
    result = _with_value(item, keys, replicas)
    if version:
        result = _with_value(result, ("metadata", "resourceVersion"), version)
    return result


def _with_value(item: Object, keys: tuple[str, ...], value: Json) -> Object:
    head, rest = keys[0], keys[1:]
    return {**item, head: _with_value(item.get(head) or {}, rest, value) if rest else value}


def _keys(path: str) -> tuple[str, ...]:
    return tuple(path.strip(".").split("."))
