"""All Aurora clusters of the laboratory: the state on which the RDS actions work."""

from __future__ import annotations

import logging
import re
import signal
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.ec2.models import ec2_backends
from moto.rds.models import rds_backends

from lab.aws import rds_parameters
from lab.aws.background import Background
from lab.aws.faults import fault, invalid_combination, invalid_value
from lab.aws.postgres import PostgresServer
from lab.aws.postgres_installation import Installation
from lab.aws.rds_capacity import Scaling, max_connections
from lab.aws.rds_engine_versions import EngineVersions
from lab.aws.rds_model import Cluster, Member, utcnow
from lab.aws.secrets import Secrets
from lab.certificates import Authority, Issued
from lab.network import DATABASES, Network
from lab.programs import Program
from lab.settings import Settings

#: Stands for the capacity of a cluster that has none yet.
_SMALLEST = Scaling(0.5, 1.0)
log = logging.getLogger(__name__)


class Aurora:
    """Clusters, members, snapshots and events. Whoever reads or changes them holds `lock`."""

    def __init__(
        self, settings: Settings, authority: Authority, program: Program, secrets: Secrets, network: Network
    ) -> None:
        self.settings = settings
        self.secrets = secrets
        self.lock = threading.RLock()
        self.clusters: dict[str, Cluster] = {}
        self.members: dict[str, Member] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.background = Background(settings.transition_seconds)
        self.availability_zones = [f"{settings.region}{letter}" for letter in "abc"]
        self.versions = EngineVersions(program.version, self.availability_zones)
        self.parameters = rds_parameters.catalogue(self.versions.major)
        self._authority = authority
        self._network = network
        self._program = program
        self._directory = settings.state / "postgres"
        self._installation: Installation | None = None

    def start(self) -> None:
        """Prepare what the servers need."""
        # The servers run as another user where this process is root, and have to get through.
        self._directory.mkdir(mode=0o711)
        self._directory.chmod(0o711)
        self._installation = Installation(self._program.path, self._directory / "installation")
        # The first cluster then has less to wait for.
        self.background.run(self._installation.prepare, lambda error: None)
        self.rds.create_db_cluster_parameter_group(
            self.default_group,
            self.versions.family,
            f"Default cluster parameter group for {self.versions.family}",
            [],
        )

    def stop(self) -> None:
        """Finish what goes on in the background and stop all servers."""
        self.background.stop()
        with ThreadPoolExecutor() as threads:
            for cluster in self.clusters.values():
                threads.submit(cluster.server.stop, signal.SIGQUIT)

    @property
    def rds(self) -> Any:
        """moto's store of subnet and parameter groups."""
        return rds_backends[self.settings.account][self.settings.region]

    @property
    def default_group(self) -> str:
        """Name of the cluster parameter group of those who name none."""
        return f"default.{self.versions.family}"

    def arn(self, kind: str, identifier: str) -> str:
        """ARN of a `cluster`, `db` or `cluster-snapshot`."""
        return f"arn:aws:rds:{self.settings.region}:{self.settings.account}:{kind}:{identifier}"

    def key_arn(self, key: str | None) -> str:
        """ARN of a KMS key given by id, alias or ARN; without one, of RDS' default key."""
        key = key or "alias/aws/rds"
        if key.startswith("arn:"):
            return key
        # An alias leads to the same key for ever.
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, key)) if key.startswith("alias/") else key
        return f"arn:aws:kms:{self.settings.region}:{self.settings.account}:key/{name}"

    def cluster(self, identifier: str) -> Cluster:
        """The cluster with this identifier or ARN. Raises DBClusterNotFoundFault."""
        name = identifier.rpartition(":")[2].lower()
        if name not in self.clusters:
            raise fault("DBClusterNotFoundFault", f"DBCluster {identifier} not found.")
        return self.clusters[name]

    def member(self, identifier: str) -> Member:
        """The member with this identifier or ARN. Raises DBInstanceNotFound."""
        name = identifier.rpartition(":")[2].lower()
        if name not in self.members:
            raise fault("DBInstanceNotFound", f"DBInstance {identifier} not found.")
        return self.members[name]

    def members_of(self, cluster: Cluster) -> list[Member]:
        """The members of a cluster in the order of their creation."""
        return [member for member in self.members.values() if member.cluster is cluster]

    def describe_cluster(self, cluster: Cluster) -> dict[str, Any]:
        """As DescribeDBClusters answers it."""
        return cluster.describe(self.members_of(cluster))

    def describe_member(self, member: Member) -> dict[str, Any]:
        """As DescribeDBInstances answers it."""
        return member.describe(self.rds.subnet_groups.get(member.cluster.fields["DBSubnetGroup"]))

    def event(self, kind: str, identifier: str, category: str, message: str) -> None:
        """Write down what happened to a `db-cluster` or `db-instance`."""
        with self.lock:
            self.events.append(
                {
                    "SourceType": kind,
                    "SourceIdentifier": identifier,
                    "EventCategories": [category],
                    "Message": message,
                    "Date": utcnow(),
                    "SourceArn": self.arn("cluster" if kind == "db-cluster" else "db", identifier),
                }
            )

    def new_server(self, identifier: str, directory: str, port: int) -> PostgresServer:
        """A server on an address of its own; nothing runs yet."""
        if self._installation is None:
            raise RuntimeError("start() comes first")
        return PostgresServer(
            self._installation,
            self._directory / directory,
            identifier,
            (self._network.address(DATABASES, port), port),
            self.settings.logs / f"postgres-{identifier}.log",
        )

    def certificate(self, cluster: Cluster) -> Issued:
        """The certificate with which a cluster's server answers."""
        return self._authority.issue(f"aurora-{cluster.identifier}", [cluster.server.address])

    def find_group(self, name: str) -> Any:
        """moto's cluster parameter group, or None."""
        groups = self.rds.db_cluster_parameter_groups.values()
        return next((group for group in groups if group.name == name.lower()), None)

    def parameter_group(self, name: str | None) -> str:
        """The name of a cluster parameter group that fits the engine. Raises AWS's error."""
        name = (name or self.default_group).lower()
        group = self.find_group(name)
        if group is None:
            raise fault("DBClusterParameterGroupNotFound", f"DBClusterParameterGroup not found: {name}")
        if group.db_parameter_group_family != self.versions.family:
            raise invalid_combination(
                f"The Parameter Group {name} with DBParameterGroupFamily {group.db_parameter_group_family} "
                "can't be used for this cluster. Please use a Parameter Group with DBParameterGroupFamily "
                f"{self.versions.family}"
            )
        return name

    def subnet_group(self, name: str) -> Any:
        """moto's subnet group. Raises DBSubnetGroupNotFoundFault."""
        group = self.rds.subnet_groups.get(name.lower())
        if group is None:
            raise fault("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.")
        return group

    @property
    def _ec2(self) -> Any:
        return ec2_backends[self.settings.account][self.settings.region]

    def _vpc(self, subnet_group: str) -> str:
        # The group `default` is of the default VPC, and there without being created.
        ec2: Any = self._ec2
        return str(
            ec2.default_vpc.id if subnet_group == "default" else self.subnet_group(subnet_group).vpc_id
        )

    def default_security_groups(self, subnet_group: str) -> list[str]:
        """What a cluster gets that names no security group."""
        return [str(self._ec2.get_security_group_from_name("default", self._vpc(subnet_group)).id)]

    def check_security_groups(self, groups: list[str], subnet_group: str) -> None:
        """Refuse security groups that do not exist or are in another VPC than the subnets."""
        vpc = self._vpc(subnet_group)
        for identifier in groups:
            group = self._ec2.get_security_group_from_id(identifier)
            if group is None:
                raise invalid_value(f"Invalid security group , groupId= {identifier}, groupName=.")
            if group.vpc_id != vpc:
                raise invalid_combination(
                    "The DB instance and EC2 security group are in different VPCs. "
                    f"The DB instance is in {vpc} and the EC2 security group is in {group.vpc_id}"
                )

    def _own_parameters(self, cluster: Cluster) -> Mapping[str, Mapping[str, Any]]:
        group = self.find_group(cluster.parameter_group)
        return group.parameters if group else {}

    def refresh_parameters(self, cluster: Cluster) -> None:
        """Work out what the server should run with, and apply what needs no reboot."""
        own = self._own_parameters(cluster)
        cluster.wanted = rds_parameters.settings(
            self.parameters, own, max_connections(cluster.scaling or _SMALLEST)
        )
        for member in self.members_of(cluster):
            member.in_force = rds_parameters.applied_now(
                self.parameters, own, cluster.wanted, member.in_force
            )
        server = cluster.server
        in_force = rds_parameters.applied_now(self.parameters, own, cluster.wanted, server.in_force)
        if server.pid and in_force != server.in_force:
            server.reload(in_force)

    def keep_alive(self) -> None:
        """Start again what has died."""
        with self.lock:
            clusters = list(self.clusters.values())
        for cluster in clusters:
            cluster.server.keep_alive()


def require_status(kind: str, identifier: str, status: str, wanted: set[str]) -> None:
    """Refuse a change of something that is busy."""
    if status in wanted:
        return
    code = "InvalidDBClusterStateFault" if kind == "DBCluster" else "InvalidDBInstanceState"
    raise fault(code, f"{kind} {identifier} is in status {status} and not in {' or '.join(sorted(wanted))}.")


def matches(
    description: Mapping[str, Any], filters: list[Mapping[str, Any]], names: Mapping[str, str]
) -> bool:
    """Whether a description passes the filters of a request; `names` maps filters to its keys."""
    for one in filters:
        if one["Name"] not in names:
            raise invalid_value(f"Unrecognized filter name: {one['Name']}")
        value = str(description.get(names[one["Name"]], "")).lower()
        # AWS takes identifiers and ARNs alike.
        if value not in {re.sub(r"^arn:.*:", "", wanted).lower() for wanted in one.get("Values", [])}:
            return False
    return True
