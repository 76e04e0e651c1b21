# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine version a wish such as "17" or "17.5" means."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Mapping

from .errors import AuroraError

# Only plain versions: "16.4-limitless" and the like are other products.
PLAIN = re.compile(r"\d+(\.\d+)*")


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _listed(versions: Iterable[str]) -> str:
    return ", ".join(sorted(versions, key=_key)) or "none"


def matches(wish: str, version: str) -> bool:
    """ "17" is met by every 17.x, "17.5" by 17.5 alone."""
    return version == wish or version.startswith(f"{wish}.")


def available(descriptions: Iterable[Mapping[str, t.Any]]) -> list[str]:
    """The versions that a new cluster can have, out of DescribeDBEngineVersions."""
    return [
        str(each["EngineVersion"])
        for each in descriptions
        if PLAIN.fullmatch(each["EngineVersion"]) and each.get("Status", "available") == "available"
    ]


def newest(wish: str, versions: Iterable[str]) -> str:
    """The version that a new cluster gets."""
    versions = list(versions)
    fitting = [version for version in versions if matches(wish, version)]
    if not fitting:
        raise AuroraError(
            f"engine_version {wish} is not offered in this region. Choose one of: {_listed(versions)}"
        )
    return max(fitting, key=_key)


def upgrade(wish: str, current: str, targets: Iterable[Mapping[str, t.Any]]) -> str:
    """The version to which a cluster that has `current` goes. `targets` are its ValidUpgradeTarget."""
    valid = [
        str(target["EngineVersion"])
        for target in targets
        if not target.get("IsMajorVersionUpgrade") and PLAIN.fullmatch(target["EngineVersion"])
    ]
    fitting = [version for version in valid if matches(wish, version)]
    if not fitting:
        raise AuroraError(
            f"engine_version {wish} cannot be reached from {current}: versions only go up, and this module"
            f" does not change the major version of a cluster. Choose {current} or one of: {_listed(valid)}"
        )
    return max(fitting, key=_key)


def refuse_pause(cluster_id: str, descriptions: Iterable[Mapping[str, t.Any]]) -> None:
    """Raise where AWS says that a version's smallest minimum is above 0. What it does not say, it refuses."""
    for each in descriptions:
        support = each.get("ServerlessV2FeaturesSupport") or {}
        lowest = float(support.get("MinCapacity") or 0)
        if lowest > 0:
            raise AuroraError(
                f"Could not scale cluster {cluster_id} to a minimum of 0: Aurora PostgreSQL"
                f" {each['EngineVersion']} cannot pause, its smallest minimum is {lowest:g} ACU. Set"
                f" min_capacity to {lowest:g} or more, or upgrade to a version that can"
            )
