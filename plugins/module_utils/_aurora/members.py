# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members come, change and go: plain data in, plain data out."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from .. import _tags
from .._changes import Changes
from .observed import Member

if t.TYPE_CHECKING:
    from .planning import ClusterWish

ENGINE = "aurora-postgresql"
MEMBER_CLASS = "db.serverless"
# What AWS gives a member whose tier nobody chose.
DEFAULT_TIER = 1


@dataclasses.dataclass(frozen=True)
class MemberWish:
    """A member that the cluster shall have; a tier of None is left as it is."""

    instance_id: str
    promotion_tier: int | None = None


@dataclasses.dataclass(frozen=True)
class MembersPlan:
    """The calls to be made, by member, and the same for people."""

    changes: Changes
    add: Mapping[str, Mapping[str, t.Any]]
    alter: Mapping[str, Mapping[str, t.Any]]
    remove: tuple[str, ...]


def plan_members(wish: ClusterWish, staying: Sequence[Member]) -> MembersPlan:
    """`staying` are the members that nobody deletes already, the writer first."""
    if wish.members is None:
        wanted = {member.instance_id: MemberWish(member.instance_id) for member in staying}
    else:
        wanted = {member.instance_id: member for member in wish.members}
    there = {member.instance_id: member for member in staying}
    add = {name: _birth(wish, member) for name, member in wanted.items() if name not in there}
    alter = {name: _alteration(wish, wanted[name], there[name]) for name in wanted if name in there}
    alter = {name: request for name, request in alter.items() if request}
    leaving = [member for member in reversed(staying) if member.instance_id not in wanted]
    # The writer, if at all, at the very end.
    remove = tuple(member.instance_id for member in sorted(leaving, key=lambda one: one.is_writer))
    return MembersPlan(_changes(there, add, alter, remove), add, alter, remove)


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
        request["Tags"] = _tags.write(wish.tags)
    return request


def _alteration(wish: ClusterWish, wanted: MemberWish, member: Member) -> dict[str, t.Any]:
    """The request of ModifyDBInstance."""
    asked = {
        "DBInstanceClass": MEMBER_CLASS if wish.members is not None else None,
        "PubliclyAccessible": False if wish.members is not None else None,
        "PromotionTier": wanted.promotion_tier,
        "CACertificateIdentifier": wish.ca_certificate_identifier,
    }
    has = _properties(member)
    return {name: value for name, value in asked.items() if value is not None and value != has[name]}


def _properties(member: Member) -> dict[str, t.Any]:
    return {
        "DBInstanceClass": member.instance.get("DBInstanceClass", MEMBER_CLASS),
        "PubliclyAccessible": bool(member.instance.get("PubliclyAccessible", False)),
        "PromotionTier": member.promotion_tier,
        "CACertificateIdentifier": member.instance.get("CACertificateIdentifier"),
    }


SHOWN = {
    "DBInstanceClass": "instance_class",
    "PubliclyAccessible": "publicly_accessible",
    "PromotionTier": "promotion_tier",
    "CACertificateIdentifier": "ca_certificate_identifier",
}


def _changes(
    there: Mapping[str, Member],
    add: Mapping[str, Mapping[str, t.Any]],
    alter: Mapping[str, Mapping[str, t.Any]],
    remove: tuple[str, ...],
) -> Changes:
    """By the names of the members, and only what differs of each."""
    before = {name: {"promotion_tier": there[name].promotion_tier} for name in remove}
    before |= {
        name: {SHOWN[each]: _properties(there[name])[each] for each in request}
        for name, request in alter.items()
    }
    after: dict[str, dict[str, t.Any]] = {
        name: {SHOWN[each]: value for each, value in request.items()} for name, request in alter.items()
    }
    after |= {
        name: {"promotion_tier": request.get("PromotionTier", DEFAULT_TIER)} for name, request in add.items()
    }
    return {"members": (before or None, after or None)} if before or after else {}
