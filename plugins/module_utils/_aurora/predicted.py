# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster that a run would leave behind, for check mode: what only AWS knows is None."""

from __future__ import annotations

import typing as t

from .. import _tags
from .members import DEFAULT_TIER
from .observed import Observed, tags_of
from .planning import ClusterWish, Plan

DEFAULT_PORT = 5432


def predict(wish: ClusterWish, observed: Observed | None, plan: Plan) -> dict[str, t.Any]:
    """The same keys as Observed.returned()."""
    cluster = observed.returned() if observed else _unborn(wish)
    cluster |= {option: after for option, (_before, after) in plan.changes.items() if option in cluster}
    cluster["members"] = _members(plan, observed)
    if wish.tags is not None:
        before = tags_of(observed.cluster) if observed else {}
        cluster["tags"] = _tags.after(before, wish.tags, purge=wish.purge_tags)
    return cluster


def _unborn(wish: ClusterWish) -> dict[str, t.Any]:
    unknown = ("arn", "resource_id", "endpoint", "reader_endpoint", "engine_version", "database_name")
    return {
        "cluster_id": wish.cluster_id,
        "status": "available",
        **dict.fromkeys(unknown),
        "port": DEFAULT_PORT,
        "master_username": None,
        "master_user_secret_arn": None,
        "scaling": None,
        "deletion_protection": False,
        "tags": {},
    }


def _members(plan: Plan, observed: Observed | None) -> list[dict[str, t.Any]]:
    members = []
    for member in observed.members if observed else ():
        if member.instance_id in plan.remove:
            continue
        tier = plan.alter.get(member.instance_id, {}).get("PromotionTier", member.promotion_tier)
        members.append({**member.returned(), "promotion_tier": tier})
    for instance_id, request in plan.add.items():
        members.append(
            {
                "instance_id": instance_id,
                "status": "available",
                "is_writer": not members,
                "promotion_tier": request.get("PromotionTier", DEFAULT_TIER),
                "parameter_group_status": "in-sync",
                "endpoint": None,
            }
        )
    return members
