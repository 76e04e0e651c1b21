# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the security group of a database what the task asks for, or see what that would do."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Iterable, Mapping

from .. import _tags
from .._changes import Changes
from .._waiting import Patience, TimedOut
from . import ec2_api as api
from .api import GroupError
from .ec2_api import Client

# Where EC2 keeps the sources of a rule, and what it calls one.
SOURCES = {
    "UserIdGroupPairs": "GroupId",
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
}


class Rule(t.NamedTuple):
    """One source that may reach one range of ports. EC2 has no ports where all protocols are meant."""

    protocol: str
    first: int
    last: int
    kind: str
    source: str

    def __str__(self) -> str:
        ports = "all ports" if self.first == -1 else f"{self.first}-{self.last}"
        ports = str(self.first) if self.first == self.last != -1 else ports
        return f"{self.protocol.replace('-1', 'all protocols')} {ports}, {self.source}"

    def permission(self) -> dict[str, t.Any]:
        """As EC2 takes it."""
        ports = {} if self.first == -1 else {"FromPort": self.first, "ToPort": self.last}
        return {"IpProtocol": self.protocol, **ports, self.kind: [{SOURCES[self.kind]: self.source}]}


def rules_of(permissions: Iterable[Mapping[str, t.Any]]) -> frozenset[Rule]:
    """As EC2 answers them."""
    return frozenset(
        Rule(one["IpProtocol"], one.get("FromPort", -1), one.get("ToPort", -1), kind, source[name])
        for one in permissions
        for kind, name in SOURCES.items()
        for source in one.get(kind, [])
    )


@dataclasses.dataclass(frozen=True)
class FirewallWish:
    """Who may reach the database on its port. Nothing goes out of the group."""

    name: str
    vpc_id: str
    description: str | None
    port: int
    group_ids: tuple[str, ...]
    cidrs: tuple[str, ...]
    tags: Mapping[str, str] | None
    purge_tags: bool

    @property
    def ingress(self) -> frozenset[Rule]:
        def rule(kind: str, source: str) -> Rule:
            return Rule("tcp", self.port, self.port, kind, source)

        groups = [rule("UserIdGroupPairs", group) for group in self.group_ids]
        return frozenset(
            groups + [rule("Ipv6Ranges" if ":" in cidr else "IpRanges", cidr) for cidr in self.cidrs]
        )


@dataclasses.dataclass(frozen=True)
class Firewall:
    """A security group as EC2 has it."""

    group_id: str
    ingress: frozenset[Rule]
    egress: frozenset[Rule]
    tags: Mapping[str, str]

    @classmethod
    def from_answer(cls, group: api.Answer) -> Firewall:
        return cls(
            group["GroupId"],
            rules_of(group.get("IpPermissions", [])),
            rules_of(group.get("IpPermissionsEgress", [])),
            _tags.read(group.get("Tags")),
        )


def plan(wish: FirewallWish, current: Firewall | None) -> Changes:
    """What differs. Rules of others go: this group is for the database alone."""
    everybody = [cidr for cidr in wish.cidrs if cidr.partition("/")[2].strip("0") == ""]
    if everybody:
        raise GroupError(
            f"Security group {wish.name} would let in everybody ({', '.join(everybody)}): name the networks"
            " that need the database"
        )
    has = current or Firewall("", frozenset(), frozenset(), {})
    changes: Changes = {}
    if has.ingress != wish.ingress:
        changes["ingress"] = (_shown(has.ingress) if current else None, _shown(wish.ingress))
    if has.egress:
        changes["egress"] = (_shown(has.egress), [])
    if wish.tags is not None:
        tags = _tags.after(has.tags, wish.tags, purge=wish.purge_tags)
        if tags != has.tags:
            changes["tags"] = (dict(has.tags) if current else None, tags)
    return changes


def _shown(rules: Iterable[Rule]) -> list[str]:
    return sorted(map(str, rules))


def ensure_present(client: Client, wish: FirewallWish, *, dry_run: bool) -> tuple[Changes, str | None]:
    """Create or change the group; returns what differed, and its id (None: check mode cannot know it)."""
    current = _observe(client, wish.name, wish.vpc_id)
    changes = plan(wish, current)
    if current is None:
        changes = {"description": (None, _description(wish)), **changes}
    if dry_run or not changes:
        return changes, current.group_id if current else None
    if current is None:
        current = _create(client, wish)
    _apply(client, current, wish)
    return changes, current.group_id


def _description(wish: FirewallWish) -> str:
    if not wish.description:
        raise GroupError(f"There is no security group {wish.name}, and a new one needs a description")
    return wish.description


def _observe(client: Client, name: str, vpc_id: str) -> Firewall | None:
    groups = api.describe_groups(client, name, vpc_id)
    return Firewall.from_answer(groups[0]) if groups else None


def _create(client: Client, wish: FirewallWish) -> Firewall:
    """With the rule that lets everything out, which AWS gives every group."""
    api.create_group(client, wish.name, wish.vpc_id, _description(wish), wish.tags or {})
    made = _observe(client, wish.name, wish.vpc_id)
    if made is None:
        raise GroupError(f"Created security group {wish.name}, but EC2 does not show it yet. Run again")
    return made


def _apply(client: Client, current: Firewall, wish: FirewallWish) -> None:
    """Who may come in does so before those who may not any more are shut out."""
    group = current.group_id
    for rule in sorted(wish.ingress - current.ingress):
        api.allow_in(client, group, rule.permission())
    for rule in sorted(current.ingress - wish.ingress):
        api.shut_in(client, group, rule.permission())
    for rule in sorted(current.egress):
        api.shut_out(client, group, rule.permission())
    if wish.tags is not None:
        wanted = _tags.after(current.tags, wish.tags, purge=wish.purge_tags)
        add, remove = _tags.difference(current.tags, wanted)
        if add:
            api.add_tags(client, group, add)
        if remove:
            api.remove_tags(client, group, remove)


def ensure_absent(client: Client, name: str, vpc_id: str, patience: Patience, *, dry_run: bool) -> Changes:
    """Delete the group, once the interfaces of a cluster that has just gone are out of it."""
    current = _observe(client, name, vpc_id)
    if current is None:
        return {}
    group_id = current.group_id

    def probe() -> tuple[bool, GroupError | None]:
        try:
            api.delete_group(client, group_id)
        except GroupError as error:
            if error.code != "DependencyViolation":
                raise
            return False, error
        return True, None

    if not dry_run:
        try:
            patience.until(probe)
        except TimedOut as over:
            raise t.cast(GroupError, over.last) from over
    return {"name": (name, None)}
