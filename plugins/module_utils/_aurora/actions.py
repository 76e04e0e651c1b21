# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a cluster what the task asks for, or see what that would do."""

from __future__ import annotations

import dataclasses
import functools
import typing as t
from collections.abc import Mapping

from . import api, engine
from .errors import AuroraError
from .observed import Observed
from .planning import ENGINE, ClusterWish, Plan, Tagging, plan_change, plan_creation
from .predicted import predict
from .waiting import Watch


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run did, or would do: `changes` is (before, after) by name of the option."""

    changed: bool
    changes: Mapping[str, tuple[t.Any, t.Any]]
    cluster: dict[str, t.Any] | None


def ensure_present(watch: Watch, wish: ClusterWish, *, dry_run: bool) -> Outcome:
    """Create, change or finish a cluster, and wait until it can be written to."""
    observed = watch.observe()
    if observed and observed.status == "deleting" and not dry_run:
        watch.until_gone()
    if observed and observed.status == "deleting":
        observed = None
    if observed and not observed.settled and not dry_run:
        observed = watch.until_settled()
    wish = _with_version(watch, wish, observed)
    request, plan = plan_creation(wish) if observed is None else ({}, plan_change(wish, observed))
    if dry_run:
        return Outcome(bool(plan.changes), plan.changes, predict(wish, observed, plan))
    if observed is None:
        observed = _create(watch, request)
        wish = dataclasses.replace(wish, always_send_password=False)
    if plan.changes:
        _apply(watch, plan_change(wish, observed))
        wish = dataclasses.replace(wish, always_send_password=False)
    ready = watch.until(lambda seen: _lacks(wish, seen))
    return Outcome(bool(plan.changes), plan.changes, ready.returned())


def _with_version(watch: Watch, wish: ClusterWish, observed: Observed | None) -> ClusterWish:
    """The wish with an exact engine version, or with none where the cluster has what was asked for."""
    version = wish.values.get("engine_version")
    if version is None:
        return wish
    values = dict(wish.values)
    if observed is None:
        offered = api.describe_engine_versions(watch.client, ENGINE)
        values["engine_version"] = engine.newest(version, engine.available(offered))
    elif engine.matches(version, observed.cluster["EngineVersion"]):
        del values["engine_version"]
    else:
        current = observed.cluster["EngineVersion"]
        described = api.describe_engine_version(watch.client, ENGINE, current)
        targets = [target for each in described for target in each.get("ValidUpgradeTarget", [])]
        values["engine_version"] = engine.upgrade(version, current, targets)
    return dataclasses.replace(wish, values=values)


def _create(watch: Watch, request: Mapping[str, t.Any]) -> Observed:
    """A cluster that exists by now is ours too: the answer to the first request can have been lost."""
    try:
        api.create_cluster(watch.client, watch.cluster_id, request)
    except AuroraError as error:
        if error.code != "DBClusterAlreadyExistsFault":
            raise
    return watch.until_settled()


def _apply(watch: Watch, plan: Plan) -> None:
    """Make the calls of a plan: range before members, because AWS refuses db.serverless without one."""
    client, cluster_id = watch.client, watch.cluster_id
    if plan.modify:
        watch.when_free(lambda: api.modify_cluster(client, cluster_id, plan.modify))
        watch.until_settled()
    if plan.http_endpoint is not None:
        _switch_http_endpoint(watch, on=plan.http_endpoint)
    for tagging in plan.tagging:
        _tag(watch, tagging)
    for instance_id, request in plan.add.items():
        _add_member(watch, instance_id, request)
    for instance_id, request in plan.alter.items():
        _alter_member(watch, instance_id, request)
    for instance_id in plan.remove:
        remove_member(watch, instance_id)


def _switch_http_endpoint(watch: Watch, *, on: bool) -> None:
    observed = watch.observe()
    if observed is not None:
        switch = api.enable_http_endpoint if on else api.disable_http_endpoint
        watch.when_free(functools.partial(switch, watch.client, observed.arn))


def _tag(watch: Watch, tagging: Tagging) -> None:
    if tagging.add:
        api.add_tags(watch.client, tagging.arn, tagging.add)
    if tagging.remove:
        api.remove_tags(watch.client, tagging.arn, list(tagging.remove))


def _add_member(watch: Watch, instance_id: str, request: Mapping[str, t.Any]) -> None:
    """One member, and wait for it: the first one becomes the writer."""

    def create() -> None:
        try:
            api.create_member(watch.client, instance_id, request)
        except AuroraError as error:
            observed = watch.observe()
            ours = observed is not None and any(one.instance_id == instance_id for one in observed.members)
            if error.code != "DBInstanceAlreadyExists" or not ours:
                raise

    watch.when_free(create)
    watch.until_settled()


def _alter_member(watch: Watch, instance_id: str, request: Mapping[str, t.Any]) -> None:
    watch.when_free(lambda: api.modify_member(watch.client, instance_id, request))
    watch.until_settled()


def remove_member(watch: Watch, instance_id: str) -> None:
    """Delete one member and wait until it is gone."""
    watch.when_free(lambda: api.delete_member(watch.client, instance_id))
    watch.until_gone(instance_id)


def _lacks(wish: ClusterWish, seen: Observed) -> list[str]:
    """What an available cluster still lacks: AWS answers "available" before a change has begun to show."""
    lacks = []
    pending = plan_change(wish, seen).changes
    if pending:
        lacks.append(f"not yet as asked: {', '.join(pending)}")
    if seen.members and not any(member.is_writer for member in seen.members):
        lacks.append("no writer yet")
    if (seen.cluster.get("MasterUserSecret") or {}).get("SecretStatus") == "creating":
        lacks.append("the master user's secret is being created")
    return lacks
