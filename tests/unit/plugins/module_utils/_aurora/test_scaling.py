"""Ranges of capacity."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.errors import AuroraError
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.scaling import (
    Scaling,
    ScalingWish,
    plan_scaling,
)


@pytest.mark.parametrize(
    ("current", "wish", "expected"),
    [
        pytest.param(None, ScalingWish(0.5, 4), Scaling(0.5, 4), id="first range of a provisioned cluster"),
        pytest.param(Scaling(0.5, 4), ScalingWish(None, 8), Scaling(0.5, 8), id="left-out minimum stays"),
        pytest.param(Scaling(0.5, 4), ScalingWish(2, None), Scaling(2, 4), id="left-out maximum stays"),
        pytest.param(
            Scaling(0.5, 4), ScalingWish(0), Scaling(0, 4, 300), id="0 is a value, with AWS's pause"
        ),
        pytest.param(
            Scaling(0.5, 4), ScalingWish(0, None, 900), Scaling(0, 4, 900), id="0 with its own pause"
        ),
        pytest.param(Scaling(0, 4, 900), ScalingWish(None, 8), Scaling(0, 8, 900), id="left-out pause stays"),
        pytest.param(Scaling(0, 4, 900), ScalingWish(1), Scaling(1, 4), id="no pause once the minimum rises"),
        pytest.param(Scaling(0, 4, 900), ScalingWish(None, None, 600), Scaling(0, 4, 600), id="pause alone"),
        pytest.param(
            Scaling(1, 4), ScalingWish(None, None, 600), Scaling(1, 4), id="a pause needs minimum 0"
        ),
        pytest.param(Scaling(1, 4), ScalingWish(), Scaling(1, 4), id="no wish is no change"),
    ],
)
def test_plan(current: Scaling | None, wish: ScalingWish, expected: Scaling) -> None:
    assert plan_scaling("demo", current, wish) == expected


@pytest.mark.parametrize(
    ("current", "wish", "words"),
    [
        pytest.param(None, ScalingWish(1), "both needed", id="half a range for a cluster without one"),
        pytest.param(
            Scaling(1, 4), ScalingWish(0.3), "min_capacity is 0.3, but capacity comes in half", id="0.3"
        ),
        pytest.param(Scaling(1, 4), ScalingWish(None, 2.25), "max_capacity is 2.25", id="2.25"),
        pytest.param(Scaling(1, 4), ScalingWish(-1), "min_capacity is -1", id="below nothing"),
        pytest.param(
            Scaling(1, 4), ScalingWish(8), r"min_capacity \(8\) is above max_capacity \(4\)", id="upside"
        ),
    ],
)
def test_certain_mistakes_are_refused(current: Scaling | None, wish: ScalingWish, words: str) -> None:
    with pytest.raises(AuroraError, match=f"Could not scale cluster demo: .*{words}"):
        plan_scaling("demo", current, wish)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(None, None, id="provisioned cluster"),
        pytest.param({"MinCapacity": 0.5, "MaxCapacity": 1.0}, Scaling(0.5, 1), id="awake at all times"),
        pytest.param(
            {"MinCapacity": 0.0, "MaxCapacity": 1.0, "SecondsUntilAutoPause": 600}, Scaling(0, 1, 600), id="0"
        ),
        pytest.param({"MinCapacity": 0.0, "MaxCapacity": 1.0}, Scaling(0, 1, 300), id="pause not shown"),
    ],
)
def test_from_cluster(shown: dict[str, t.Any] | None, expected: Scaling | None) -> None:
    cluster = {"ServerlessV2ScalingConfiguration": shown} if shown else {}
    assert Scaling.from_cluster(cluster) == expected


@pytest.mark.parametrize(
    ("scaling", "request_"),
    [
        pytest.param(
            Scaling(0, 4, 900), {"MinCapacity": 0, "MaxCapacity": 4, "SecondsUntilAutoPause": 900}, id="0"
        ),
        pytest.param(Scaling(1, 4), {"MinCapacity": 1, "MaxCapacity": 4}, id="no pause is not sent"),
    ],
)
def test_request_has_both_ends(scaling: Scaling, request_: dict[str, t.Any]) -> None:
    assert scaling.request() == request_


@pytest.mark.parametrize(
    ("minimum", "maximum", "connections"),
    [
        pytest.param(1, 1, 189, id="1 ACU"),
        pytest.param(1, 4, 823, id="4 ACU"),
        pytest.param(1, 8, 1669, id="8 ACU"),
        pytest.param(1, 16, 3360, id="16 ACU"),
        pytest.param(1, 32, 5000, id="32 ACU is the end"),
        pytest.param(1, 128, 5000, id="128 ACU has no more"),
        pytest.param(0.5, 16, 2000, id="a minimum of 0.5 caps it"),
        pytest.param(0, 16, 2000, id="a minimum of 0 caps it"),
        pytest.param(0.5, 1, 189, id="the cap is no floor"),
    ],
)
def test_max_connections_is_what_aws_documents(minimum: float, maximum: float, connections: int) -> None:
    assert Scaling(minimum, maximum).max_connections == connections
