# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a DB subnet group what the task asks for, or see what that would do."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from .. import _tags
from .._aurora.api import add_tags, remove_tags
from .._changes import Changes
from . import api
from .api import GroupError

if t.TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient


@dataclasses.dataclass(frozen=True)
class SubnetGroup:
    """A subnet group as the task wants it, or as AWS has it. None = leave as it is."""

    description: str | None
    subnet_ids: tuple[str, ...] | None
    tags: Mapping[str, str] | None

    @classmethod
    def from_answers(cls, group: api.Answer, tags: Mapping[str, str]) -> SubnetGroup:
        subnets = sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"])
        return cls(group["DBSubnetGroupDescription"], tuple(subnets), dict(tags))


def plan(wish: SubnetGroup, current: SubnetGroup | None, *, purge_tags: bool) -> Changes:
    """What differs. Raises GroupError where a new group lacks what AWS needs."""
    if current is None and not (wish.description and wish.subnet_ids):
        raise GroupError("A new DB subnet group needs a description and subnet_ids")
    has = current or SubnetGroup(None, None, None)
    changes: Changes = {}
    if wish.description is not None and wish.description != has.description:
        changes["description"] = (has.description, wish.description)
    if wish.subnet_ids is not None and set(wish.subnet_ids) != set(has.subnet_ids or ()):
        before = list(has.subnet_ids) if has.subnet_ids else None
        changes["subnet_ids"] = (before, sorted(wish.subnet_ids))
    if wish.tags is not None:
        tags = _tags.after(has.tags or {}, wish.tags, purge=purge_tags)
        if tags != (has.tags or {}):
            changes["tags"] = (has.tags, tags)
    return changes


def ensure_present(
    client: RDSClient, name: str, wish: SubnetGroup, *, purge_tags: bool, dry_run: bool
) -> Changes:
    """Create or change the group; returns what differed."""
    arn, current = _observe(client, name)
    changes = plan(wish, current, purge_tags=purge_tags)
    if dry_run or not changes:
        return changes
    if current is None:
        api.create_subnet_group(client, name, _creation(wish))
        # Not always the group of this request: one whose answer was lost may have made it.
        arn, current = _observe(client, name)
    _apply(client, name, arn, current, plan(wish, current, purge_tags=purge_tags))
    return changes


def ensure_absent(client: RDSClient, name: str, *, dry_run: bool) -> Changes:
    """Delete the group. Gone already is fine."""
    _arn, current = _observe(client, name)
    if current is None:
        return {}
    if not dry_run:
        api.delete_subnet_group(client, name)
    return {"name": (name, None)}


def _observe(client: RDSClient, name: str) -> tuple[str, SubnetGroup | None]:
    group = api.describe_subnet_group(client, name)
    if group is None:
        return "", None
    arn = str(group["DBSubnetGroupArn"])
    return arn, SubnetGroup.from_answers(group, api.list_tags(client, arn))


def _creation(wish: SubnetGroup) -> dict[str, t.Any]:
    return {
        "DBSubnetGroupDescription": wish.description,
        "SubnetIds": list(wish.subnet_ids or ()),
        "Tags": _tags.write(wish.tags or {}),
    }


def _apply(client: RDSClient, name: str, arn: str, current: SubnetGroup | None, changes: Changes) -> None:
    if current and changes.keys() & {"description", "subnet_ids"}:
        _before, subnets = changes.get("subnet_ids", (None, list(current.subnet_ids or ())))
        _before, description = changes.get("description", (None, current.description))
        api.modify_subnet_group(client, name, {"DBSubnetGroupDescription": description, "SubnetIds": subnets})
    retag(client, arn, changes)


def retag(client: RDSClient, arn: str, changes: Changes) -> None:
    """Make the calls for a change of tags, if there is one."""
    if "tags" in changes:
        before, wanted = changes["tags"]
        add, remove = _tags.difference(before or {}, wanted)
        if add:
            add_tags(client, arn, add)
        if remove:
            remove_tags(client, arn, list(remove))
