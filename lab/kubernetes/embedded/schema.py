"""The shape of a kind, from which decoding, defaulting, merging and field ownership follow.

Built-in kinds and CustomResourceDefinitions are read into this one form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.kubernetes.embedded.objects import Json, Object


@dataclass(frozen=True, eq=False)
class Schema:
    """One node: an object, a list, a scalar, or anything at all (`type` empty)."""

    #: object, array, string, integer, number, boolean; or the special scalars quantity, int-or-string,
    #: time and bytes of built-in kinds; empty means that nothing is known.
    type: str = ""
    #: Go name of a built-in structure, for messages.
    struct: str = ""
    properties: Mapping[str, Schema] = field(default_factory=dict)
    #: Schema of the items of a list, or of the values of a map with free keys.
    element: Schema | None = None
    required: frozenset[str] = frozenset()
    #: Default values of this node's properties.
    defaults: Mapping[str, Json] = field(default_factory=dict)
    #: Changed as a whole: no merging inside, one owner.
    atomic: bool = False
    #: Keys that identify an item of a list of objects.
    keys: tuple[str, ...] = ()
    #: A list of scalars in which each value stands for itself.
    is_set: bool = False
    #: Key by which a strategic merge patch finds an item; empty: the list is replaced.
    merge_key: str = ""
    preserve_unknown: bool = False
    nullable: bool = False
    #: Whether this is a whole Kubernetes object inside another one.
    embedded: bool = False
    #: Properties that are left out when they hold the zero value (false or 0).
    zero_omitted: frozenset[str] = frozenset()
    #: String properties that are kept when they are empty.
    empty_kept: frozenset[str] = frozenset()
    #: Structures that are always written, empty or not.
    always: frozenset[str] = frozenset()
    #: Value rules of a CustomResourceDefinition, as they stand there.
    rules: Mapping[str, Json] = field(default_factory=dict)

    def child(self, name: str) -> Schema | None:
        """Schema of a property, or of a value of a map; None when the field is unknown."""
        return self.properties.get(name) or self.element

    @property
    def is_map(self) -> bool:
        """An object with free keys."""
        return self.type == "object" and not self.properties


ANY = Schema(preserve_unknown=True)


def from_openapi(raw: Object) -> Schema:
    """The schema of a CustomResourceDefinition (openAPIV3Schema)."""
    kind = "int-or-string" if raw.get("x-kubernetes-int-or-string") else raw.get("type", "")
    properties = {name: from_openapi(item) for name, item in raw.get("properties", {}).items()}
    return Schema(
        type=kind,
        properties=properties,
        element=_element(raw),
        required=frozenset(raw.get("required", ())),
        defaults={
            name: item["default"] for name, item in raw.get("properties", {}).items() if "default" in item
        },
        atomic=_atomic(raw, kind),
        keys=tuple(raw.get("x-kubernetes-list-map-keys", ())),
        is_set=raw.get("x-kubernetes-list-type") == "set",
        preserve_unknown=bool(raw.get("x-kubernetes-preserve-unknown-fields")),
        nullable=bool(raw.get("nullable")),
        embedded=bool(raw.get("x-kubernetes-embedded-resource")),
        rules=raw,
    )


def _element(raw: Object) -> Schema | None:
    if "items" in raw:
        return from_openapi(raw["items"])
    values = raw.get("additionalProperties")
    if values is True:
        return ANY
    return from_openapi(values) if isinstance(values, dict) else None


def _atomic(raw: Object, kind: str) -> bool:
    if kind == "array":
        return bool(raw.get("x-kubernetes-list-type", "atomic") == "atomic")
    return bool(raw.get("x-kubernetes-map-type") == "atomic")
