"""create, update, patch, apply, delete: what happens to an object, in the order of the real server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace

from lab.kubernetes.embedded import ownership
from lab.kubernetes.embedded.admission import admit_create, admit_delete, suffix
from lab.kubernetes.embedded.call import Call
from lab.kubernetes.embedded.errors import (
    already_exists,
    conflict,
    internal,
    invalid,
    invalid_options,
    invalid_patch,
    invalid_value,
    not_found,
    required,
)
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Json, Object, timestamp
from lab.kubernetes.embedded.schema import Schema
from lab.kubernetes.embedded.store import Store
from lab.kubernetes.embedded.strategy import Strategy, orphans_unasked
from lab.kubernetes.embedded.validation import validate
from lab.kubernetes.embedded.validation.metadata import immutable

_ORPHANED = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove "
    "them or set propagationPolicy=Orphan to suppress this warning"
)
_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
#: Metadata that only the server writes.
_SYSTEM = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")
#: Built-in kinds that, like all custom ones, are only replaced when the version to replace is named.
_CONDITIONAL = {"CustomResourceDefinition", "Lease", "PodDisruptionBudget"}


class Verbs:
    """Writes to the store. Everything runs in one thread, so a write is never half done."""

    def __init__(self, store: Store, strategy: Strategy) -> None:
        self._store = store
        self._strategy = strategy

    def get(self, call: Call) -> Object:
        """One object; ApiError 404."""
        found = self._store.get(call.kind.place, call.namespace, call.name)
        if found is None:
            raise not_found(call.kind, call.name)
        return found

    def create(self, call: Call, raw: Object) -> Object:
        """POST: the new object."""
        item = call.read_body(raw)
        for name in (*_SYSTEM, "managedFields"):
            item["metadata"].pop(name, None)
        owners = ownership.after_update(self._write(call), blank(call.kind), item, {})
        return self._store_new(call, item, owners)

    def update(self, call: Call, raw: Object) -> Object:
        """PUT: the new state of an object."""
        item = call.read_body(raw)
        call.check_name(item["metadata"])
        before = self.get(call)
        if not item["metadata"].get("resourceVersion"):
            if call.kind.custom or call.kind.name in _CONDITIONAL:
                problem = invalid_value("metadata.resourceVersion", 0, "must be specified for an update")
                # Found by the storage, which knows the resource and not the kind.
                raise invalid(replace(call.kind, name=call.kind.plural), call.name, [problem])
            item["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        uid, present = item["metadata"].get("uid"), before["metadata"]["uid"]
        if uid not in (None, present):
            raise conflict(call.kind, call.name, _other_uid(call, uid, present))
        return self._store_update(call, before, item)

    def patch(self, call: Call, change: Callable[[Schema, Object], Json], shown: str) -> Object:
        """PATCH by anything but apply: `change` makes the new document; messages show it, or `shown`."""
        before = self.get(call)
        patched = change(call.kind.schema, before)
        shown = shown or json.dumps(patched, separators=(",", ":"), ensure_ascii=False)
        if not isinstance(patched, dict):
            raise invalid_patch(shown, "json: cannot unmarshal the patched document into an object")
        item = call.decoded(patched, lambda why: invalid_patch(shown, why))
        call.check_name(item["metadata"])
        return self._store_update(call, before, item)

    def apply(self, call: Call, raw: Json, *, manager: str, force: bool) -> tuple[Object, bool]:
        """PATCH by server-side apply: the new state, and whether the object is new."""
        if not manager:
            raise invalid_options("PatchOptions", [required("fieldManager", "is required for apply patch")])
        call.manager = manager
        config = call.read_configuration(raw)
        before = self._store.get(call.kind.place, call.namespace, call.name)
        metadata = before["metadata"] if before else {}
        live = _without_managed_fields(before) if before else blank(call.kind)
        owners = ownership.owners_of(metadata)
        if before and not owners:
            owners = ownership.before_first_apply(self._write(call), live)
        try:
            state, owners = ownership.apply(self._write(call), live, config, owners, force=force)
        except ValueError as error:
            raise internal(f"failed to create typed live object: {error}") from error
        item = call.decoded(state, internal)
        if before:
            return self._finish_update(call, before, item, owners), False
        if uid := item["metadata"].get("uid"):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(call.kind, call.name, why)
        return self._store_new(call, item, owners), True

    def delete(self, call: Call, options: Object) -> tuple[Object, bool]:
        """DELETE: the object's last state, and whether it is gone now."""
        kind, before = call.kind, self.get(call)
        if orphans_unasked(kind, options):
            call.warnings.append(_ORPHANED)
        _check_preconditions(call, before, options.get("preconditions") or {})
        admit_delete(kind, call.name)
        grace = self._strategy.grace_seconds(kind, before, options.get("gracePeriodSeconds"))
        finalizers = self._strategy.finalizers_on_delete(kind, before, options)
        if not finalizers and not grace and kind.place != ("", "namespaces"):
            return (before if call.dry_run else self._store.remove(kind.place, before)), True
        metadata = before["metadata"]
        pending = "deletionTimestamp" in metadata
        if pending and grace >= metadata.get("deletionGracePeriodSeconds", 0):
            return before, False
        marked = self._strategy.marked(kind, before, finalizers, grace)
        return (marked if call.dry_run else self._store.put(kind.place, marked)), False

    def bind(self, call: Call, node: str) -> None:
        """Put a pod on a node; ApiError 409 when it is on one."""
        before = self.get(call)
        if present := before["spec"].get("nodeName"):
            raise conflict(call.kind, call.name, f'pod {call.name} is already assigned to node "{present}"')
        condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": timestamp()}
        status = before["status"]
        others = [item for item in status.get("conditions", []) if item["type"] != condition["type"]]
        bound = {
            **before,
            "spec": {**before["spec"], "nodeName": node},
            "status": {**status, "conditions": [*others, condition]},
        }
        if not call.dry_run:
            self._store.put(call.kind.place, bound)

    def _write(self, call: Call) -> ownership.Write:
        return ownership.Write(
            call.kind.schema,
            call.manager,
            call.kind.api_version,
            call.subresource,
            self._strategy.fields_out_of_reach(call.kind, call.subresource),
        )

    def _store_new(self, call: Call, item: Object, owners: ownership.Owners) -> Object:
        kind, metadata = call.kind, item["metadata"]
        if metadata.get("resourceVersion"):
            raise internal("resourceVersion should not be set on objects to be created")
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = timestamp()
        if metadata.get("generateName") and not metadata.get("name"):
            metadata["name"] = metadata["generateName"] + suffix()
        admit_create(self._store, kind, item)
        self._strategy.prepare_create(kind, item)
        problems = validate(kind, item, None)
        if problems:
            raise invalid(kind, metadata.get("name", ""), problems)
        if present := self._store.get(kind.place, metadata.get("namespace", ""), metadata["name"]):
            raise already_exists(kind, metadata["name"], going="deletionTimestamp" in present["metadata"])
        _set_managed_fields(item, owners)
        return item if call.dry_run else self._store.put(kind.place, item)

    def _store_update(self, call: Call, before: Object, item: Object) -> Object:
        """The common end of PUT and PATCH."""
        given = item["metadata"].get("managedFields")
        owners = ownership.owners_of(before["metadata"])
        if given is not None and not call.subresource:
            # An empty list gives up all ownership; a client that sends nothing keeps it.
            owners = {} if given in ([], [{}]) else ownership.owners_of(item["metadata"])
        new = _without_managed_fields(item)
        # Where nobody owns anything, updates go on without owners until somebody applies.
        if owners:
            owners = ownership.after_update(self._write(call), _without_managed_fields(before), new, owners)
        return self._finish_update(call, before, new, owners)

    def _finish_update(self, call: Call, before: Object, item: Object, owners: ownership.Owners) -> Object:
        kind, old, metadata = call.kind, before["metadata"], item["metadata"]
        if metadata.get("uid", old["uid"]) != old["uid"]:
            raise invalid(kind, call.name, [*immutable("metadata.uid", metadata["uid"], old["uid"])])
        if metadata.get("resourceVersion", old["resourceVersion"]) != old["resourceVersion"]:
            raise conflict(kind, call.name, _MODIFIED)
        for name in (*_SYSTEM, "generation", "resourceVersion"):
            metadata.pop(name, None)
            if name in old:
                metadata[name] = old[name]
        self._strategy.prepare_update(kind, item, before, call.subresource)
        problems = validate(kind, item, before, call.subresource)
        if problems:
            raise invalid(kind, call.name, problems)
        _set_managed_fields(item, owners)
        if _timeless(item) == _timeless(before):
            return before
        if call.dry_run:
            return item
        if self._strategy.is_finished(kind, item):
            self._store.remove(kind.place, item)
            # The last write of an object that goes with it has no version of its own.
            return {**item, "metadata": {**item["metadata"], "resourceVersion": old["resourceVersion"]}}
        return self._store.put(kind.place, item)


def _check_preconditions(call: Call, before: Object, wanted: Object) -> None:
    reasons = {
        "uid": ("UID", "The object might have been deleted and then recreated"),
        "resourceVersion": ("ResourceVersion", "The object might have been modified"),
    }
    for name, (word, reason) in reasons.items():
        present = before["metadata"][name]
        if wanted.get(name, present) != present:
            why = f"the {word} in the precondition ({wanted[name]}) does not match the {word} in record"
            # Here the real server names the kind in place of the resource.
            subject = replace(call.kind, plural=call.kind.name)
            raise conflict(subject, call.name, f"{why} ({present}). {reason}")


def _other_uid(call: Call, wanted: str, present: str) -> str:
    place = "/".join(filter(None, (call.kind.plural, call.namespace, call.name)))
    if call.kind.custom:
        place = f"{call.kind.group}/{place}"
    why = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {present}"
    where = f"Code: 4, Key: /registry/{place}, ResourceVersion: 0"
    return f"StorageError: invalid object, {where}, AdditionalErrorMsg: {why}"


def blank(kind: Kind) -> Object:
    """An object of which nothing is set; built-in kinds have some structures even so."""
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {}, **_blank(kind.schema)}


def _blank(schema: Schema) -> Object:
    structures: Object = {name: _blank(schema.properties[name]) for name in schema.always}
    if schema.struct:
        # What is written even when nobody has set it.
        unset = (None, "", 0)
        structures |= {
            name: value for name, value in schema.defaults.items() if value is not False and value in unset
        }
        lists = [name for name in schema.required if schema.properties[name].type == "array"]
        structures.update(dict.fromkeys(lists))
    return structures


def _timeless(item: Object) -> Object:
    """Without the times of managedFields: a write that changes nothing else is none."""
    metadata = dict(item["metadata"])
    if "managedFields" in metadata:
        owners = ownership.owners_of(metadata)
        metadata["managedFields"] = {manager: owned.fields for manager, owned in owners.items()}
    return {**item, "metadata": metadata}


def _set_managed_fields(item: Object, owners: ownership.Owners) -> None:
    if owners:
        item["metadata"]["managedFields"] = ownership.managed_fields(owners)


def _without_managed_fields(item: Object) -> Object:
    metadata = {name: value for name, value in item["metadata"].items() if name != "managedFields"}
    return {**item, "metadata": metadata}
