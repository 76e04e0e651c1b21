# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The capacity range of a Serverless v2 cluster, and what follows from it."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from .errors import AuroraError

# Seconds; what AWS takes when a cluster may pause and nothing was said.
DEFAULT_AUTO_PAUSE = 300


@dataclasses.dataclass(frozen=True)
class Scaling:
    """A range in ACU (half steps). `seconds_until_auto_pause` is a number while the minimum is 0."""

    min_capacity: float
    max_capacity: float
    seconds_until_auto_pause: int | None = None

    @classmethod
    def from_cluster(cls, cluster: Mapping[str, t.Any]) -> Scaling | None:
        """A cluster without Serverless v2 has no such key. AWS shows the pause while the minimum is 0."""
        shown = cluster.get("ServerlessV2ScalingConfiguration")
        if not shown:
            return None
        minimum = float(shown["MinCapacity"])
        pause = int(shown.get("SecondsUntilAutoPause") or DEFAULT_AUTO_PAUSE) if minimum == 0 else None
        return cls(minimum, float(shown["MaxCapacity"]), pause)

    def request(self) -> dict[str, t.Any]:
        """As CreateDBCluster and ModifyDBCluster want it: both ends, always."""
        request: dict[str, t.Any] = {"MinCapacity": self.min_capacity, "MaxCapacity": self.max_capacity}
        if self.seconds_until_auto_pause is not None:
            request["SecondsUntilAutoPause"] = self.seconds_until_auto_pause
        return request

    @property
    def max_connections(self) -> int:
        """What Aurora PostgreSQL derives from the maximum, capped while the minimum is 0 or 0.5.

        The straight line goes through all points that AWS documents (1, 4, 8 and 16 ACU).
        """
        highest = 2000 if self.min_capacity <= 0.5 else 5000
        return min(highest, round(211.4 * self.max_capacity - 22.4))


@dataclasses.dataclass(frozen=True)
class ScalingWish:
    """What the task says about the range; None = leave as it is."""

    min_capacity: float | None = None
    max_capacity: float | None = None
    seconds_until_auto_pause: int | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> ScalingWish:
        return cls(**{field.name: options.get(field.name) for field in dataclasses.fields(cls)})


def plan_scaling(cluster_id: str, current: Scaling | None, wish: ScalingWish) -> Scaling:
    """The whole range to ask for: what the task left out stays as the cluster has it.

    Raises AuroraError where the wish is certainly wrong; AWS words the limits of version and region better.
    """
    minimum, maximum = wish.min_capacity, wish.max_capacity
    if current is not None:
        minimum = current.min_capacity if minimum is None else minimum
        maximum = current.max_capacity if maximum is None else maximum
    if minimum is None or maximum is None:
        raise AuroraError(
            f"Could not scale cluster {cluster_id}: it has no Serverless v2 range yet,"
            " so min_capacity and max_capacity are both needed"
        )
    mistakes = [
        f"{name} is {value:g}, but capacity comes in half steps: 0, 0.5, 1, 1.5 ..."
        for name, value in (("min_capacity", minimum), ("max_capacity", maximum))
        if value < 0 or value * 2 % 1
    ]
    if minimum > maximum:
        mistakes.append(f"min_capacity ({minimum:g}) is above max_capacity ({maximum:g})")
    if mistakes:
        raise AuroraError(f"Could not scale cluster {cluster_id}: {'; '.join(mistakes)}")
    return Scaling(float(minimum), float(maximum), _auto_pause(current, wish, minimum))


def _auto_pause(current: Scaling | None, wish: ScalingWish, minimum: float) -> int | None:
    if minimum > 0:
        return None
    if wish.seconds_until_auto_pause is not None:
        return wish.seconds_until_auto_pause
    kept = current.seconds_until_auto_pause if current else None
    return DEFAULT_AUTO_PAUSE if kept is None else kept
