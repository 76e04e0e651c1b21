# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of AWS resources. PRIVATE: it may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def read(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags as AWS answers them."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags or []}


def write(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS takes them."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def wished(option: Mapping[str, object] | None) -> dict[str, str] | None:
    """Tags of a task: AWS knows text only."""
    return None if option is None else {name: str(value) for name, value in option.items()}


def after(before: Mapping[str, str], wish: Mapping[str, str], *, purge: bool) -> dict[str, str]:
    """Tags when the wish is fulfilled. Names that begin with aws: belong to AWS."""
    kept = {name: value for name, value in before.items() if name.startswith("aws:") or not purge}
    return {**kept, **wish}


def difference(
    before: Mapping[str, str], wanted: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """What to add, and the names to remove."""
    add = {name: value for name, value in wanted.items() if before.get(name) != value}
    return add, tuple(sorted(before.keys() - wanted.keys()))
