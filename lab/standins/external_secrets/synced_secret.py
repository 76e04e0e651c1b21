"""The Secret that External Secrets makes of an ExternalSecret and the provider's data."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from lab.standins.api.objects import Object, labels_of, reference_to
from lab.standins.external_secrets.go_template import ParseError, TemplateError, render

LABEL_MANAGED = "reconcile.external-secrets.io/managed"
LABEL_OWNER = "reconcile.external-secrets.io/created-by"
ANNOTATION_HASH = "reconcile.external-secrets.io/data-hash"

#: Three layers of External Secrets say so, one after the other.
_EXECUTION = "could not execute template"

Data = Mapping[str, str]


class SecretError(Exception):
    """The Secret cannot be made. The text is External Secrets' own."""


class FinalError(SecretError):
    """The same would come of another try. `condition` is what the ExternalSecret's condition says."""

    condition: str


class OwnedByOtherError(FinalError):
    """Another ExternalSecret owns the Secret."""

    condition = "target is owned by another ExternalSecret"


class OwnershipError(FinalError):
    """Something else than an ExternalSecret controls the Secret."""

    condition = "failed to take ownership of target secret"


class ImmutableError(FinalError):
    """The Secret's data would have to change, and must not."""

    condition = "could not update secret, target is immutable"


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
    policy, target = creation_policy(external), external["spec"].get("target") or {}
    old = existing or {"metadata": {}}
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        **old,
        "metadata": {**old["metadata"], "name": target_name(external), "namespace": metadata["namespace"]},
        "data": dict(old.get("data") or {}),
    }
    _own(secret, external, policy)
    immutable = bool(target.get("immutable"))
    if immutable:
        secret["immutable"] = True
    if existing is None or not immutable:
        try:
            _fill(secret, external, provided)
        except TemplateError as error:
            raise SecretError(f"could not apply template: {error}") from error
    labels, annotations = dict(labels_of(secret)), dict(secret["metadata"].get("annotations") or {})
    labels.pop(LABEL_OWNER, None)
    labels.update({LABEL_OWNER: owner_hash(external)} if policy == "Owner" else {}, **{LABEL_MANAGED: "true"})
    annotations[ANNOTATION_HASH] = data_hash(secret)
    secret["metadata"].update(labels=labels, annotations=annotations)
    return secret


def _own(secret: Object, external: Object, policy: str) -> None:
    metadata, me = secret["metadata"], reference_to(external)
    owners = metadata.pop("ownerReferences", None) or []
    controller = next((owner for owner in owners if owner.get("controller")), None)
    mine = controller is not None and _same(controller, me)
    if controller and not mine:
        _refuse(controller, metadata, policy)
    others = [owner for owner in owners if not _same(owner, me)] if mine or policy == "Owner" else owners
    if policy == "Owner":
        others = [*others, me]
    if others:
        metadata["ownerReferences"] = others


def _same(owner: Object, other: Object) -> bool:
    return (owner["kind"], owner["name"]) == (other["kind"], other["name"])


def _refuse(controller: Object, metadata: Object, policy: str) -> None:
    kind, name = controller["kind"], controller["name"]
    if kind == "ExternalSecret":
        raise OwnedByOtherError(f"secret is owned by another ExternalSecret: {name}")
    if policy == "Owner":
        place = f"{metadata['namespace']}/{metadata['name']}"
        text = f"Object {place} is already owned by another {kind} controller {name}"
        raise OwnershipError(f"could not set controller reference on secret: {text}")


def _fill(secret: Object, external: Object, provided: Data) -> None:
    own = _managed_fields(secret, manager(external))
    if creation_policy(external) != "Merge":
        secret["data"] = {}
    for key in _names(own.get("f:data")):
        secret["data"].pop(key, None)
    template = (external["spec"].get("target") or {}).get("template")
    labels, annotations = _metadata_of(external, secret, own)
    finalizers = ((template or {}).get("metadata") or {}).get("finalizers") or []
    if finalizers:
        old = secret["metadata"].get("finalizers") or []
        secret["metadata"]["finalizers"] = [*old, *(one for one in finalizers if one not in old)]
    _apply(template, secret, provided, labels, annotations)
    secret["metadata"].update(labels=labels, annotations=annotations)


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
    raw = {key: value.encode(errors="surrogateescape") for key, value in data.items()}
    return {key: base64.b64encode(value).decode() for key, value in raw.items()}


def _managed_fields(secret: Object, name: str) -> dict[str, Any]:
    entries = secret["metadata"].get("managedFields") or []
    return next((entry.get("fieldsV1") or {} for entry in entries if entry.get("manager") == name), {})


def _names(fields: Mapping[str, Any] | None) -> set[str]:
    return {key.removeprefix("f:") for key in fields or () if key != "."}


def _go_map(values: Mapping[str, object]) -> str:
    return f"map[{' '.join(f'{key}:{values[key]}' for key in sorted(values))}]"


def _sha3(text: str) -> str:
    return hashlib.sha3_224(text.encode()).hexdigest()
