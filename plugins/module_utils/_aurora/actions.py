# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a cluster what the task asks for, or see what that would do."""

from __future__ import annotations

import dataclasses
import functools
import typing as t
from collections.abc import Mapping

from .._changes import Changes
from . import api, engine
from .errors import AuroraError
from .members import ENGINE
from .observed import Observed
from .planning import ClusterWish, Plan, Tagging, plan_change, plan_creation
from .predicted import predict
from .waiting import Watch


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run changed, or would change, and the cluster after it."""

    changes: Changes
    cluster: dict[str, t.Any]


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
    _check_minimum(watch, wish, observed, plan)
    if dry_run:
        return Outcome(plan.changes, predict(wish, observed, plan))
    if observed is None:
        api.create_cluster(watch.client, watch.cluster_id, request)
        observed = watch.until_settled()
        wish = _without_password(wish)
    if plan.changes:
        _apply(watch, wish, plan_change(wish, observed))
    asked = _without_password(wish)
    ready = watch.until(lambda seen: _lacks(asked, seen))
    return Outcome(plan.changes, ready.returned())


def _without_password(wish: ClusterWish) -> ClusterWish:
    """What is left to ask for when the password is on its way."""
    return dataclasses.replace(wish, always_send_password=False, rotate_managed_password=False)


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


def _check_minimum(watch: Watch, wish: ClusterWish, observed: Observed | None, plan: Plan) -> None:
    _before, after = plan.changes.get("scaling", (None, None))
    running = observed.cluster["EngineVersion"] if observed else None
    version = wish.values.get("engine_version", running)
    if after and version:
        check_minimum(watch, str(version), after["min_capacity"])


def check_minimum(watch: Watch, version: str, minimum: float) -> None:
    """Refuse a minimum of 0 where AWS says that this version cannot pause."""
    if minimum == 0:
        engine.refuse_pause(watch.cluster_id, api.describe_engine_version(watch.client, ENGINE, version))


def _apply(watch: Watch, wish: ClusterWish, plan: Plan) -> None:
    """Make the calls of a plan: range before members, because AWS refuses db.serverless without one."""
    for request in _in_turn(plan.modify):
        _modify(watch, wish, request)
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


def _in_turn(modify: Mapping[str, t.Any]) -> list[Mapping[str, t.Any]]:
    """The version first: what else is asked for may need it."""
    version = {name: value for name, value in modify.items() if name == "EngineVersion"}
    others = {name: value for name, value in modify.items() if name != "EngineVersion"}
    return [request for request in (version, others) if request]


def _modify(watch: Watch, wish: ClusterWish, request: Mapping[str, t.Any]) -> None:
    """Ask once: a request whose answer was lost has made the cluster busy, and shows in what it has then."""
    left: Mapping[str, t.Any] | None = request

    def modify() -> None:
        nonlocal left, wish
        if left is None:
            seen = watch.observe()
            lacking = plan_change(wish, seen).modify if seen else {}
            left = {name: value for name, value in lacking.items() if name in request}
        try:
            if left:
                api.modify_cluster(watch.client, watch.cluster_id, left)
        except AuroraError:
            left, seen = None, watch.observe()
            if seen and seen.status == "resetting-master-credentials":
                wish = _without_password(wish)
            raise

    watch.when_free(modify)
    watch.until_settled()


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
