"""aurora_serverless_scaling against the laboratory's AWS; every change is seen by boto3."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.modules.aurora_serverless_scaling import main

Range = dict[str, t.Any]


@pytest.fixture
def shown(aws: t.Any, shared_cluster: t.Any, run: t.Any) -> t.Callable[[], Range]:
    """The range as AWS shows it; it is the same before every test."""
    run(main, cluster_id="shared", min_capacity=0.5, max_capacity=4, reboot="if_pending", wait_timeout=60)
    return lambda: shared_cluster.describe()["ServerlessV2ScalingConfiguration"]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param({"max_capacity": 8}, {"MinCapacity": 0.5, "MaxCapacity": 8.0}, id="maximum alone"),
        pytest.param({"min_capacity": 2}, {"MinCapacity": 2.0, "MaxCapacity": 4.0}, id="minimum alone"),
        pytest.param(
            {"min_capacity": 0, "seconds_until_auto_pause": 600},
            {"MinCapacity": 0.0, "MaxCapacity": 4.0, "SecondsUntilAutoPause": 600},
            id="sleeps",
        ),
    ],
)
def test_scale(run: t.Any, shown: t.Callable[[], Range], wish: Range, expected: Range) -> None:
    before = shown()
    assert run(main, check=True, cluster_id="shared", **wish)["changed"]
    assert shown() == before
    results = run.matrix(main, cluster_id="shared", wait_timeout=60, **wish)
    assert shown() == expected
    assert results[0]["scaling"] == results[1]["scaling"]
    assert results[1]["scaling_before"] == {
        "min_capacity": 0.5,
        "max_capacity": 4.0,
        "seconds_until_auto_pause": None,
    }


def test_back_from_0_there_is_no_pause_left(run: t.Any, shown: t.Callable[[], Range]) -> None:
    run(main, cluster_id="shared", min_capacity=0, seconds_until_auto_pause=600)
    run.matrix(main, cluster_id="shared", min_capacity=1)
    assert shown() == {"MinCapacity": 1.0, "MaxCapacity": 4.0}


def test_a_reboot_is_only_done_where_it_is_allowed(run: t.Any, shown: t.Callable[[], Range]) -> None:
    told = run(main, cluster_id="shared", max_capacity=8)
    assert (told["max_connections"], told["pending_reboot"], told["rebooted"]) == (1669, True, [])
    assert "RebootDBInstance" not in run.calls.mutating
    results = run.matrix(main, cluster_id="shared", max_capacity=8, reboot="if_pending")
    assert results[0]["rebooted"] == results[1]["rebooted"] == ["shared-1"]
    assert not results[1]["pending_reboot"]


def test_check_mode_foresees_the_reboot(run: t.Any, shown: t.Callable[[], Range]) -> None:
    seen = run(main, check=True, cluster_id="shared", max_capacity=8)
    assert (seen["pending_reboot"], seen["max_connections"]) == (True, 1669)
    seen = run(main, check=True, cluster_id="shared", max_capacity=8, reboot="if_pending")
    assert (seen["pending_reboot"], seen["rebooted"]) == (False, ["shared-1"])


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
@pytest.mark.parametrize(
    ("wish", "words"),
    [
        pytest.param(
            {"cluster_id": "nowhere", "max_capacity": 1},
            "cluster nowhere: it does not exist",
            id="no cluster",
        ),
        pytest.param(
            {"cluster_id": "shared", "min_capacity": 0.3},
            "cluster shared: min_capacity is 0.3",
            id="no half step",
        ),
        pytest.param(
            {"cluster_id": "shared", "min_capacity": 8},
            "min_capacity (8) is above max_capacity (4)",
            id="upside down",
        ),
    ],
)
def test_mistakes(run: t.Any, shown: t.Callable[[], Range], wish: Range, words: str, check: bool) -> None:
    assert words in run.failure(main, check=check, **wish)
    assert run.calls.mutating == []


def test_a_range_that_aws_refuses_is_refused_in_its_words(run: t.Any, shown: t.Callable[[], Range]) -> None:
    said = run.failure(main, cluster_id="shared", max_capacity=1000)
    assert said.startswith("Failed to modify cluster shared: An error occurred (InvalidParameter")
