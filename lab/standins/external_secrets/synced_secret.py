"""The Secret that External Secrets makes of an ExternalSecret and the provider's data."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from lab.standins.api.objects import Object, reference_to
from lab.standins.external_secrets.go_template import ParseError, TemplateError, render

LABEL_MANAGED = "reconcile.external-secrets.io/managed"
LABEL_OWNER = "reconcile.external-secrets.io/created-by"
ANNOTATION_HASH = "reconcile.external-secrets.io/data-hash"

#: Three layers of External Secrets say so, one after the other.
_EXECUTION = "could not execute template"

Data = Mapping[str, str]


class SecretError(Exception):
    """The Secret cannot be made. The text is External Secrets' own."""


class OwnedByOtherError(SecretError):
    """Another ExternalSecret owns the Secret."""


def target_name(external: Object) -> str:
    """Name of the Secret that an ExternalSecret asks for."""
    return str((external["spec"].get("target") or {}).get("name") or external["metadata"]["name"])


def manager(external: Object) -> str:
    """The field manager that External Secrets writes the Secret as."""
    prefix, name = "externalsecrets.external-secrets.io/", str(external["metadata"]["name"])
    return prefix + name if len(prefix + name) <= 63 else f"{prefix}sha3/{_sha3(name)}"


def creation_policy(external: Object) -> str:
    """Owner, Orphan, Merge or None."""
    return str((external["spec"].get("target") or {}).get("creationPolicy") or "Owner")


def synced_version(external: Object) -> str:
    """What status.syncedResourceVersion says of this generation, with these labels and annotations."""
    metadata = external["metadata"]
    parts = (f"{name}:{_go_map(metadata.get(name) or {})}" for name in ("annotations", "labels"))
    return f"{metadata['generation']}-{_sha3('{' + ' '.join(parts) + '}')}"


def owner_hash(external: Object) -> str:
    """Value of the label by which the Secrets of an ExternalSecret are found."""
    metadata = external["metadata"]
    return _sha3(f"{metadata['namespace']}/{metadata['name']}")


def data_hash(secret: Object) -> str:
    """Hash of a Secret's data, as in its annotation."""
    values = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
    return _sha3(_go_map({key: f"[{' '.join(map(str, value))}]" for key, value in values.items()}))


def is_intact(secret: Object | None, external: Object) -> bool:
    """Whether nobody has changed or removed the Secret since it was synced."""
    if creation_policy(external) == "Orphan":
        return True
    if secret is None:
        return False
    metadata = secret["metadata"]
    managed = (metadata.get("labels") or {}).get(LABEL_MANAGED) == "true"
    return managed and (metadata.get("annotations") or {}).get(ANNOTATION_HASH) == data_hash(secret)


def desired_secret(external: Object, existing: Object | None, provided: Data) -> Object:
    """The Secret as it should be, from the one there is. Raises SecretError."""
    metadata = external["metadata"]
    old = existing or {"metadata": {}}
    own = _managed_fields(old, manager(external))
    policy, target = creation_policy(external), external["spec"].get("target") or {}
    labels, annotations = _metadata_of(external, old, own)
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        **old,
        "metadata": {**old["metadata"], "name": target_name(external), "namespace": metadata["namespace"]},
        "data": dict(old.get("data") or {}) if policy == "Merge" else {},
    }
    for key in _names(own.get("f:data")):
        secret["data"].pop(key, None)
    _own(secret, external, policy)
    try:
        _apply(target.get("template"), secret, provided, labels, annotations)
    except TemplateError as error:
        raise SecretError(f"could not apply template: {error}") from error
    if target.get("immutable"):
        secret["immutable"] = True
    labels.update({LABEL_OWNER: owner_hash(external)} if policy == "Owner" else {}, **{LABEL_MANAGED: "true"})
    annotations[ANNOTATION_HASH] = data_hash(secret)
    secret["metadata"].update(labels=labels, annotations=annotations)
    return secret


def _own(secret: Object, external: Object, policy: str) -> None:
    metadata = external["metadata"]
    owners = secret["metadata"].get("ownerReferences") or []
    controller = next((owner for owner in owners if owner.get("controller")), None)
    if controller and controller["kind"] == "ExternalSecret" and controller["name"] != metadata["name"]:
        raise OwnedByOtherError(f"secret is owned by another ExternalSecret: {controller['name']}")
    others = [owner for owner in owners if owner.get("uid") != metadata["uid"]]
    if policy == "Owner":
        others = [*others, reference_to(external)]
    secret["metadata"].pop("ownerReferences", None)
    if others:
        secret["metadata"]["ownerReferences"] = others


def _metadata_of(external: Object, old: Object, own: Object) -> tuple[dict[str, str], dict[str, str]]:
    template = (external["spec"].get("target") or {}).get("template")
    source = external["metadata"] if template is None else template.get("metadata") or {}
    managed = own.get("f:metadata") or {}
    parts = []
    for part in ("labels", "annotations"):
        stale = _names(managed.get(f"f:{part}"))
        kept = {key: value for key, value in (old["metadata"].get(part) or {}).items() if key not in stale}
        parts.append({**kept, **(source.get(part) or {})})
    return parts[0], parts[1]


def _apply(
    template: Object | None,
    secret: Object,
    provided: Data,
    labels: dict[str, str],
    annotations: dict[str, str],
) -> None:
    if template is None:
        secret["data"].update(_encoded(provided))
        return
    if template.get("engineVersion", "v2") != "v2":
        raise TemplateError(f"unknown template engine version: {template['engineVersion']}")
    if template.get("templateFrom"):
        raise TemplateError("the laboratory's External Secrets does not support templateFrom")
    if template.get("type"):
        secret["type"] = template["type"]
    if template.get("mergePolicy") == "Merge" or not template.get("data"):
        secret["data"].update(_encoded(provided))
    secret["data"].update(_encoded(_rendered(template.get("data"), provided)))
    metadata = template.get("metadata") or {}
    labels.update(_rendered(metadata.get("labels"), provided))
    annotations.update(_rendered(metadata.get("annotations"), provided))


def _rendered(templates: Data | None, provided: Data) -> dict[str, str]:
    rendered = {}
    for key, template in (templates or {}).items():
        where = f"{_EXECUTION}: {_EXECUTION}: unable to execute template at key {key}: "
        try:
            rendered[key] = render(key, template, provided)
        except ParseError as error:
            raise TemplateError(f"{where}unable to parse template at key {key}: {error}") from error
        except TemplateError as error:
            raise TemplateError(f"{where}unable to execute template at key {key}: {error}") from error
    return rendered


def _encoded(data: Data) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}


def _managed_fields(secret: Object, name: str) -> dict[str, Any]:
    entries = secret["metadata"].get("managedFields") or []
    return next((entry.get("fieldsV1") or {} for entry in entries if entry.get("manager") == name), {})


def _names(fields: Mapping[str, Any] | None) -> set[str]:
    return {key.removeprefix("f:") for key in fields or () if key != "."}


def _go_map(values: Mapping[str, object]) -> str:
    return f"map[{' '.join(f'{key}:{values[key]}' for key in sorted(values))}]"


def _sha3(text: str) -> str:
    return hashlib.sha3_224(text.encode()).hexdigest()
