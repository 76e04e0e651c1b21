"""A Prometheus object says whether its pod is ready, and whether there is anything to scrape."""

from __future__ import annotations

from typing import Any

import pytest

from lab.standins.prometheus_operator.prometheus_status import prometheus_status

Object = dict[str, Any]
PROMETHEUS: Object = {"metadata": {"name": "stack", "namespace": "monitoring", "generation": 3}, "spec": {}}


def pod(**conditions: str) -> Object:
    found = [
        {"type": name, "status": "False" if message else "True", "message": message}
        for name, message in conditions.items()
    ]
    return {"metadata": {"name": "prometheus-stack-0"}, "status": {"conditions": found}}


@pytest.mark.parametrize(
    ("there", "status", "reason", "message"),
    [
        pytest.param(pod(PodScheduled="", Ready=""), "True", "", "", id="ready"),
        pytest.param(None, "False", "NoPodReady", "", id="no pod yet"),
        pytest.param(
            pod(Ready="later", ContainersReady="unready: [prometheus]", Initialized=""),
            "False",
            "NoPodReady",
            "pod prometheus-stack-0: unready: [prometheus]",
            id="the first step that has not been made",
        ),
    ],
)
def test_available(there: Object | None, status: str, reason: str, message: str) -> None:
    (condition, _other) = prometheus_status(PROMETHEUS, there, 1)["conditions"]
    assert condition["type"] == "Available"
    assert (condition["status"], condition["reason"], condition["message"]) == (status, reason, message)
    assert condition["observedGeneration"] == 3


def test_counts() -> None:
    unready, ready = (prometheus_status(PROMETHEUS, there, 1) for there in (pod(Ready="no"), pod(Ready="")))
    assert (unready["availableReplicas"], unready["unavailableReplicas"]) == (0, 1)
    assert (ready["availableReplicas"], ready["unavailableReplicas"]) == (1, 0)
    assert ready["shardStatuses"] == [
        {
            "shardID": "0",
            "replicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": 1,
            "unavailableReplicas": 0,
        }
    ]


def test_nothing_selected_is_said() -> None:
    reasons = [prometheus_status(PROMETHEUS, None, count)["conditions"][1]["reason"] for count in (0, 1)]
    assert reasons == ["NoSelectedResources", ""]


def test_a_condition_that_stays_keeps_its_time() -> None:
    since = {"type": "Available", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    before = {**PROMETHEUS, "status": {"conditions": [since]}}
    times = [
        prometheus_status(before, there, 1)["conditions"][0]["lastTransitionTime"]
        for there in (pod(Ready=""), None)
    ]
    assert times[0] == since["lastTransitionTime"]
    assert times[1] > times[0]
