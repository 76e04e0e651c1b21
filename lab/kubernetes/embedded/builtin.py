"""Schemas of built-in kinds: names, types and required fields from the models of the `kubernetes` client
(generated from Kubernetes' own OpenAPI), and what those leave out from traits.yaml."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from types import ModuleType

import yaml
from kubernetes.client import models

from lab.kubernetes.embedded.objects import Json, Object
from lab.kubernetes.embedded.schema import ANY, Schema

_SCALARS = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "datetime": "time",
    "bytes": "bytes",
}
_CONTAINER = re.compile(r"(List|Dict)\[(?:str, )?(.+)\]")
_TRAITS = Path(__file__).with_name("traits.yaml")
_MODELS: ModuleType = models


@functools.cache
def _traits() -> dict[str, Object]:
    loaded: dict[str, Object] = yaml.load(_TRAITS.read_text(), yaml.CSafeLoader)
    return loaded


@functools.cache
def builtin(model: str) -> Schema:
    """The schema of a model, for example V1Deployment."""
    described = getattr(_MODELS, model)
    trait = _traits().get(model.replace("V1", ""), {})
    names: dict[str, str] = described.attribute_map
    properties = {
        json_name: _property(described.openapi_types[name], trait, json_name)
        for name, json_name in names.items()
    }
    required = {
        field.serialization_alias or name
        for name, field in described.model_fields.items()
        if field.is_required()
    }
    return Schema(
        type="object",
        struct=re.sub(r"^\w*?V1", "", model),
        properties=properties,
        required=frozenset(required),
        defaults=trait.get("defaults", {}),
        atomic=trait.get("atomic") is True,
        zero_omitted=frozenset(trait.get("zero", ())),
        empty_kept=frozenset(trait.get("empty", ())),
        always=frozenset(trait.get("always", ())),
    )


def _property(text: str, trait: Object, name: str) -> Schema:
    special = trait.get("types", {}).get(name)
    if special == "any":
        return ANY
    if special == "quantities":
        return Schema(type="object", element=Schema(type="quantity"))
    if special:
        return Schema(type=special)
    keys = tuple(trait.get("keys", {}).get(name, ()))
    return _typed(text, keys=keys, trait=trait, name=name)


def _typed(text: str, *, keys: tuple[str, ...] = (), trait: Json = None, name: str = "") -> Schema:
    trait = trait or {}
    container = _CONTAINER.fullmatch(text)
    if container is None:
        if text == "object":
            return ANY
        return Schema(type=_SCALARS[text]) if text in _SCALARS else builtin(text)
    element = _typed(container[2])
    if container[1] == "Dict":
        atomic = trait.get("atomic")
        return Schema(type="object", element=element, atomic=isinstance(atomic, list) and name in atomic)
    is_set = name in trait.get("sets", ())
    return Schema(
        type="array",
        element=element,
        keys=keys,
        is_set=is_set,
        atomic=not keys and not is_set,
        merge_key=keys[0] if keys else trait.get("merge", {}).get(name, ""),
    )
