"""The RDS actions that moto leaves to the laboratory's own Aurora."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.ec2.responses.security_groups import SecurityGroups
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from lab.aws import rds_clusters, rds_members, rds_parameters, rds_snapshots
from lab.aws.faults import fault, invalid_value
from lab.aws.patches import Patches
from lab.aws.rds_aurora import Aurora
from lab.aws.rds_model import Cluster, Member, describe_tags, parse_tags, utcnow

Request = dict[str, Any]
_ABSENT = (
    "failover_db_cluster",
    "stop_db_cluster",
    "start_db_cluster",
    "restore_db_cluster_from_snapshot",
    "restore_db_cluster_to_point_in_time",
    "create_db_instance_read_replica",
)
_EVENT_MINUTES = 60


class Rds:
    """Answers RDS requests about clusters, and guards what clusters use."""

    def __init__(self, aurora: Aurora) -> None:
        self._aurora = aurora

    def install(self, patches: Patches) -> None:
        """Put the laboratory's actions in the place of moto's."""
        aurora = self._aurora
        actions: dict[str, Callable[[Request], Any]] = {
            "create_db_cluster": partial(rds_clusters.create, aurora),
            "modify_db_cluster": partial(rds_clusters.modify, aurora),
            "delete_db_cluster": partial(rds_clusters.delete, aurora),
            "enable_http_endpoint": partial(rds_clusters.switch_http_endpoint, aurora, enabled=True),
            "disable_http_endpoint": partial(rds_clusters.switch_http_endpoint, aurora, enabled=False),
            "create_db_instance": partial(rds_members.create, aurora),
            "modify_db_instance": partial(rds_members.modify, aurora),
            "delete_db_instance": partial(rds_members.delete, aurora),
            "reboot_db_instance": partial(rds_members.reboot, aurora),
            "create_db_cluster_snapshot": partial(rds_snapshots.create, aurora),
            "describe_db_cluster_snapshots": partial(rds_snapshots.describe, aurora),
            "delete_db_cluster_snapshot": partial(rds_snapshots.delete, aurora),
            "describe_db_cluster_parameters": self._describe_parameters,
            "describe_engine_default_cluster_parameters": self._describe_defaults,
            "reset_db_cluster_parameter_group": self._reset_parameters,
            "describe_db_engine_versions": aurora.versions.describe,
            "describe_orderable_db_instance_options": aurora.versions.describe_orderable,
            "describe_events": self._describe_events,
        }
        pages = {
            "describe_db_clusters": partial(rds_clusters.describe, aurora),
            "describe_db_instances": partial(rds_members.describe, aurora),
        }
        for name, action in actions.items():
            patches.attribute(RDSResponse, name, _answer(action, ActionResult))
        for name, action in pages.items():
            patches.attribute(RDSResponse, name, _answer(action, PaginatedResult))
        for name in _ABSENT:
            patches.attribute(RDSResponse, name, _absent)
        patches.around(RDSResponse, "modify_db_cluster_parameter_group", self._modify_parameters)
        patches.around(RDSResponse, "delete_db_cluster_parameter_group", self._delete_parameter_group)
        patches.around(RDSResponse, "delete_db_subnet_group", self._delete_subnet_group)
        patches.around(RDSBackend, "modify_db_subnet_group", _keep_subnet_group)
        patches.around(RDSResponse, "register_db_proxy_targets", self._register_proxy_targets)
        patches.around(RDSResponse, "list_tags_for_resource", self._list_tags)
        patches.around(RDSResponse, "add_tags_to_resource", self._add_tags)
        patches.around(RDSResponse, "remove_tags_from_resource", self._remove_tags)
        patches.around(SecurityGroups, "delete_security_group", self._delete_security_group)

    def _group(self, name: str) -> Any:
        group = self._aurora.find_group(name)
        if group is None:
            raise fault("DBParameterGroupNotFound", f"DBClusterParameterGroup not found: {name}")
        return group

    def _describe_parameters(self, request: Request) -> dict[str, Any]:
        group = self._group(request["DBClusterParameterGroupName"])
        parameters = rds_parameters.describe(self._aurora.parameters, group.parameters)
        if request.get("Source"):
            parameters = [one for one in parameters if one["Source"] == request["Source"]]
        return rds_parameters.page(parameters, request.get("Marker"), request.get("MaxRecords"))

    def _describe_defaults(self, request: Request) -> dict[str, Any]:
        if request["DBParameterGroupFamily"] != self._aurora.versions.family:
            raise invalid_value(f"DBParameterGroupFamily {request['DBParameterGroupFamily']} not found.")
        parameters = rds_parameters.describe(self._aurora.parameters, {})
        page = rds_parameters.page(parameters, request.get("Marker"), request.get("MaxRecords"))
        return {"EngineDefaults": {"DBParameterGroupFamily": self._aurora.versions.family, **page}}

    def _modify_parameters(self, original: Callable[[Any], Any], response: Any) -> Any:
        name = response.params["DBClusterParameterGroupName"]
        group = self._changeable_group(name)
        with self._aurora.lock:
            for change in response.params.get("Parameters", []):
                rds_parameters.check_change(self._aurora.parameters, change.original_dict())
            answer = original(response)
            self._refresh(group.name)
        return answer

    def _changeable_group(self, name: str) -> Any:
        if name.lower().startswith("default."):
            raise fault(
                "InvalidDBParameterGroupState", f"Default DBClusterParameterGroup cannot be modified: {name}"
            )
        return self._group(name)

    def _reset_parameters(self, request: Request) -> dict[str, Any]:
        group = self._changeable_group(request["DBClusterParameterGroupName"])
        with self._aurora.lock:
            if request.get("ResetAllParameters"):
                group.parameters.clear()
            for parameter in request.get("Parameters", []):
                group.parameters.pop(parameter["ParameterName"], None)
            self._refresh(group.name)
        return {"DBClusterParameterGroupName": group.name}

    def _refresh(self, group: str) -> None:
        for cluster in self._aurora.clusters.values():
            if cluster.parameter_group == group:
                self._aurora.refresh_parameters(cluster)

    def _delete_parameter_group(self, original: Callable[[Any], Any], response: Any) -> Any:
        name = response.params["DBClusterParameterGroupName"]
        self._changeable_group(name)
        if any(cluster.parameter_group == name.lower() for cluster in self._aurora.clusters.values()):
            raise fault(
                "InvalidDBParameterGroupState",
                f"One or more database clusters are still members of this parameter group {name}, "
                "so the group cannot be deleted",
            )
        return original(response)

    def _delete_subnet_group(self, original: Callable[[Any], Any], response: Any) -> Any:
        name = response.params["DBSubnetGroupName"].lower()
        users = [one.identifier for one in self._clusters() if one.fields["DBSubnetGroup"] == name]
        if users:
            raise fault(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{name}' because at least one database cluster: "
                f"{users[0]} is still using it.",
            )
        return original(response)

    def _delete_security_group(self, original: Callable[[Any], Any], response: Any) -> Any:
        group = response._get_param("GroupId")
        if any(group in cluster.security_groups for cluster in self._clusters()):
            # RDS has network interfaces in it.
            raise fault("DependencyViolation", f"resource {group} has a dependent object")
        return original(response)

    def _register_proxy_targets(self, original: Callable[[Any], Any], response: Any) -> Any:
        """moto looks for clusters among its own, which know nothing of these."""
        names = response.params.get("DBClusterIdentifiers", [])
        moto: Any = self._aurora.rds
        with self._aurora.lock:
            known = {name: _ProxyTarget(self._aurora.cluster(name).server.address) for name in names}
            moto.clusters.update(known)
            try:
                return original(response)
            finally:
                for name in known:
                    del moto.clusters[name]

    def _clusters(self) -> list[Cluster]:
        with self._aurora.lock:
            return list(self._aurora.clusters.values())

    def _tagged(self, response: Any) -> Cluster | Member | None:
        arn = response.params["ResourceName"]
        with self._aurora.lock:
            resources: list[Cluster | Member] = [
                *self._aurora.clusters.values(),
                *self._aurora.members.values(),
            ]
        return next((one for one in resources if one.arn == arn), None)

    def _list_tags(self, original: Callable[[Any], Any], response: Any) -> Any:
        resource = self._tagged(response)
        return ActionResult({"TagList": describe_tags(resource.tags)}) if resource else original(response)

    def _add_tags(self, original: Callable[[Any], Any], response: Any) -> Any:
        resource = self._tagged(response)
        if resource is None:
            return original(response)
        resource.tags.update(parse_tags(response.params.get("Tags")))
        return EmptyResult()

    def _remove_tags(self, original: Callable[[Any], Any], response: Any) -> Any:
        resource = self._tagged(response)
        if resource is None:
            return original(response)
        for key in response.params.get("TagKeys", []):
            resource.tags.pop(key, None)
        return EmptyResult()

    def _describe_events(self, request: Request) -> dict[str, Any]:
        kind, identifier = request.get("SourceType"), request.get("SourceIdentifier")
        if identifier and not kind:
            raise invalid_value("The parameter SourceType must be provided together with SourceIdentifier.")
        since = request.get("StartTime") or utcnow() - timedelta(
            minutes=request.get("Duration", _EVENT_MINUTES)
        )
        until = request.get("EndTime") or utcnow()
        with self._aurora.lock:
            events = list(self._aurora.events)
        return {
            "Events": [
                event
                for event in events
                if kind in (None, event["SourceType"])
                and identifier in (None, event["SourceIdentifier"])
                and since <= event["Date"] <= until
            ]
        }


def _keep_subnet_group(original: Callable[..., Any], backend: Any, name: str, *arguments: Any) -> Any:
    """moto takes the group out of its store, and does not put it back."""
    backend.subnet_groups[name] = group = original(backend, name, *arguments)
    return group


@dataclass
class _ProxyTarget:
    """What moto wants to know of a cluster behind a proxy."""

    endpoint: str


def _answer(action: Callable[[Request], Any], result: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def method(response: Any) -> Any:
        parameters: Any = response.params
        request: Mapping[str, Any] = parameters.original_dict() if parameters else {}
        return result(action(dict(request)))

    return method


def _absent(response: Any) -> Any:
    raise NotImplementedError(response._get_action())
