"""What all objects of the API have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

#: Namespace (empty for cluster-scoped kinds) and name.
Key = tuple[str, str]


def key_of(obj: Object) -> Key:
    """The key of an object."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def labels_of(obj: Object) -> Mapping[str, str]:
    """An object's labels."""
    labels: Mapping[str, str] = obj["metadata"].get("labels") or {}
    return labels


def is_ready(obj: Object) -> bool:
    """Whether an object's condition Ready is True."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def reference_to(owner: Object) -> Object:
    """What an object says of its controller."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Object, kind: str) -> Object | None:
    """Reference to the controller of an object, when that is of `kind`."""
    owners = obj["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller") and owner["kind"] == kind), None)


def is_of(obj: Object, owner: Object) -> bool:
    """Whether `owner` is the controller of an object."""
    reference = controller_of(obj, owner["kind"])
    return reference is not None and bool(reference["uid"] == owner["metadata"]["uid"])
