"""Deployments roll out, and say how far they are, as the real controller does."""

from __future__ import annotations

from typing import Any

import pytest

from lab.standins.workloads.rollouts import Counts, same_template, scale, status, template_hash

Object = dict[str, Any]
NOW, BEFORE = "2026-01-01T00:00:10Z", "2026-01-01T00:00:00Z"


def deployment(replicas: int = 1, strategy: Object | None = None, **old: Any) -> Object:
    return {
        "metadata": {"name": "web", "generation": 2},
        "spec": {"replicas": replicas, "strategy": strategy or {"type": "RollingUpdate"}},
        "status": old,
    }


def replica_set(replicas: int, ready: int | None = None, **more: Any) -> Object:
    now = {"replicas": replicas, "readyReplicas": replicas if ready is None else ready, **more}
    return {"metadata": {"name": "web-1"}, "spec": {"replicas": replicas}, "status": now}


RECREATE = {"type": "Recreate"}


@pytest.mark.parametrize(
    ("wish", "new", "old", "expected"),
    [
        pytest.param(deployment(2), None, [], (2, 0), id="the first rollout"),
        pytest.param(deployment(3), replica_set(1), [], (3, 0), id="scaling up"),
        pytest.param(deployment(0), replica_set(1), [], (0, 0), id="scaling down"),
        pytest.param(
            deployment(1), None, [replica_set(1)], (1, 1), id="one more comes before the old one goes"
        ),
        pytest.param(
            deployment(1), replica_set(1, 0), [replica_set(1)], (1, 1), id="which stays while that starts"
        ),
        pytest.param(
            deployment(1), replica_set(1), [replica_set(1)], (1, 0), id="and goes when that is ready"
        ),
        pytest.param(
            deployment(1), replica_set(1, 0), [replica_set(1, 0)], (1, 0), id="an old one that fails goes"
        ),
        pytest.param(deployment(4), replica_set(1), [replica_set(4)], (1, 2), id="by shares of four"),
        pytest.param(
            deployment(1, RECREATE), None, [replica_set(1)], (0, 0), id="Recreate ends the old ones first"
        ),
        pytest.param(
            deployment(1, RECREATE),
            None,
            [{**replica_set(0), "status": {"replicas": 1}}],
            (0, 0),
            id="waits for them",
        ),
        pytest.param(
            deployment(1, RECREATE), None, [replica_set(0)], (1, 0), id="and starts the new ones then"
        ),
    ],
)
def test_scale(wish: Object, new: Object | None, old: list[Object], expected: tuple[int, int]) -> None:
    ready = sum(one["status"].get("readyReplicas", 0) for one in [*old, *([new] if new else [])])
    assert scale(wish, new, old, ready) == expected


def reasons(found: Object) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in found["conditions"]}


AVAILABLE, UNAVAILABLE = ("True", "MinimumReplicasAvailable"), ("False", "MinimumReplicasUnavailable")


@pytest.mark.parametrize(
    ("counts", "expired", "available", "progressing"),
    [
        pytest.param(Counts(1, 1, 1, 1), False, AVAILABLE, ("True", "NewReplicaSetAvailable"), id="done"),
        pytest.param(Counts(1, 1, 1, 0), False, UNAVAILABLE, ("True", "ReplicaSetUpdated"), id="starting"),
        pytest.param(
            Counts(1, 1, 1, 0),
            True,
            UNAVAILABLE,
            ("False", "ProgressDeadlineExceeded"),
            id="the deadline is over",
        ),
        pytest.param(
            Counts(1, 2, 1, 1), False, AVAILABLE, ("True", "ReplicaSetUpdated"), id="the old one serves"
        ),
        pytest.param(
            Counts(1, 1, 1, 1), True, AVAILABLE, ("True", "NewReplicaSetAvailable"), id="late, but done"
        ),
    ],
)
def test_conditions(
    counts: Counts, expired: bool, available: tuple[str, str], progressing: tuple[str, str]
) -> None:
    found = status(deployment(), replica_set(1), counts, NOW, expired)
    assert reasons(found) == {"Available": available, "Progressing": progressing}


def test_messages_and_counts() -> None:
    found = status(deployment(), replica_set(1), Counts(desired=2, total=2, updated=2, ready=1), NOW, False)
    assert [one["message"] for one in found["conditions"]] == [
        "Deployment does not have minimum availability.",
        'ReplicaSet "web-1" is progressing.',
    ]
    numbers = {key: value for key, value in found.items() if key != "conditions"}
    assert numbers == {
        "observedGeneration": 2,
        "replicas": 2,
        "updatedReplicas": 2,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "unavailableReplicas": 1,
    }


def test_a_pod_that_may_not_be_created_shows() -> None:
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "pods is forbidden",
    }
    found = status(deployment(), replica_set(0, conditions=[failure]), Counts(1, 0, 0, 0), NOW, False)
    assert reasons(found)["ReplicaFailure"] == ("True", "FailedCreate")


def test_times_change_with_what_they_stand_for() -> None:
    counts = Counts(1, 1, 1, 0)
    first = status(deployment(), replica_set(1), counts, BEFORE, False)
    same = status({**deployment(), "status": first}, replica_set(1), counts, NOW, False)
    assert same == first
    done = status({**deployment(), "status": first}, replica_set(1), Counts(1, 1, 1, 1), NOW, False)
    times = {one["type"]: (one["lastUpdateTime"], one["lastTransitionTime"]) for one in done["conditions"]}
    assert times == {"Available": (NOW, NOW), "Progressing": (NOW, BEFORE)}


def test_templates() -> None:
    template: Object = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "one"}]}}
    hashed = {"metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}, "spec": template["spec"]}
    assert same_template(template, {"spec": {"template": hashed}})
    other = {**template, "spec": {"containers": [{"name": "two"}]}}
    assert not same_template(other, {"spec": {"template": hashed}})
    assert len(template_hash(template)) == 10
    assert template_hash(template) != template_hash(other)
