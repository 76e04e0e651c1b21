"""CreateDBCluster, ModifyDBCluster, DeleteDBCluster and what belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.aws import rds_passwords, rds_snapshots
from lab.aws import rds_requests as requests
from lab.aws.faults import fault, invalid_combination
from lab.aws.postgres_installation import PostgresError
from lab.aws.rds_aurora import Aurora, matches, require_status
from lab.aws.rds_capacity import Scaling
from lab.aws.rds_model import Cluster, parse_tags, resource_id
from lab.waiting import wait_until

Request = Mapping[str, Any]
_PORT = 5432
_DELETION_SECONDS = 120
_FILTERS = {"db-cluster-id": "DBClusterIdentifier", "engine": "Engine"}
_DEFAULTS: dict[str, Any] = {
    "AutoMinorVersionUpgrade": True,
    "BackupRetentionPeriod": 1,
    "CopyTagsToSnapshot": False,
    "DatabaseInsightsMode": "standard",
    "DeletionProtection": False,
    "EngineLifecycleSupport": "open-source-rds-extended-support",
    "HttpEndpointEnabled": False,
    "IAMDatabaseAuthenticationEnabled": False,
    "NetworkType": "IPV4",
    "PerformanceInsightsEnabled": False,
    "PreferredBackupWindow": "03:00-03:30",
    "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
    "StorageEncrypted": False,
    "StorageType": "aurora",
}


def create(aurora: Aurora, request: Request) -> dict[str, Any]:
    """CreateDBCluster: answer at once, go on in the background."""
    requests.check_known("CreateDBCluster", request)
    identifier = requests.check_identifier("DBClusterIdentifier", request.get("DBClusterIdentifier"))
    requests.check_new_cluster(request)
    requests.check_cluster_values(request)
    with aurora.lock:
        if identifier in aurora.clusters:
            raise fault("DBClusterAlreadyExistsFault", "DB Cluster already exists")
        cluster = _new_cluster(aurora, identifier, request)
        login = rds_passwords.first_login(aurora, cluster, request)
        aurora.clusters[identifier] = cluster
        aurora.refresh_parameters(cluster)
        answer = aurora.describe_cluster(cluster)

    def work() -> None:
        database = cluster.fields.get("DatabaseName", "")
        cluster.server.create(aurora.certificate(cluster), cluster.wanted, login, database)

    aurora.event("db-cluster", identifier, "creation", "DB cluster creation started")
    aurora.background.run(work, _settle(aurora, cluster, "creation", "DB cluster created"))
    return {"DBCluster": answer}


def _new_cluster(aurora: Aurora, identifier: str, request: Request) -> Cluster:
    version = aurora.versions.resolve(request.get("EngineVersion"))
    group = aurora.parameter_group(request.get("DBClusterParameterGroupName"))
    subnet_group = request.get("DBSubnetGroupName", "default").lower()
    security_groups = request.get("VpcSecurityGroupIds") or aurora.default_security_groups(subnet_group)
    aurora.check_security_groups(security_groups, subnet_group)
    wish = request.get("ServerlessV2ScalingConfiguration")
    scaling = Scaling.parse(wish, None, aurora.versions.lowest_minimum(version)) if wish else None
    requests.check_insights(request)
    fields = {**_DEFAULTS, **requests.fields(request, requests.CLUSTER_FIELDS), "DBSubnetGroup": subnet_group}
    fields["HttpEndpointEnabled"] = bool(request.get("EnableHttpEndpoint"))
    if request.get("DatabaseName"):
        fields["DatabaseName"] = request["DatabaseName"]
    if request.get("StorageEncrypted") or request.get("KmsKeyId"):
        fields.update(StorageEncrypted=True, KmsKeyId=aurora.key_arn(request.get("KmsKeyId")))
    if request.get("CACertificateIdentifier"):
        fields["CertificateDetails"] = {"CAIdentifier": request["CACertificateIdentifier"]}
    resource = resource_id("cluster")
    return Cluster(
        identifier=identifier,
        arn=aurora.arn("cluster", identifier),
        resource_id=resource,
        engine_version=version,
        master_username=request["MasterUsername"],
        server=aurora.new_server(identifier, resource, request.get("Port", _PORT)),
        parameter_group=group,
        scaling=scaling,
        availability_zones=request.get("AvailabilityZones") or list(aurora.availability_zones),
        fields=fields,
        tags=parse_tags(request.get("Tags")),
        log_exports=sorted(request.get("EnableCloudwatchLogsExports", [])),
        security_groups=list(security_groups),
    )


def _settle(
    aurora: Aurora, cluster: Cluster, category: str, message: str
) -> Callable[[Exception | None], None]:
    """What happens to the cluster's status when background work has ended."""

    def settle(error: Exception | None) -> None:
        with aurora.lock:
            if error is None:
                cluster.status = "available"
                aurora.refresh_parameters(cluster)
                if cluster.master_secret:
                    cluster.master_secret["SecretStatus"] = "active"
            else:
                cluster.status = "incompatible-parameters" if isinstance(error, PostgresError) else "failed"
        aurora.event(
            "db-cluster", cluster.identifier, "failure" if error else category, str(error or message)
        )

    return settle


def describe(aurora: Aurora, request: Request) -> dict[str, Any]:
    """DescribeDBClusters."""
    with aurora.lock:
        identifier = request.get("DBClusterIdentifier")
        clusters = [aurora.cluster(identifier)] if identifier else list(aurora.clusters.values())
        descriptions = [aurora.describe_cluster(cluster) for cluster in clusters]
    filters = request.get("Filters", [])
    return {"DBClusters": [one for one in descriptions if matches(one, filters, _FILTERS)]}


def modify(aurora: Aurora, request: Request) -> dict[str, Any]:
    """ModifyDBCluster."""
    requests.check_known("ModifyDBCluster", request)
    requests.check_cluster_values(request)
    with aurora.lock:
        cluster = aurora.cluster(request["DBClusterIdentifier"])
        require_status("DBCluster", cluster.identifier, cluster.status, {"available"})
        _check_modification(aurora, cluster, request)
        change_password = rds_passwords.plan_change(aurora, cluster, request)
        _modify_capacity(aurora, cluster, request)
        _modify_fields(cluster, request)
        cluster.engine_version = aurora.versions.upgrade(cluster.engine_version, request.get("EngineVersion"))
        cluster.security_groups = list(request.get("VpcSecurityGroupIds", cluster.security_groups))
        aurora.refresh_parameters(cluster)
        cluster.status = "resetting-master-credentials" if change_password else "modifying"
        answer = aurora.describe_cluster(cluster)
    work = change_password or (lambda: None)
    aurora.background.run(
        work, _settle(aurora, cluster, "configuration change", "Finished applying modifications")
    )
    return {"DBCluster": answer}


def _check_modification(aurora: Aurora, cluster: Cluster, request: Request) -> None:
    aurora.versions.upgrade(cluster.engine_version, request.get("EngineVersion"))
    requests.check_insights(request)
    if request.get("Port", cluster.server.port) != cluster.server.port:
        raise invalid_combination("The laboratory does not change the port of a cluster.")
    aurora.check_security_groups(request.get("VpcSecurityGroupIds", []), cluster.fields["DBSubnetGroup"])
    exports = request.get("CloudwatchLogsExportConfiguration", {})
    requests.check_log_types([*exports.get("EnableLogTypes", []), *exports.get("DisableLogTypes", [])])


def _modify_capacity(aurora: Aurora, cluster: Cluster, request: Request) -> None:
    group = aurora.parameter_group(request.get("DBClusterParameterGroupName", cluster.parameter_group))
    wish = request.get("ServerlessV2ScalingConfiguration")
    if wish:
        lowest = aurora.versions.lowest_minimum(cluster.engine_version)
        cluster.scaling = Scaling.parse(wish, cluster.scaling, lowest)
    cluster.parameter_group = group


def _modify_fields(cluster: Cluster, request: Request) -> None:
    immediate = request.get("ApplyImmediately", False)
    now = {name: value for name, value in request.items() if immediate or name not in requests.DEFERRED}
    later = {name: value for name, value in request.items() if name not in now}
    if immediate:
        # The maintenance window is now.
        cluster.fields.update(cluster.pending)
        cluster.pending.clear()
    cluster.fields.update(requests.fields(now, requests.CLUSTER_FIELDS))
    for name, value in requests.fields(later, requests.CLUSTER_FIELDS).items():
        if cluster.fields.get(name) != value:
            cluster.pending[name] = value
    exports = request.get("CloudwatchLogsExportConfiguration")
    if exports:
        enabled = (set(cluster.log_exports) | set(exports.get("EnableLogTypes", []))) - set(
            exports.get("DisableLogTypes", [])
        )
        cluster.log_exports = sorted(enabled)


def rotate(aurora: Aurora, secret_arn: str) -> None:
    """Rotate the master's password of the cluster that owns a secret."""
    for cluster in list(aurora.clusters.values()):
        if cluster.master_secret and cluster.master_secret["SecretArn"] == secret_arn:
            modify(
                aurora,
                {
                    "DBClusterIdentifier": cluster.identifier,
                    "RotateMasterUserPassword": True,
                    "ApplyImmediately": True,
                },
            )


def switch_http_endpoint(aurora: Aurora, request: Request, *, enabled: bool) -> dict[str, Any]:
    """EnableHttpEndpoint and DisableHttpEndpoint."""
    arn = request["ResourceArn"]
    with aurora.lock:
        cluster = next((one for one in aurora.clusters.values() if one.arn == arn), None)
        if cluster is None:
            raise fault("ResourceNotFoundFault", f"The specified resource {arn} could not be found.")
        if cluster.status == "deleting":
            raise fault("InvalidResourceStateFault", f"The resource {arn} is in status {cluster.status}.")
        cluster.fields["HttpEndpointEnabled"] = enabled
    return {"ResourceArn": arn, "HttpEndpointEnabled": enabled}


def delete(aurora: Aurora, request: Request) -> dict[str, Any]:
    """DeleteDBCluster."""
    with aurora.lock:
        cluster = aurora.cluster(request["DBClusterIdentifier"])
        if cluster.fields["DeletionProtection"]:
            raise invalid_combination(
                "Cannot delete protected Cluster, please disable deletion protection and try again."
            )
        require_status(
            "DBCluster",
            cluster.identifier,
            cluster.status,
            {"available", "failed", "incompatible-parameters"},
        )
        if any(member.status != "deleting" for member in aurora.members_of(cluster)):
            raise fault(
                "InvalidDBClusterStateFault",
                "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
            )
        snapshot = rds_snapshots.check_final(aurora, request)
        if snapshot:
            rds_snapshots.take(aurora, cluster, snapshot)
        cluster.status = "deleting"
        answer = aurora.describe_cluster(cluster)
    aurora.background.run(lambda: _remove(aurora, cluster), lambda error: _forget(aurora, cluster))
    return {"DBCluster": answer}


def _remove(aurora: Aurora, cluster: Cluster) -> None:
    wait_until(
        lambda: not aurora.members_of(cluster),
        what=f"the members of {cluster.identifier} to be deleted",
        timeout=_DELETION_SECONDS,
    )
    cluster.server.remove()
    if cluster.master_secret:
        aurora.secrets.delete_managed(cluster.master_secret["SecretArn"])


def _forget(aurora: Aurora, cluster: Cluster) -> None:
    with aurora.lock:
        aurora.clusters.pop(cluster.identifier, None)
    aurora.event("db-cluster", cluster.identifier, "deletion", "DB cluster deleted")
