# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function per RDS call: no decisions here."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from .. import _tags
from .._aws import aws_call, aws_lookup
from .errors import AuroraError

if t.TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient

Answer = dict[str, t.Any]


@aws_lookup(AuroraError, "describe cluster {cluster_id}", "DBClusterNotFoundFault")
def describe_cluster(client: RDSClient, cluster_id: str) -> Answer:
    return t.cast(Answer, client.describe_db_clusters(DBClusterIdentifier=cluster_id)["DBClusters"][0])


@aws_call(AuroraError, "list the members of cluster {cluster_id}")
def describe_members(client: RDSClient, cluster_id: str) -> list[Answer]:
    pages = client.get_paginator("describe_db_instances").paginate(
        Filters=[{"Name": "db-cluster-id", "Values": [cluster_id]}]
    )
    return [t.cast(Answer, instance) for page in pages for instance in page["DBInstances"]]


@aws_call(AuroraError, "list the versions of {engine}")
def describe_engine_versions(client: RDSClient, engine: str) -> list[Answer]:
    pages = client.get_paginator("describe_db_engine_versions").paginate(Engine=engine)
    return [t.cast(Answer, version) for page in pages for version in page["DBEngineVersions"]]


@aws_call(AuroraError, "describe version {version} of {engine}")
def describe_engine_version(client: RDSClient, engine: str, version: str) -> list[Answer]:
    answer = client.describe_db_engine_versions(Engine=engine, EngineVersion=version)
    return [t.cast(Answer, each) for each in answer["DBEngineVersions"]]


@aws_lookup(AuroraError, "create cluster {cluster_id}", "DBClusterAlreadyExistsFault")
def create_cluster(client: RDSClient, cluster_id: str, request: Mapping[str, t.Any]) -> None:
    client.create_db_cluster(DBClusterIdentifier=cluster_id, **request)


@aws_call(AuroraError, "modify cluster {cluster_id}")
def modify_cluster(client: RDSClient, cluster_id: str, request: Mapping[str, t.Any]) -> None:
    client.modify_db_cluster(DBClusterIdentifier=cluster_id, ApplyImmediately=True, **request)


@aws_lookup(AuroraError, "delete cluster {cluster_id}", "DBClusterNotFoundFault")
def delete_cluster(client: RDSClient, cluster_id: str, final_snapshot_id: str | None) -> None:
    if final_snapshot_id is None:
        client.delete_db_cluster(DBClusterIdentifier=cluster_id, SkipFinalSnapshot=True)
    else:
        client.delete_db_cluster(
            DBClusterIdentifier=cluster_id,
            SkipFinalSnapshot=False,
            FinalDBSnapshotIdentifier=final_snapshot_id,
        )


@aws_lookup(AuroraError, "describe snapshot {snapshot_id}", "DBClusterSnapshotNotFoundFault")
def describe_snapshot(client: RDSClient, snapshot_id: str) -> Answer:
    answer = client.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=snapshot_id)
    return t.cast(Answer, answer["DBClusterSnapshots"][0])


@aws_call(AuroraError, "list the snapshots of cluster {cluster_id}")
def describe_snapshots(client: RDSClient, cluster_id: str) -> list[Answer]:
    pages = client.get_paginator("describe_db_cluster_snapshots").paginate(DBClusterIdentifier=cluster_id)
    return [t.cast(Answer, snapshot) for page in pages for snapshot in page["DBClusterSnapshots"]]


@aws_call(AuroraError, "enable the HTTP endpoint of {arn}")
def enable_http_endpoint(client: RDSClient, arn: str) -> None:
    client.enable_http_endpoint(ResourceArn=arn)


@aws_call(AuroraError, "disable the HTTP endpoint of {arn}")
def disable_http_endpoint(client: RDSClient, arn: str) -> None:
    client.disable_http_endpoint(ResourceArn=arn)


@aws_call(AuroraError, "create member {instance_id}")
def create_member(client: RDSClient, instance_id: str, request: Mapping[str, t.Any]) -> None:
    client.create_db_instance(DBInstanceIdentifier=instance_id, **request)


@aws_call(AuroraError, "modify member {instance_id}")
def modify_member(client: RDSClient, instance_id: str, request: Mapping[str, t.Any]) -> None:
    client.modify_db_instance(DBInstanceIdentifier=instance_id, ApplyImmediately=True, **request)


@aws_lookup(AuroraError, "delete member {instance_id}", "DBInstanceNotFound")
def delete_member(client: RDSClient, instance_id: str) -> None:
    client.delete_db_instance(DBInstanceIdentifier=instance_id, SkipFinalSnapshot=True)


@aws_call(AuroraError, "reboot member {instance_id}")
def reboot_member(client: RDSClient, instance_id: str) -> None:
    client.reboot_db_instance(DBInstanceIdentifier=instance_id)


@aws_call(AuroraError, "tag {arn}")
def add_tags(client: RDSClient, arn: str, tags: Mapping[str, str]) -> None:
    client.add_tags_to_resource(ResourceName=arn, Tags=t.cast(t.Any, _tags.write(tags)))


@aws_call(AuroraError, "remove tags of {arn}")
def remove_tags(client: RDSClient, arn: str, names: list[str]) -> None:
    client.remove_tags_from_resource(ResourceName=arn, TagKeys=names)


@aws_call(AuroraError, "list the database proxies")
def describe_proxies(client: RDSClient) -> list[str]:
    pages = client.get_paginator("describe_db_proxies").paginate()
    return [proxy["DBProxyName"] for page in pages for proxy in page["DBProxies"]]


@aws_call(AuroraError, "list the targets of database proxy {name}")
def describe_proxy_targets(client: RDSClient, name: str) -> list[Answer]:
    pages = client.get_paginator("describe_db_proxy_targets").paginate(DBProxyName=name)
    return [t.cast(Answer, target) for page in pages for target in page["Targets"]]


@aws_call(AuroraError, "list the parameters of cluster parameter group {name}")
def describe_set_parameters(client: RDSClient, name: str) -> list[Answer]:
    """Those that somebody has set."""
    pages = client.get_paginator("describe_db_cluster_parameters").paginate(
        DBClusterParameterGroupName=name, Source="user"
    )
    return [t.cast(Answer, parameter) for page in pages for parameter in page["Parameters"]]
