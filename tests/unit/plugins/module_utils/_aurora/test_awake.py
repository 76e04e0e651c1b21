# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a cluster awake, in words."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.awake import Sleeper
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.observed import Observed
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.waiting import Watch
from ansible_collections.eks_observability.stack.plugins.module_utils._database.api import Connection
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience
from botocore.exceptions import ClientError


class Aws:
    """Answers of RDS and of the Data API; a page that is an error is raised."""

    def __init__(self, **pages: t.Any) -> None:
        self.pages = pages
        self.sessions: list[dict[str, t.Any]] = pages.pop("sessions", [])

    def get_paginator(self, operation: str) -> t.Any:
        page = self.pages.get(operation, {"DBProxies": [], "Targets": [], "Parameters": []})

        class Pages:
            def paginate(self, **_options: t.Any) -> list[t.Any]:
                if isinstance(page, Exception):
                    raise page
                return [page]

        return Pages()

    def execute_statement(self, **_options: t.Any) -> t.Any:
        return {"records": [[{"stringValue": json.dumps(self.sessions)}]]}


def sleeper(aws: t.Any, *, asked: bool = True) -> Sleeper:
    watch = Watch(aws, "demo", Patience(1))
    database = Connection(aws, "arn:demo", "arn:secret", "app") if asked else None
    return Sleeper(watch, Observed({"DBClusterParameterGroup": "demo"}, ()), database)


PROXY = {"describe_db_proxies": {"DBProxies": [{"DBProxyName": "pool"}]}}
SESSION = {"user": "app", "application": "shop", "connections": 3}
EXPORTER = {"user": "postgres_exporter", "application": "", "connections": 1}
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DescribeDBProxies")


@pytest.mark.parametrize(
    ("aws", "words"),
    [
        pytest.param(Aws(), [], id="nothing"),
        pytest.param(
            Aws(**PROXY, describe_db_proxy_targets={"Targets": [{"RdsResourceId": "demo"}]}),
            ["RDS Proxy pool"],
            id="a proxy",
        ),
        pytest.param(
            Aws(**PROXY, describe_db_proxy_targets={"Targets": [{"RdsResourceId": "other"}]}),
            [],
            id="a proxy of another cluster",
        ),
        pytest.param(
            Aws(
                describe_db_cluster_parameters={
                    "Parameters": [{"ParameterName": "rds.logical_replication", "ParameterValue": "1"}]
                }
            ),
            ["logical replication is on", "rds.logical_replication to 0 in parameter group demo"],
            id="logical replication",
        ),
        pytest.param(
            Aws(sessions=[EXPORTER]),
            ["postgres_exporter in its default mode holds 1 connection "],
            id="exporter",
        ),
        pytest.param(Aws(sessions=[SESSION]), ["3 connections of user app (shop)"], id="an application"),
    ],
)
def test_what_keeps_it_awake_is_named(aws: Aws, words: list[str]) -> None:
    found, unseen = sleeper(aws).keepers()
    assert bool(found) == bool(words)
    assert [word for word in words if word not in " ".join(found)] == []
    assert unseen == []


def test_what_could_not_be_seen_is_said_and_the_rest_is_looked_at() -> None:
    found, unseen = sleeper(Aws(describe_db_proxies=DENIED, sessions=[SESSION])).keepers()
    assert ["app" in each for each in found] == [True]
    assert "Failed to list the database proxies" in unseen[0]


def test_a_database_that_may_sleep_is_not_asked() -> None:
    assert sleeper(Aws(sessions=[SESSION]), asked=False).keepers() == ([], [])
