# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function per RDS call about subnet groups and cluster parameter groups: no decisions here."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from .. import _tags
from .._aws import AwsError, aws_call, aws_lookup

if t.TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient

Answer = dict[str, t.Any]


class GroupError(AwsError):
    """A call to RDS failed, or a group cannot become what was asked for."""


@aws_lookup(GroupError, "describe DB subnet group {name}", "DBSubnetGroupNotFoundFault")
def describe_subnet_group(client: RDSClient, name: str) -> Answer:
    return t.cast(Answer, client.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0])


@aws_lookup(GroupError, "create DB subnet group {name}", "DBSubnetGroupAlreadyExists")
def create_subnet_group(client: RDSClient, name: str, request: Mapping[str, t.Any]) -> None:
    client.create_db_subnet_group(DBSubnetGroupName=name, **request)


@aws_call(GroupError, "modify DB subnet group {name}")
def modify_subnet_group(client: RDSClient, name: str, request: Mapping[str, t.Any]) -> None:
    client.modify_db_subnet_group(DBSubnetGroupName=name, **request)


@aws_lookup(GroupError, "delete DB subnet group {name}", "DBSubnetGroupNotFoundFault")
def delete_subnet_group(client: RDSClient, name: str) -> None:
    client.delete_db_subnet_group(DBSubnetGroupName=name)


@aws_lookup(GroupError, "describe cluster parameter group {name}", "DBParameterGroupNotFound")
def describe_parameter_group(client: RDSClient, name: str) -> Answer:
    answer = client.describe_db_cluster_parameter_groups(DBClusterParameterGroupName=name)
    return t.cast(Answer, answer["DBClusterParameterGroups"][0])


@aws_call(GroupError, "list the parameters of cluster parameter group {name}")
def describe_parameters(client: RDSClient, name: str) -> list[Answer]:
    pages = client.get_paginator("describe_db_cluster_parameters").paginate(DBClusterParameterGroupName=name)
    return [t.cast(Answer, parameter) for page in pages for parameter in page["Parameters"]]


@aws_call(GroupError, "list the default parameters of {family}")
def describe_default_parameters(client: RDSClient, family: str) -> list[Answer]:
    pages = client.get_paginator("describe_engine_default_cluster_parameters").paginate(
        DBParameterGroupFamily=family
    )
    return [t.cast(Answer, parameter) for page in pages for parameter in page["EngineDefaults"]["Parameters"]]


@aws_lookup(GroupError, "create cluster parameter group {name}", "DBParameterGroupAlreadyExists")
def create_parameter_group(
    client: RDSClient, name: str, family: str, description: str, tags: Mapping[str, str]
) -> None:
    client.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name,
        DBParameterGroupFamily=family,
        Description=description,
        Tags=t.cast(t.Any, _tags.write(tags)),
    )


@aws_call(GroupError, "modify cluster parameter group {name}")
def modify_parameters(client: RDSClient, name: str, parameters: Iterable[Mapping[str, str]]) -> None:
    client.modify_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, Parameters=t.cast(t.Any, list(parameters))
    )


@aws_call(GroupError, "reset parameters of cluster parameter group {name}")
def reset_parameters(client: RDSClient, name: str, parameters: Iterable[Mapping[str, str]]) -> None:
    client.reset_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, Parameters=t.cast(t.Any, list(parameters))
    )


@aws_lookup(GroupError, "delete cluster parameter group {name}", "DBParameterGroupNotFound")
def delete_parameter_group(client: RDSClient, name: str) -> None:
    client.delete_db_cluster_parameter_group(DBClusterParameterGroupName=name)


@aws_call(GroupError, "list the tags of {arn}")
def list_tags(client: RDSClient, arn: str) -> dict[str, str]:
    return _tags.read(t.cast(t.Any, client.list_tags_for_resource(ResourceName=arn)["TagList"]))
