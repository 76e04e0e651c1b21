# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function per call to IAM: no decisions here."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterable, Mapping

from .. import _tags
from .._aws import AwsError, aws_call, aws_lookup

if t.TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

Answer = dict[str, t.Any]
Document = Mapping[str, t.Any]


class IamError(AwsError):
    """A call to IAM failed, or a role or provider cannot become what was asked for."""


@aws_lookup(IamError, "read role {name}", "NoSuchEntity")
def get_role(client: IAMClient, name: str) -> Answer:
    return t.cast(Answer, client.get_role(RoleName=name)["Role"])


@aws_call(IamError, "list the inline policies of role {name}")
def list_inline_policies(client: IAMClient, name: str) -> list[str]:
    pages = client.get_paginator("list_role_policies").paginate(RoleName=name)
    return [policy for page in pages for policy in page["PolicyNames"]]


@aws_call(IamError, "read inline policy {policy} of role {name}")
def get_inline_policy(client: IAMClient, name: str, policy: str) -> Document:
    answer = client.get_role_policy(RoleName=name, PolicyName=policy)
    return t.cast(Document, answer["PolicyDocument"])


@aws_call(IamError, "list the managed policies of role {name}")
def list_managed_policies(client: IAMClient, name: str) -> list[str]:
    pages = client.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    return [policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]]


@aws_lookup(IamError, "create role {name}", "EntityAlreadyExists")
def create_role(client: IAMClient, name: str, request: Mapping[str, t.Any]) -> None:
    client.create_role(RoleName=name, **request)


@aws_call(IamError, "change the trust policy of role {name}")
def update_trust(client: IAMClient, name: str, document: Document) -> None:
    client.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))


@aws_call(IamError, "change role {name}")
def update_role(client: IAMClient, name: str, request: Mapping[str, t.Any]) -> None:
    client.update_role(RoleName=name, **request)


@aws_call(IamError, "give role {name} the permissions boundary {boundary}")
def put_boundary(client: IAMClient, name: str, boundary: str) -> None:
    client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)


@aws_lookup(IamError, "take the permissions boundary of role {name} away", "NoSuchEntity")
def delete_boundary(client: IAMClient, name: str) -> None:
    client.delete_role_permissions_boundary(RoleName=name)


@aws_call(IamError, "write inline policy {policy} of role {name}")
def put_inline_policy(client: IAMClient, name: str, policy: str, document: Document) -> None:
    client.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


@aws_lookup(IamError, "delete inline policy {policy} of role {name}", "NoSuchEntity")
def delete_inline_policy(client: IAMClient, name: str, policy: str) -> None:
    client.delete_role_policy(RoleName=name, PolicyName=policy)


@aws_call(IamError, "attach policy {arn} to role {name}")
def attach_policy(client: IAMClient, name: str, arn: str) -> None:
    client.attach_role_policy(RoleName=name, PolicyArn=arn)


@aws_lookup(IamError, "detach policy {arn} from role {name}", "NoSuchEntity")
def detach_policy(client: IAMClient, name: str, arn: str) -> None:
    client.detach_role_policy(RoleName=name, PolicyArn=arn)


@aws_call(IamError, "tag role {name}")
def tag_role(client: IAMClient, name: str, tags: Mapping[str, str]) -> None:
    client.tag_role(RoleName=name, Tags=t.cast(t.Any, _tags.write(tags)))


@aws_call(IamError, "remove tags of role {name}")
def untag_role(client: IAMClient, name: str, names: Iterable[str]) -> None:
    client.untag_role(RoleName=name, TagKeys=list(names))


@aws_lookup(IamError, "delete role {name}", "NoSuchEntity")
def delete_role(client: IAMClient, name: str) -> None:
    client.delete_role(RoleName=name)


@aws_lookup(IamError, "create the OIDC provider of {url}", "EntityAlreadyExists")
def create_provider(client: IAMClient, url: str, client_ids: Iterable[str], tags: Mapping[str, str]) -> str:
    """IAM fetches the thumbprint of the issuer's certificate by itself."""
    answer = client.create_open_id_connect_provider(
        Url=url, ClientIDList=list(client_ids), Tags=t.cast(t.Any, _tags.write(tags))
    )
    return answer["OpenIDConnectProviderArn"]


@aws_call(IamError, "add client id {client_id} to OIDC provider {arn}")
def add_client_id(client: IAMClient, arn: str, client_id: str) -> None:
    client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=client_id)


@aws_call(IamError, "tag OIDC provider {arn}")
def tag_provider(client: IAMClient, arn: str, tags: Mapping[str, str]) -> None:
    client.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=t.cast(t.Any, _tags.write(tags)))


@aws_lookup(IamError, "delete OIDC provider {arn}", "NoSuchEntity")
def delete_provider(client: IAMClient, arn: str) -> None:
    client.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
