"""managedFields: who owns which field, through updates and server-side apply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from lab.kubernetes.embedded.errors import ApiError
from lab.kubernetes.embedded.fieldsets import (
    FieldSet,
    Path,
    compare,
    fields_of,
    from_fields_v1,
    removed,
    text_of,
    to_fields_v1,
    tree_order,
    with_named_parents,
)
from lab.kubernetes.embedded.merging import merged
from lab.kubernetes.embedded.objects import Json, Object, timestamp
from lab.kubernetes.embedded.schema import Schema

_MOST_UPDATERS = 10
_SYSTEM = (
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
)
#: Fields that nobody owns.
_NOT_OWNED = {
    ("f:apiVersion",),
    ("f:kind",),
    ("f:metadata",),
    *(("f:metadata", f"f:{name}") for name in _SYSTEM),
}


@dataclass(frozen=True)
class Manager:
    """Who writes, and how. Appliers keep their identity when they change the version."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def text(self) -> str:
        """As messages about conflicts have it."""
        words = f'"{self.name}"'
        if self.subresource:
            words += f' with subresource "{self.subresource}"'
        return f"{words} using {self.api_version}" if self.operation == "Update" else words


@dataclass(frozen=True)
class Owned:
    """The fields of one manager."""

    fields: FieldSet
    api_version: str
    time: str


Owners: TypeAlias = dict[Manager, Owned]


@dataclass(frozen=True)
class Write:
    """The circumstances of one write: the kind's schema, the writer, and the fields this path cannot set."""

    schema: Schema
    name: str
    api_version: str
    subresource: str = ""
    reset: tuple[Path, ...] = ()

    def manager(self, operation: str) -> Manager:
        """The writer's identity."""
        version = self.api_version if operation == "Update" else ""
        return Manager(self.name, operation, version, self.subresource)

    def ownable(self, paths: Iterable[Path]) -> FieldSet:
        """Without the fields that this path cannot set."""
        return frozenset(path for path in paths if not any(path[: len(head)] == head for head in self.reset))


def owners_of(metadata: Object) -> Owners:
    """Read managedFields."""
    owners: Owners = {}
    for entry in metadata.get("managedFields") or []:
        version = entry["apiVersion"]
        manager = Manager(
            entry.get("manager", ""),
            entry["operation"],
            version if entry["operation"] == "Update" else "",
            entry.get("subresource", ""),
        )
        fields = from_fields_v1(entry.get("fieldsV1") or {})
        owners[manager] = Owned(fields, version, entry.get("time", ""))
    return owners


def managed_fields(owners: Owners) -> list[Object]:
    """Write managedFields."""
    entries = []
    for manager, owned in owners.items():
        entries.append(
            {
                "manager": manager.name,
                "operation": manager.operation,
                "apiVersion": owned.api_version,
                **({"time": owned.time} if owned.time else {}),
                "fieldsType": "FieldsV1",
                "fieldsV1": to_fields_v1(owned.fields),
                **({"subresource": manager.subresource} if manager.subresource else {}),
            }
        )
    order = ("operation", "time", "manager", "apiVersion", "subresource")
    return sorted(entries, key=lambda entry: tuple(str(entry.get(name, "")) for name in order))


def after_update(write: Write, old: Object, new: Object, owners: Owners) -> Owners:
    """Owners after a create, update or patch: who changes a field owns it alone."""
    try:
        comparison = compare(write.schema, old, new)
    except ValueError:
        # An item without its keys cannot be owned. The real server then records no owners at all.
        return {}
    changed = write.ownable(comparison.modified | comparison.added)
    gone = write.ownable(comparison.removed)
    result = _without(owners, changed | gone)
    taken = changed - _NOT_OWNED
    if taken:
        manager = write.manager("Update")
        before = result[manager].fields if manager in result else frozenset()
        # The real server forgets when somebody scaled.
        time = "" if write.subresource == "scale" else timestamp()
        result[manager] = Owned(taken | before, write.api_version, time)
    return _capped(result)


def before_first_apply(write: Write, live: Object) -> Owners:
    """The owner of an object that has had none until somebody applies to it."""
    fields = fields_of(write.schema, live) - _NOT_OWNED
    manager = Manager("before-first-apply", "Update", write.api_version)
    return {manager: Owned(fields, write.api_version, timestamp())} if fields else {}


def apply(
    write: Write, live: Object, config: Object, owners: Owners, *, force: bool
) -> tuple[Object, Owners]:
    """Server-side apply: the new state and its owners; ApiError 409 when others own what would change.

    `live` and the result carry no managedFields.
    """
    schema, manager = write.schema, write.manager("Apply")
    last = owners[manager].fields if manager in owners else frozenset()
    wanted = write.ownable(fields_of(schema, config))
    claims = {**owners, manager: Owned(wanted, write.api_version, "")}
    state = _pruned(schema, merged(schema, live, config), last, claims)
    comparison = compare(schema, live, state)
    changed = write.ownable(comparison.modified | comparison.added)
    gone = write.ownable(comparison.removed)
    others = {other: owned for other, owned in owners.items() if other != manager}
    conflicts = {other: owned.fields & changed for other, owned in others.items() if owned.fields & changed}
    if conflicts and not force:
        raise _conflict(conflicts)
    others = _without(others, changed | gone)
    fields = wanted - _NOT_OWNED
    if fields:
        others[manager] = Owned(fields, write.api_version, timestamp())
    return state, others


def _pruned(schema: Schema, state: Json, last: FieldSet, claims: Owners) -> Object:
    """Remove what the manager applied last time, does not apply now, and nobody else owns."""
    claimed: set[Path] = set()
    for owned in claims.values():
        claimed |= owned.fields
    gone = with_named_parents(schema, last) - with_named_parents(schema, claimed)
    result: Object = removed(schema, state, gone) if gone else state
    return result


def _without(owners: Owners, paths: FieldSet) -> Owners:
    left = {manager: replace(owned, fields=owned.fields - paths) for manager, owned in owners.items()}
    return {manager: owned for manager, owned in left.items() if owned.fields}


def _capped(owners: Owners) -> Owners:
    """Join the oldest updaters, so that an object that many write does not grow without end."""
    updaters = sorted(
        (manager for manager in owners if manager.operation == "Update"),
        key=lambda manager: (owners[manager].time, manager.name),
    )
    surplus = len(updaters) - _MOST_UPDATERS
    if surplus <= 0:
        return owners
    result = dict(owners)
    joined = [result.pop(manager) for manager in updaters[: surplus + 1]]
    bucket = Manager("ancient-changes", "Update", joined[-1].api_version)
    fields = frozenset().union(*(owned.fields for owned in joined))
    result[bucket] = Owned(fields, joined[-1].api_version, joined[-1].time)
    return result


def _conflict(conflicts: dict[Manager, FieldSet]) -> ApiError:
    managers = sorted(conflicts, key=lambda manager: manager.text)
    found = [
        (manager.text, text_of(path))
        for manager in managers
        for path in sorted(conflicts[manager], key=tree_order)
    ]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path}
        for manager, path in found
    ]
    if len(found) == 1:
        message = f"Apply failed with 1 conflict: conflict with {found[0][0]}: {found[0][1]}"
    else:
        lines = []
        for manager in dict.fromkeys(manager for manager, _path in found):
            lines.append(f"conflicts with {manager}:")
            lines += [f"- {path}" for other, path in found if other == manager]
        message = f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", message, {"causes": causes})
