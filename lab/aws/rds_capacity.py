"""The range of a Serverless v2 cluster, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.aws.faults import invalid_value

MINIMUM, MAXIMUM = 0.0, 256.0
GIB_PER_ACU = 2
_PAUSE_DEFAULT, _PAUSE_RANGE = 300, (300, 86400)


@dataclass(frozen=True)
class Scaling:
    """ServerlessV2ScalingConfiguration; capacities are in ACU, the pause in seconds."""

    min_capacity: float
    max_capacity: float
    seconds_until_auto_pause: int | None = None

    @classmethod
    def parse(cls, wish: Mapping[str, Any], before: Scaling | None, lowest: float = MINIMUM) -> Scaling:
        """The range that a request asks for; what it leaves out stays as `before`. Raises AWS's error.

        `lowest` is the smallest minimum of the engine version.
        """
        minimum = wish.get("MinCapacity", before.min_capacity if before else None)
        maximum = wish.get("MaxCapacity", before.max_capacity if before else None)
        if minimum is None or maximum is None:
            raise invalid_value("ServerlessV2ScalingConfiguration needs both MinCapacity and MaxCapacity.")
        _check_range(float(minimum), float(maximum), lowest)
        pause = wish.get("SecondsUntilAutoPause")
        if minimum > 0:
            if pause is not None:
                raise invalid_value("SecondsUntilAutoPause can only be specified when minimum capacity is 0.")
            return cls(float(minimum), float(maximum))
        if pause is None:
            pause = before.seconds_until_auto_pause if before else None
        return cls(float(minimum), float(maximum), _check_pause(pause))

    def describe(self) -> dict[str, Any]:
        """As DescribeDBClusters answers it: the pause is there only while the minimum is 0."""
        answer: dict[str, Any] = {"MinCapacity": self.min_capacity, "MaxCapacity": self.max_capacity}
        if self.seconds_until_auto_pause is not None:
            answer["SecondsUntilAutoPause"] = self.seconds_until_auto_pause
        return answer


def _check_range(minimum: float, maximum: float, smallest: float) -> None:
    for name, value, lowest in (("MinCapacity", minimum, smallest), ("MaxCapacity", maximum, 1.0)):
        if value * 2 % 1 or not lowest <= value <= MAXIMUM:
            raise invalid_value(
                f"Serverless v2 {name} {value:g} isn't valid. Specify a value between {lowest:g} and "
                f"{MAXIMUM:g} in half steps."
            )
    if minimum > maximum:
        raise invalid_value(f"Serverless v2 MinCapacity {minimum:g} is greater than MaxCapacity {maximum:g}.")


def _check_pause(seconds: int | None) -> int:
    if seconds is None:
        return _PAUSE_DEFAULT
    if not _PAUSE_RANGE[0] <= seconds <= _PAUSE_RANGE[1]:
        raise invalid_value(
            f"SecondsUntilAutoPause {seconds} isn't valid. Specify a value between {_PAUSE_RANGE[0]} "
            f"and {_PAUSE_RANGE[1]}."
        )
    return seconds


def max_connections(scaling: Scaling) -> int:
    """What Aurora's default formula gives: it looks at the maximum, and a low minimum caps it."""
    # Linear through AWS's table: 1 ACU 189, 4 ACU 823, 8 ACU 1669, 16 ACU 3360, 32 ACU and more 5000.
    by_memory = min(round(211.4 * scaling.max_capacity - 22.4), 5000)
    return min(by_memory, 2000) if scaling.min_capacity <= 0.5 else by_memory
