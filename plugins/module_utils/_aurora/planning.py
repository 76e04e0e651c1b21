# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change for a cluster to become what the task asks for: plain data in, plain data out."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from .. import _tags
from .._changes import Changes
from .errors import AuroraError
from .fields import BY_OPTION, FIELDS, HTTP_ENDPOINT, LOG_EXPORTS, TOGETHER
from .members import ENGINE, MemberWish, plan_members
from .observed import Observed, tags_of
from .scaling import Scaling, ScalingWish, plan_scaling

PASSWORD = "master_user_password"  # the name of an option
HIDDEN = "(hidden)"


@dataclasses.dataclass(frozen=True)
class ClusterWish:
    """What the task says. `values` holds the options of fields.FIELDS that it gives, and nothing else."""

    cluster_id: str
    values: Mapping[str, t.Any]
    password: str | None = None
    always_send_password: bool = False
    rotate_managed_password: bool = False
    members: tuple[MemberWish, ...] | None = None
    ca_certificate_identifier: str | None = None
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True


@dataclasses.dataclass(frozen=True)
class Tagging:
    """A change of the tags of one resource."""

    arn: str
    add: Mapping[str, str]
    remove: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """Every call that is to be made, and the same for people."""

    changes: Changes
    modify: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    http_endpoint: bool | None = None
    tagging: tuple[Tagging, ...] = ()
    add: Mapping[str, Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    alter: Mapping[str, Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    remove: tuple[str, ...] = ()


def plan_creation(wish: ClusterWish) -> tuple[dict[str, t.Any], Plan]:
    """The request of CreateDBCluster, and the plan: its members are added to the cluster that comes."""
    values = _values(wish, None)
    request: dict[str, t.Any] = {"Engine": ENGINE, "EngineMode": "provisioned"}
    request |= {field.request: field.wire(values[field.option]) for field in FIELDS if field.option in values}
    changes: Changes = {option: (None, _shown(value)) for option, value in values.items()}
    if wish.password is not None:
        request["MasterUserPassword"] = wish.password
        changes[PASSWORD] = (None, HIDDEN)
    if wish.tags:
        request["Tags"] = _tags.write(wish.tags)
        changes["tags"] = (None, dict(wish.tags))
    members = plan_members(wish, ())
    return request, Plan(changes | members.changes, add=members.add)


def plan_change(wish: ClusterWish, observed: Observed) -> Plan:
    """What differs between a cluster and the wish. Raises AuroraError for what cannot be changed."""
    values = _values(wish, observed)
    changes: Changes = {}
    for field in FIELDS:
        if field.option not in values:
            continue
        before, after = field.read(observed.cluster), values[field.option]
        if field.normal(before) != field.normal(after) and not field.equal(after, before):
            changes[field.option] = (_shown(before), _shown(after))
    _refuse_fixed(wish.cluster_id, changes)
    modify = _modify_request(changes, values, observed)
    unmanaged = modify.get("ManageMasterUserPassword") is False
    if wish.password is not None and (wish.always_send_password or unmanaged):
        modify["MasterUserPassword"] = wish.password
        changes[PASSWORD] = (HIDDEN, "(hidden, sent again)")
    if wish.rotate_managed_password and observed.cluster.get("MasterUserSecret"):
        modify["RotateMasterUserPassword"] = True
        changes[PASSWORD] = (HIDDEN, "(hidden, rotated by RDS)")
    members = plan_members(wish, [member for member in observed.members if member.status != "deleting"])
    tagging = _tagging(wish, observed)
    return Plan(
        changes=changes | members.changes | _tags_shown(wish, observed, tagging),
        modify=modify,
        http_endpoint=bool(values[HTTP_ENDPOINT]) if HTTP_ENDPOINT in changes else None,
        tagging=tagging,
        add=members.add,
        alter=members.alter,
        remove=members.remove,
    )


def _values(wish: ClusterWish, observed: Observed | None) -> dict[str, t.Any]:
    """The wish with its partial range made whole."""
    values = dict(wish.values)
    if isinstance(values.get("scaling"), ScalingWish):
        current = Scaling.from_cluster(observed.cluster) if observed else None
        values["scaling"] = plan_scaling(wish.cluster_id, current, values["scaling"])
    return values


def _shown(value: t.Any) -> t.Any:
    return dataclasses.asdict(value) if isinstance(value, Scaling) else value


def _refuse_fixed(cluster_id: str, changes: Changes) -> None:
    fixed = [field.option for field in FIELDS if field.option in changes and not field.changeable]
    if fixed:
        told = "; ".join(f"{each} is {changes[each][0]!r}, not {changes[each][1]!r}" for each in fixed)
        raise AuroraError(
            f"Could not change cluster {cluster_id}: {told}. AWS fixes this at creation: take the option"
            " out of the task, or make a new cluster"
        )


def _modify_request(changes: Changes, values: Mapping[str, t.Any], observed: Observed) -> dict[str, t.Any]:
    request = {
        field.request: field.wire(values[field.option])
        for field in FIELDS
        if field.option in changes and field.option not in (HTTP_ENDPOINT, LOG_EXPORTS)
    }
    for options in TOGETHER:
        if changes.keys() & set(options):
            request |= _sent_together(options, values, observed)
    if LOG_EXPORTS in changes:
        before = set(observed.cluster.get("EnabledCloudwatchLogsExports", []))
        after = set(values[LOG_EXPORTS])
        request["CloudwatchLogsExportConfiguration"] = {
            "EnableLogTypes": sorted(after - before),
            "DisableLogTypes": sorted(before - after),
        }
    return request


def _sent_together(
    options: tuple[str, ...], values: Mapping[str, t.Any], observed: Observed
) -> dict[str, t.Any]:
    """All of them: what the task leaves out is sent as the cluster has it."""
    fields = [BY_OPTION[option] for option in options]
    together = {field.request: values.get(field.option, field.read(observed.cluster)) for field in fields}
    return {name: value for name, value in together.items() if value is not None}


def _tagging(wish: ClusterWish, observed: Observed) -> tuple[Tagging, ...]:
    if wish.tags is None:
        return ()
    taggings = []
    for arn, _name, before in _tagged(observed):
        wanted = _tags.after(before, wish.tags, purge=wish.purge_tags)
        add, remove = _tags.difference(before, wanted)
        if add or remove:
            taggings.append(Tagging(arn, add, remove))
    return tuple(taggings)


def _tagged(observed: Observed) -> list[tuple[str, str, dict[str, str]]]:
    """(ARN, name, tags) of all that carries the tags of the task."""
    staying = [member for member in observed.members if member.status != "deleting"]
    members = [(member.arn, member.instance_id, tags_of(member.instance)) for member in staying]
    return [(observed.arn, observed.cluster_id, tags_of(observed.cluster)), *members]


def _tags_shown(wish: ClusterWish, observed: Observed, tagging: tuple[Tagging, ...]) -> Changes:
    """By the names of those whose tags change."""
    changing = {each.arn for each in tagging}
    before = {name: tags for arn, name, tags in _tagged(observed) if arn in changing}
    after = {name: _tags.after(tags, wish.tags or {}, purge=wish.purge_tags) for name, tags in before.items()}
    return {"tags": (before, after)} if before else {}
