# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an IAM role what the task asks for, or see what that would do."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from collections.abc import Mapping

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from .. import _tags
from .._changes import Changes
from .._waiting import Patience, TimedOut
from . import api
from .api import Document, IamError

if t.TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

# Of the task, and of a request to IAM.
DETAILS = {"description": "Description", "max_session_duration": "MaxSessionDuration"}


@dataclasses.dataclass(frozen=True)
class RoleWish:
    """What the task says; None = leave as it is. An empty boundary takes it away."""

    name: str
    trust_policy: Document | None = None
    path: str | None = None
    description: str | None = None
    max_session_duration: int | None = None
    permissions_boundary: str | None = None
    inline_policies: Mapping[str, Document] | None = None
    managed_policies: tuple[str, ...] | None = None
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True


@dataclasses.dataclass(frozen=True)
class Role:
    """A role as IAM has it."""

    arn: str
    path: str
    trust_policy: Document
    description: str
    max_session_duration: int
    permissions_boundary: str
    inline_policies: Mapping[str, Document]
    managed_policies: tuple[str, ...]
    tags: Mapping[str, str]


def observe(client: IAMClient, name: str) -> Role | None:
    """Read a role with all that belongs to it."""
    role = api.get_role(client, name)
    if role is None:
        return None
    inline = api.list_inline_policies(client, name)
    return Role(
        arn=role["Arn"],
        path=role.get("Path", "/"),
        trust_policy=role["AssumeRolePolicyDocument"],
        description=role.get("Description") or "",
        max_session_duration=role.get("MaxSessionDuration", 3600),
        permissions_boundary=(role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", ""),
        inline_policies={policy: api.get_inline_policy(client, name, policy) for policy in inline},
        managed_policies=tuple(sorted(api.list_managed_policies(client, name))),
        tags=_tags.read(role.get("Tags")),
    )


def plan(wish: RoleWish, current: Role | None) -> Changes:
    """What differs. Raises IamError for what cannot be changed, and for a new role without trust policy."""
    if current is None:
        return _plan_creation(wish)
    if wish.path is not None and wish.path != current.path:
        raise IamError(
            f"Could not change role {wish.name}: its path is {current.path}, not {wish.path}. IAM fixes this"
            " at creation: choose another name for the role, or take this one away first"
        )
    changes: Changes = {}
    if wish.trust_policy is not None and compare_policies(current.trust_policy, wish.trust_policy):
        changes["trust_policy"] = (current.trust_policy, wish.trust_policy)
    for option in (*DETAILS, "permissions_boundary"):
        before, wanted = getattr(current, option), getattr(wish, option)
        if wanted is not None and wanted != before:
            changes[option] = (before, wanted)
    changes |= _inline_changes(wish, current)
    if wish.managed_policies is not None and set(wish.managed_policies) != set(current.managed_policies):
        changes["managed_policies"] = (list(current.managed_policies), sorted(wish.managed_policies))
    if wish.tags is not None:
        tags = _tags.after(current.tags, wish.tags, purge=wish.purge_tags)
        if tags != current.tags:
            changes["tags"] = (dict(current.tags), tags)
    return changes


def _plan_creation(wish: RoleWish) -> Changes:
    if wish.trust_policy is None:
        raise IamError(f"There is no role {wish.name}, and a new one needs a trust_policy")
    options = (
        "path",
        "trust_policy",
        *DETAILS,
        "permissions_boundary",
        "inline_policies",
        "managed_policies",
        "tags",
    )
    values = {option: getattr(wish, option) for option in options}
    return {option: (None, value) for option, value in values.items() if value}


def _inline_changes(wish: RoleWish, current: Role) -> Changes:
    """By the names of the policies that come, change or go."""
    if wish.inline_policies is None:
        return {}
    before, after = current.inline_policies, wish.inline_policies
    differing = [
        name
        for name in {**before, **after}
        if name not in before or name not in after or compare_policies(before[name], after[name])
    ]
    if not differing:
        return {}
    return {
        "inline_policies": (
            {name: before[name] for name in differing if name in before},
            {name: after[name] for name in differing if name in after},
        )
    }


def ensure_present(
    client: IAMClient, wish: RoleWish, patience: Patience, *, dry_run: bool
) -> tuple[Changes, str | None]:
    """Create or change the role; returns what differed, and its ARN (None: check mode cannot know it)."""
    current = observe(client, wish.name)
    changes = plan(wish, current)
    if dry_run or not changes:
        return changes, current.arn if current else None
    if current is None:
        current = _create(client, wish, patience)
    _apply(client, wish.name, current, plan(wish, current))
    return changes, current.arn


def _create(client: IAMClient, wish: RoleWish, patience: Patience) -> Role:
    details = {DETAILS[option]: getattr(wish, option) for option in DETAILS}
    request = {
        "Path": wish.path,
        "PermissionsBoundary": wish.permissions_boundary or None,
        "Tags": _tags.write(wish.tags or {}),
        "AssumeRolePolicyDocument": json.dumps(wish.trust_policy),
        **details,
    }
    api.create_role(client, wish.name, {key: value for key, value in request.items() if value is not None})

    def probe() -> tuple[bool, Role | None]:
        role = observe(client, wish.name)
        return role is not None, role

    try:
        return t.cast(Role, patience.until(probe))
    except TimedOut as over:
        raise IamError(
            f"Created role {wish.name}, but IAM does not show it after {over.timeout:g} s. Run again: it goes"
            " on from there"
        ) from over


def _apply(client: IAMClient, name: str, current: Role, changes: Changes) -> None:
    after = {option: wanted for option, (_before, wanted) in changes.items()}
    if "trust_policy" in after:
        api.update_trust(client, name, after["trust_policy"])
    if after.keys() & DETAILS.keys():
        # All of them: what a request leaves out goes back to IAM's default.
        has = {option: getattr(current, option) for option in DETAILS}
        api.update_role(client, name, {DETAILS[each]: after.get(each, has[each]) for each in DETAILS})
    if after.get("permissions_boundary"):
        api.put_boundary(client, name, after["permissions_boundary"])
    elif "permissions_boundary" in after:
        api.delete_boundary(client, name)
    _apply_policies(client, name, changes)
    if "tags" in after:
        add, remove = _tags.difference(current.tags, after["tags"])
        if add:
            api.tag_role(client, name, add)
        if remove:
            api.untag_role(client, name, remove)


def _apply_policies(client: IAMClient, name: str, changes: Changes) -> None:
    has, wants = changes.get("managed_policies", ((), ()))
    for arn in sorted(set(wants) - set(has)):
        api.attach_policy(client, name, arn)
    for arn in sorted(set(has) - set(wants)):
        api.detach_policy(client, name, arn)
    before, wanted = changes.get("inline_policies", ({}, {}))
    for policy, document in wanted.items():
        api.put_inline_policy(client, name, policy, document)
    for policy in sorted(before.keys() - wanted.keys()):
        api.delete_inline_policy(client, name, policy)


def ensure_absent(client: IAMClient, name: str, *, dry_run: bool) -> Changes:
    """Delete a role with its policies. Gone already is fine."""
    current = observe(client, name)
    if current is None:
        return {}
    if not dry_run:
        for arn in current.managed_policies:
            api.detach_policy(client, name, arn)
        for policy in current.inline_policies:
            api.delete_inline_policy(client, name, policy)
        api.delete_role(client, name)
    return {"name": (name, None)}
