"""CloudWatch metrics of Aurora that follow the real load of the real servers."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from moto.cloudwatch.models import cloudwatch_backends

from lab.aws.postgres import PostgresServer
from lab.aws.postgres_installation import ADMINISTRATOR
from lab.aws.process_usage import Processes
from lab.aws.rds_aurora import Aurora
from lab.aws.rds_capacity import GIB_PER_ACU, Scaling
from lab.aws.rds_model import Cluster, Member, utcnow

NAMESPACE = "AWS/RDS"
PERIOD_SECONDS = 5.0
_KEPT = timedelta(hours=3)
#: A capacity unit has about this much of a processor, and grows before all of it is used.
_CORES_PER_ACU = 0.25
_TARGET = 0.7
_QUERY = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> %s),
       (SELECT coalesce(sum(pg_database_size(oid)), 0)::bigint FROM pg_database)
"""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Load:
    """What a server did between two samples."""

    cores: float
    memory_bytes: int
    connections: int
    volume_bytes: int
    #: Seconds since a user was last connected.
    idle_seconds: float


def capacity(scaling: Scaling, load: Load) -> float:
    """The ACUs that a cluster under this load would have; 0 while it pauses."""
    pause = scaling.seconds_until_auto_pause
    if pause is not None and load.connections == 0 and load.idle_seconds >= pause:
        return 0.0
    needed = math.ceil(load.cores / _CORES_PER_ACU / _TARGET * 2) / 2
    return min(max(needed, scaling.min_capacity, 0.5), scaling.max_capacity)


def instance_metrics(scaling: Scaling, load: Load) -> dict[str, tuple[float, str]]:
    """Value and unit of an instance's metrics; CPU and memory are relative to the maximum, as on AWS.

    A paused instance tells that it is paused, and no more.
    """
    now = capacity(scaling, load)
    maximum = scaling.max_capacity
    if now == 0:
        return {
            "ServerlessDatabaseCapacity": (0.0, "Count"),
            "ACUUtilization": (0.0, "Percent"),
            "CPUUtilization": (0.0, "Percent"),
        }
    memory = maximum * GIB_PER_ACU * 2**30 - load.memory_bytes
    return {
        "ServerlessDatabaseCapacity": (now, "Count"),
        "ACUUtilization": (now / maximum * 100, "Percent"),
        "CPUUtilization": (min(load.cores / (maximum * _CORES_PER_ACU) * 100, 100.0), "Percent"),
        "FreeableMemory": (max(memory, 0.0), "Bytes"),
        "DatabaseConnections": (float(load.connections), "Count"),
    }


class Sampler:
    """Samples all clusters every few seconds, and keeps their servers alive in between."""

    def __init__(self, aurora: Aurora) -> None:
        self._aurora = aurora
        self._meters: dict[str, _Meter] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cloudwatch", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sampling."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(0.5):
            try:
                self._aurora.keep_alive()
                if time.monotonic() >= due:
                    due = time.monotonic() + PERIOD_SECONDS
                    self.sample()
            except Exception:
                # The next round may go better; the log tells of this one.
                log.exception("sampling failed")

    def sample(self) -> None:
        """Write one data point of every metric of every cluster."""
        with self._aurora.lock:
            clusters = [
                (cluster, cluster.scaling, self._aurora.members_of(cluster))
                for cluster in self._aurora.clusters.values()
                if cluster.status not in ("creating", "deleting")
            ]
        processes = Processes()
        self._meters = {
            cluster.resource_id: self._meters.get(cluster.resource_id) or _Meter(cluster.server)
            for cluster, _scaling, _members in clusters
        }
        for cluster, scaling, members in clusters:
            # A server that is being restarted has no load to tell.
            with contextlib.suppress(psycopg.Error, OSError):
                load = self._meters[cluster.resource_id].read(processes)
                self._put(list(_points(cluster, scaling, members, load)))
        self._forget_old()

    @property
    def _backend(self) -> Any:
        return cloudwatch_backends[self._aurora.settings.account][self._aurora.settings.region]

    def _put(self, points: list[dict[str, Any]]) -> None:
        self._backend.put_metric_data(NAMESPACE, points)

    def _forget_old(self) -> None:
        oldest = utcnow() - _KEPT
        backend = self._backend
        backend.metric_data = [point for point in backend.metric_data if point.timestamp >= oldest]


def _points(
    cluster: Cluster, scaling: Scaling | None, members: list[Member], load: Load
) -> Iterator[dict[str, Any]]:
    by_cluster = {"DBClusterIdentifier": cluster.identifier}
    yield _point("VolumeBytesUsed", (float(load.volume_bytes), "Bytes"), by_cluster)
    if scaling is None or not members:
        return
    for name, value in instance_metrics(scaling, load).items():
        yield _point(name, value, by_cluster)
        for member in members:
            yield _point(name, value, {"DBInstanceIdentifier": member.identifier})
            role = "WRITER" if member.is_writer else "READER"
            yield _point(name, value, {**by_cluster, "Role": role})


def _point(name: str, value: tuple[float, str], dimensions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Value": value[0],
        "Unit": value[1],
        "Timestamp": utcnow(),
        "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
    }


class _Meter:
    """Reads the load of one server."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._before: tuple[float, float] | None = None
        self._last_user = time.monotonic()

    def read(self, processes: Processes) -> Load:
        now, usage = time.monotonic(), processes.usage(self._server.pid)
        before, spent = self._before or (now, usage.cpu_seconds)
        self._before = (now, usage.cpu_seconds)
        with self._server.connect() as connection:
            row = connection.execute(_QUERY, [ADMINISTRATOR]).fetchone()
        connections, volume = row or (0, 0)
        if connections:
            self._last_user = now
        return Load(
            # A restart begins to count at nothing.
            cores=max(usage.cpu_seconds - spent, 0.0) / (now - before) if now > before else 0.0,
            memory_bytes=usage.memory_bytes,
            connections=connections,
            volume_bytes=volume,
            idle_seconds=now - self._last_user,
        )
