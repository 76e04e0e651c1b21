"""CreateDBInstance, ModifyDBInstance, DeleteDBInstance and RebootDBInstance for members of a cluster.

The members of a cluster share one PostgreSQL. A reader answers at the same address as the writer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.aws import rds_requests as requests
from lab.aws.faults import fault, invalid_combination
from lab.aws.rds_aurora import Aurora, matches, require_status
from lab.aws.rds_model import CA_CERTIFICATE, Cluster, Member, parse_tags, resource_id
from lab.waiting import wait_until

Request = Mapping[str, Any]
_CLUSTER_SECONDS = 120
_FILTERS = {
    "db-cluster-id": "DBClusterIdentifier",
    "db-instance-id": "DBInstanceIdentifier",
    "engine": "Engine",
}
_DEFAULTS: dict[str, Any] = {
    "AutoMinorVersionUpgrade": True,
    "CACertificateIdentifier": CA_CERTIFICATE,
    "CopyTagsToSnapshot": False,
    "DatabaseInsightsMode": "standard",
    "MonitoringInterval": 0,
    "PerformanceInsightsEnabled": False,
    "PromotionTier": 1,
    "PubliclyAccessible": False,
}


def create(aurora: Aurora, request: Request) -> dict[str, Any]:
    """CreateDBInstance: the first member of a cluster is its writer."""
    requests.check_known("CreateDBInstance", request)
    identifier = requests.check_identifier("DBInstanceIdentifier", request.get("DBInstanceIdentifier"))
    requests.check_engine(request.get("Engine"))
    requests.check_member_values(request)
    with aurora.lock:
        if identifier in aurora.members:
            raise fault("DBInstanceAlreadyExists", "DB instance already exists")
        cluster = _cluster_for(aurora, request)
        siblings = aurora.members_of(cluster)
        zones = cluster.availability_zones
        member = Member(
            identifier=identifier,
            arn=aurora.arn("db", identifier),
            resource_id=resource_id("db"),
            cluster=cluster,
            availability_zone=request.get("AvailabilityZone") or zones[len(siblings) % len(zones)],
            is_writer=not any(sibling.is_writer for sibling in siblings),
            fields={**_DEFAULTS, **requests.fields(request, requests.MEMBER_FIELDS)},
            tags=parse_tags(request.get("Tags")),
            in_force=dict(cluster.wanted),
        )
        aurora.members[identifier] = member
        answer = aurora.describe_member(member)
    aurora.background.run(
        lambda: _join(aurora, member), _settle(aurora, member, "creation", "DB instance created")
    )
    return {"DBInstance": answer}


def _cluster_for(aurora: Aurora, request: Request) -> Cluster:
    if not request.get("DBClusterIdentifier"):
        raise invalid_combination(
            "The laboratory has members of Aurora clusters only: give DBClusterIdentifier."
        )
    if not request.get("DBInstanceClass"):
        raise invalid_combination("The parameter DBInstanceClass must be provided.")
    cluster = aurora.cluster(request["DBClusterIdentifier"])
    if cluster.status == "deleting":
        raise fault("InvalidDBClusterStateFault", f"DBCluster {cluster.identifier} is in status deleting.")
    if cluster.scaling is None:
        raise fault(
            "InvalidDBClusterStateFault",
            "Set the Serverless v2 scaling configuration on the parent DB cluster before creating a "
            "Serverless v2 DB instance.",
        )
    return cluster


def _join(aurora: Aurora, member: Member) -> None:
    cluster = member.cluster
    wait_until(
        lambda: cluster.status != "creating",
        what=f"cluster {cluster.identifier} to be created",
        timeout=_CLUSTER_SECONDS,
    )
    with aurora.lock:
        alone = aurora.members_of(cluster) == [member]
    if alone and cluster.server.in_force != cluster.wanted:
        # A first instance starts with what was configured before there was any.
        cluster.server.restart(cluster.wanted)
    cluster.server.connect().close()


def _settle(
    aurora: Aurora, member: Member, category: str, message: str
) -> Callable[[Exception | None], None]:
    def settle(error: Exception | None) -> None:
        with aurora.lock:
            member.status = "incompatible-parameters" if error else "available"
        aurora.event(
            "db-instance", member.identifier, "failure" if error else category, str(error or message)
        )

    return settle


def describe(aurora: Aurora, request: Request) -> dict[str, Any]:
    """DescribeDBInstances."""
    with aurora.lock:
        identifier = request.get("DBInstanceIdentifier")
        members = [aurora.member(identifier)] if identifier else list(aurora.members.values())
        descriptions = [aurora.describe_member(member) for member in members]
    filters = request.get("Filters", [])
    return {"DBInstances": [one for one in descriptions if matches(one, filters, _FILTERS)]}


def modify(aurora: Aurora, request: Request) -> dict[str, Any]:
    """ModifyDBInstance."""
    requests.check_known("ModifyDBInstance", request)
    requests.check_member_values(request)
    with aurora.lock:
        member = aurora.member(request["DBInstanceIdentifier"])
        require_status("DBInstance", member.identifier, member.status, {"available"})
        member.fields.update(requests.fields(request, requests.MEMBER_FIELDS))
        member.status = "modifying"
        answer = aurora.describe_member(member)
    aurora.background.run(
        lambda: None, _settle(aurora, member, "configuration change", "Finished applying modifications")
    )
    return {"DBInstance": answer}


def reboot(aurora: Aurora, request: Request) -> dict[str, Any]:
    """RebootDBInstance: pending parameters come into force; the writer's reboot restarts PostgreSQL."""
    if request.get("ForceFailover"):
        raise invalid_combination("ForceFailover cannot be specified for Aurora instances.")
    with aurora.lock:
        member = aurora.member(request["DBInstanceIdentifier"])
        require_status(
            "DBInstance", member.identifier, member.status, {"available", "incompatible-parameters"}
        )
        member.status = "rebooting"
        wanted = dict(member.cluster.wanted)
        answer = aurora.describe_member(member)

    def work() -> None:
        if member.is_writer:
            member.cluster.server.restart(wanted)
        with aurora.lock:
            member.in_force = wanted

    aurora.background.run(work, _settle(aurora, member, "availability", "DB instance restarted"))
    return {"DBInstance": answer}


def delete(aurora: Aurora, request: Request) -> dict[str, Any]:
    """DeleteDBInstance: when the writer goes, the next by promotion tier becomes it."""
    if request.get("FinalDBSnapshotIdentifier"):
        raise invalid_combination(
            "FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance"
        )
    with aurora.lock:
        member = aurora.member(request["DBInstanceIdentifier"])
        if member.status in ("deleting", "creating"):
            raise fault(
                "InvalidDBInstanceState",
                f"Instance {member.identifier} is currently {member.status}: it cannot be deleted",
            )
        member.status = "deleting"
        answer = aurora.describe_member(member)
    aurora.background.run(lambda: None, lambda error: _forget(aurora, member))
    return {"DBInstance": answer}


def _forget(aurora: Aurora, member: Member) -> None:
    with aurora.lock:
        aurora.members.pop(member.identifier, None)
        left = sorted(aurora.members_of(member.cluster), key=lambda one: one.fields["PromotionTier"])
        if member.is_writer and left:
            left[0].is_writer = True
    aurora.event("db-instance", member.identifier, "deletion", "DB instance deleted")
