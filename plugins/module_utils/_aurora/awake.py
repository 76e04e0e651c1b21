# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a cluster with a minimum of 0 from pausing."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .._aws import AwsError
from .._database.api import Connection, query
from . import api
from .observed import Observed
from .waiting import Watch

EXPORTER = "postgres_exporter"
# Any open connection keeps the cluster awake. This one is our own, and rdsadmin is AWS. Without pg_monitor,
# the type of another's session is not seen.
SESSIONS = """\
SELECT coalesce(json_agg(s), '[]')::text FROM (
  SELECT usename AS "user", application_name AS application, count(*) AS connections FROM pg_stat_activity
  WHERE coalesce(backend_type, 'client backend') = 'client backend'
    AND usename <> 'rdsadmin' AND pid <> pg_backend_pid()
  GROUP BY 1, 2 ORDER BY 1, 2) s"""


@dataclasses.dataclass(frozen=True)
class Sleeper:
    """A cluster that shall pause, and the way to ask its database (None: it is not asked)."""

    watch: Watch
    observed: Observed
    database: Connection | None

    def keepers(self) -> tuple[list[str], list[str]]:
        """What keeps it awake, and what could not be seen, in sentences."""
        found: list[str] = []
        unseen: list[str] = []
        for look in (self._proxies, self._replication, self._sessions):
            try:
                found += look()
            except AwsError as error:
                unseen.append(f"{error.message}: {error.answer}")
        return found, unseen

    def _proxies(self) -> list[str]:
        client = self.watch.client
        return [
            f"RDS Proxy {name} holds connections to it: take the cluster out of the proxy"
            for name in api.describe_proxies(client)
            if any(
                target.get("RdsResourceId") == self.watch.cluster_id
                or target.get("TrackedClusterId") == self.watch.cluster_id
                for target in api.describe_proxy_targets(client, name)
            )
        ]

    def _replication(self) -> list[str]:
        group = str(self.observed.cluster["DBClusterParameterGroup"])
        parameters = api.describe_set_parameters(self.watch.client, group)
        values = {each["ParameterName"]: each.get("ParameterValue") for each in parameters}
        if values.get("rds.logical_replication") not in ("1", "on", "true"):
            return []
        return [f"logical replication is on: set rds.logical_replication to 0 in parameter group {group}"]

    def _sessions(self) -> list[str]:
        if self.database is None:
            return []
        rows = json.loads(query(self.database, SESSIONS)[0][0]["stringValue"])
        return [_session(row) for row in rows]


def _session(row: dict[str, t.Any]) -> str:
    user, application, number = row["user"], row["application"], row["connections"]
    held = f"{number} connection{'s' if number > 1 else ''}"
    if EXPORTER in (user, application):
        return (
            f"postgres_exporter in its default mode holds {held} between scrapes, as {user}: take it away, or"
            " keep the minimum at 0.5"
        )
    return f"{held} of user {user}{f' ({application})' if application else ''} are open"
