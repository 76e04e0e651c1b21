# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function per EC2 call about security groups: no decisions here."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from .. import _tags
from .._aws import aws_call, aws_lookup
from .api import GroupError

Answer = dict[str, t.Any]
Permission = Mapping[str, t.Any]
# The types of EC2 are as many as those of all other services together.
Client = t.Any


@aws_call(GroupError, "describe security group {name} in {vpc_id}")
def describe_groups(client: Client, name: str, vpc_id: str) -> list[Answer]:
    filters = {"group-name": name, "vpc-id": vpc_id}
    answer = client.describe_security_groups(
        Filters=[{"Name": key, "Values": [value]} for key, value in filters.items()]
    )
    return [t.cast(Answer, group) for group in answer["SecurityGroups"]]


@aws_lookup(GroupError, "create security group {name} in {vpc_id}", "InvalidGroup.Duplicate")
def create_group(client: Client, name: str, vpc_id: str, description: str, tags: Mapping[str, str]) -> None:
    tagging = [{"ResourceType": "security-group", "Tags": _tags.write(tags)}] if tags else []
    client.create_security_group(
        GroupName=name, VpcId=vpc_id, Description=description, TagSpecifications=t.cast(t.Any, tagging)
    )


@aws_lookup(GroupError, "let {permission} into security group {group_id}", "InvalidPermission.Duplicate")
def allow_in(client: Client, group_id: str, permission: Permission) -> None:
    client.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[t.cast(t.Any, permission)])


@aws_lookup(GroupError, "shut {permission} out of security group {group_id}", "InvalidPermission.NotFound")
def shut_in(client: Client, group_id: str, permission: Permission) -> None:
    client.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[t.cast(t.Any, permission)])


@aws_lookup(GroupError, "keep {permission} in security group {group_id}", "InvalidPermission.NotFound")
def shut_out(client: Client, group_id: str, permission: Permission) -> None:
    client.revoke_security_group_egress(GroupId=group_id, IpPermissions=[t.cast(t.Any, permission)])


@aws_call(GroupError, "tag security group {group_id}")
def add_tags(client: Client, group_id: str, tags: Mapping[str, str]) -> None:
    client.create_tags(Resources=[group_id], Tags=t.cast(t.Any, _tags.write(tags)))


@aws_call(GroupError, "remove tags of security group {group_id}")
def remove_tags(client: Client, group_id: str, names: Iterable[str]) -> None:
    client.delete_tags(Resources=[group_id], Tags=[{"Key": name} for name in names])


@aws_lookup(GroupError, "delete security group {group_id}", "InvalidGroup.NotFound")
def delete_group(client: Client, group_id: str) -> None:
    client.delete_security_group(GroupId=group_id)
