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
