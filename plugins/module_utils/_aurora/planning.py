# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change for a cluster to become what the task asks for: plain data in, plain data out."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from .errors import AuroraError
from .fields import FIELDS, HTTP_ENDPOINT, LOG_EXPORTS
from .observed import Member, Observed, tags_of
from .scaling import Scaling, ScalingWish, plan_scaling

ENGINE = "aurora-postgresql"
MEMBER_CLASS = "db.serverless"
PASSWORD = "master_user_password"  # the name of an option
HIDDEN = "(hidden)"

Changes = dict[str, tuple[t.Any, t.Any]]  # (before, after) by name of the option


@dataclasses.dataclass(frozen=True)
class MemberWish:
    """A member that the cluster shall have; a tier of None is left as it is."""

    instance_id: str
    promotion_tier: int | None = None


@dataclasses.dataclass(frozen=True)
class ClusterWish:
    """What the task says. `values` holds the options of fields.FIELDS that it gives, and nothing else."""

    cluster_id: str
    values: Mapping[str, t.Any]
    password: str | None = None
    always_send_password: bool = False
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
        request["Tags"] = tag_list(wish.tags)
        changes["tags"] = (None, dict(wish.tags))
    if wish.members:
        changes["members"] = (None, [member.instance_id for member in wish.members])
    add = {member.instance_id: _birth(wish, member) for member in wish.members or ()}
    return request, Plan(changes, add=add)


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
    return _with_members(wish, observed, Plan(changes, modify, _http_endpoint(changes, values)))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


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
    if LOG_EXPORTS in changes:
        before = set(observed.cluster.get("EnabledCloudwatchLogsExports", []))
        after = set(values[LOG_EXPORTS])
        request["CloudwatchLogsExportConfiguration"] = {
            "EnableLogTypes": sorted(after - before),
            "DisableLogTypes": sorted(before - after),
        }
    return request


def _http_endpoint(changes: Mapping[str, t.Any], values: Mapping[str, t.Any]) -> bool | None:
    return bool(values[HTTP_ENDPOINT]) if HTTP_ENDPOINT in changes else None


def _with_members(wish: ClusterWish, observed: Observed, plan: Plan) -> Plan:
    """Add to the plan what happens to members and tags."""
    staying = [member for member in observed.members if member.status != "deleting"]
    coming, remove = _come_and_go(wish, staying)
    alter = _alterations(wish, [member for member in staying if member.instance_id not in remove])
    tagging = _tagging(wish, observed, staying)
    changes = dict(plan.changes)
    if coming or remove or any("PromotionTier" in request for request in alter.values()):
        changes["members"] = (
            [f"{member.instance_id} (tier {member.promotion_tier})" for member in staying],
            [_member_after(member, staying) for member in wish.members or ()],
        )
    renewed = sorted(instance for instance, request in alter.items() if "CACertificateIdentifier" in request)
    if renewed:
        before = {each.instance_id: each.instance.get("CACertificateIdentifier") for each in staying}
        changes["ca_certificate_identifier"] = (
            {instance: before[instance] for instance in renewed},
            dict.fromkeys(renewed, wish.ca_certificate_identifier),
        )
    if tagging:
        changes["tags"] = (tags_of(observed.cluster), _tags_after(wish, tags_of(observed.cluster)))
    add = {member.instance_id: _birth(wish, member) for member in coming}
    return dataclasses.replace(plan, changes=changes, tagging=tagging, add=add, alter=alter, remove=remove)


def _birth(wish: ClusterWish, member: MemberWish) -> dict[str, t.Any]:
    """The request of CreateDBInstance."""
    request: dict[str, t.Any] = {
        "DBClusterIdentifier": wish.cluster_id,
        "DBInstanceClass": MEMBER_CLASS,
        "Engine": ENGINE,
        "PubliclyAccessible": False,
    }
    if member.promotion_tier is not None:
        request["PromotionTier"] = member.promotion_tier
    if wish.ca_certificate_identifier:
        request["CACertificateIdentifier"] = wish.ca_certificate_identifier
    if wish.tags:
        request["Tags"] = tag_list(wish.tags)
    return request


def _come_and_go(wish: ClusterWish, staying: list[Member]) -> tuple[tuple[MemberWish, ...], tuple[str, ...]]:
    """Who is added, and who is removed: the writer, if at all, at the very end."""
    if wish.members is None:
        return (), ()
    there = {member.instance_id for member in staying}
    wanted = {member.instance_id for member in wish.members}
    leaving = [member for member in reversed(staying) if member.instance_id not in wanted]
    return (
        tuple(member for member in wish.members if member.instance_id not in there),
        tuple(member.instance_id for member in sorted(leaving, key=lambda one: one.is_writer)),
    )


def _alterations(wish: ClusterWish, staying: list[Member]) -> dict[str, dict[str, t.Any]]:
    tiers = {member.instance_id: member.promotion_tier for member in wish.members or ()}
    alterations: dict[str, dict[str, t.Any]] = {}
    for member in staying:
        request: dict[str, t.Any] = {}
        tier = tiers.get(member.instance_id)
        if tier is not None and tier != member.promotion_tier:
            request["PromotionTier"] = tier
        certificate = wish.ca_certificate_identifier
        if certificate and certificate != member.instance.get("CACertificateIdentifier"):
            request["CACertificateIdentifier"] = certificate
        if request:
            alterations[member.instance_id] = request
    return alterations


def _member_after(wish: MemberWish, staying: list[Member]) -> str:
    before = {member.instance_id: member.promotion_tier for member in staying}
    tier = wish.promotion_tier if wish.promotion_tier is not None else before.get(wish.instance_id, 1)
    return f"{wish.instance_id} (tier {tier})"


def _tagging(wish: ClusterWish, observed: Observed, staying: list[Member]) -> tuple[Tagging, ...]:
    if wish.tags is None:
        return ()
    resources = [(observed.arn, observed.cluster), *((member.arn, member.instance) for member in staying)]
    taggings = []
    for arn, resource in resources:
        before = tags_of(resource)
        after = _tags_after(wish, before)
        add = {name: value for name, value in after.items() if before.get(name) != value}
        remove = tuple(sorted(before.keys() - after.keys()))
        if add or remove:
            taggings.append(Tagging(arn, add, remove))
    return tuple(taggings)


def _tags_after(wish: ClusterWish, before: Mapping[str, str]) -> dict[str, str]:
    """Names that begin with aws: belong to AWS."""
    kept = {name: value for name, value in before.items() if name.startswith("aws:") or not wish.purge_tags}
    return {**kept, **(wish.tags or {})}
