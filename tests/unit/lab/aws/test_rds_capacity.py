"""ACU ranges."""

from __future__ import annotations

from typing import Any

import pytest

from lab.aws.cloudwatch import Load, capacity, instance_metrics
from lab.aws.faults import Fault
from lab.aws.rds_capacity import Scaling, max_connections

BEFORE = Scaling(0.5, 4.0)


@pytest.mark.parametrize(
    ("wish", "before", "expected"),
    [
        pytest.param({"MinCapacity": 0.5, "MaxCapacity": 2.0}, None, Scaling(0.5, 2.0), id="first range"),
        pytest.param({"MaxCapacity": 8.0}, BEFORE, Scaling(0.5, 8.0), id="left-out minimum stays"),
        pytest.param({"MinCapacity": 0.0}, BEFORE, Scaling(0.0, 4.0, 300), id="zero gets the default pause"),
        pytest.param(
            {"MinCapacity": 0.0, "SecondsUntilAutoPause": 3600},
            BEFORE,
            Scaling(0.0, 4.0, 3600),
            id="given pause",
        ),
        pytest.param({"MaxCapacity": 8.0}, Scaling(0.0, 4.0, 900), Scaling(0.0, 8.0, 900), id="pause stays"),
        pytest.param(
            {"MinCapacity": 1.0}, Scaling(0.0, 4.0, 900), Scaling(1.0, 4.0), id="a minimum removes the pause"
        ),
        pytest.param({"MinCapacity": 256.0, "MaxCapacity": 256.0}, None, Scaling(256.0, 256.0), id="largest"),
    ],
)
def test_ranges(wish: dict[str, Any], before: Scaling | None, expected: Scaling) -> None:
    assert Scaling.parse(wish, before) == expected


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        pytest.param({"MinCapacity": 0.3, "MaxCapacity": 2.0}, "half steps", id="no half step"),
        pytest.param({"MinCapacity": 0.5, "MaxCapacity": 1.7}, "half steps", id="maximum no half step"),
        pytest.param({"MinCapacity": 0.0, "MaxCapacity": 0.5}, "MaxCapacity 0.5", id="maximum below 1"),
        pytest.param({"MinCapacity": 0.5, "MaxCapacity": 256.5}, "MaxCapacity 256.5", id="maximum too large"),
        pytest.param({"MinCapacity": -0.5, "MaxCapacity": 2.0}, "MinCapacity -0.5", id="negative"),
        pytest.param({"MinCapacity": 4.0, "MaxCapacity": 2.0}, "greater than", id="upside down"),
        pytest.param({"MinCapacity": 0.5}, "both", id="half a range"),
        pytest.param(
            {"MinCapacity": 0.5, "MaxCapacity": 2.0, "SecondsUntilAutoPause": 300},
            "can only be specified when minimum capacity is 0",
            id="pause without zero",
        ),
        pytest.param(
            {"MinCapacity": 0.0, "MaxCapacity": 2.0, "SecondsUntilAutoPause": 60},
            "between 300",
            id="short pause",
        ),
        pytest.param(
            {"MinCapacity": 0.0, "MaxCapacity": 2.0, "SecondsUntilAutoPause": 90000}, "86400", id="long pause"
        ),
    ],
)
def test_refused_ranges(wish: dict[str, Any], text: str) -> None:
    with pytest.raises(Fault, match=text) as refused:
        Scaling.parse(wish, None)
    assert refused.value.code == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("minimum", "maximum", "connections"),
    [
        *((1, 1, 189), (1, 2, 400), (1, 4, 823), (1, 8, 1669), (1, 16, 3360), (1, 32, 5000), (1, 256, 5000)),
        *((0.5, 1, 189), (0.5, 16, 2000), (0, 16, 2000)),
    ],
)
def test_max_connections(minimum: float, maximum: float, connections: int) -> None:
    assert max_connections(Scaling(minimum, maximum)) == connections


@pytest.mark.parametrize(
    ("scaling", "cores", "connections", "idle", "expected"),
    [
        pytest.param(Scaling(0.5, 4), 0.0, 0, 999, 0.5, id="idle at the minimum"),
        pytest.param(Scaling(0.5, 4), 0.35, 1, 0, 2.0, id="grows with the load"),
        pytest.param(Scaling(0.5, 4), 9.0, 1, 0, 4.0, id="not above the maximum"),
        pytest.param(Scaling(0, 4, 300), 0.0, 0, 299, 0.5, id="waits before it pauses"),
        pytest.param(Scaling(0, 4, 300), 0.0, 0, 300, 0.0, id="pauses"),
        pytest.param(Scaling(0, 4, 300), 0.0, 1, 999, 0.5, id="a connection keeps it awake"),
    ],
)
def test_capacity_follows_the_load(
    scaling: Scaling, cores: float, connections: int, idle: float, expected: float
) -> None:
    assert capacity(scaling, Load(cores, 0, connections, 0, idle)) == expected


def test_a_paused_instance_tells_that_it_is_paused_and_no_more() -> None:
    told = instance_metrics(Scaling(0, 4, 300), Load(0.1, 2**30, 0, 0, 300))
    assert {name: value for name, (value, _unit) in told.items()} == {
        "ServerlessDatabaseCapacity": 0.0,
        "ACUUtilization": 0.0,
        "CPUUtilization": 0.0,
    }
