# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters on Kubernetes objects."""

from __future__ import annotations

import re
import typing as t
from fractions import Fraction

from ansible.errors import AnsibleFilterError

Object = t.Mapping[str, t.Any]


def object_references(objects: t.Iterable[Object]) -> list[dict[str, t.Any]]:
    """Kind and name of each object, the last one first.

    Nothing else of an object is looked at, so Ansible does not template it: what a spec needs may be gone.
    """
    return [_reference(one) for one in objects][::-1]


def _reference(one: Object) -> dict[str, t.Any]:
    metadata = {key: one["metadata"][key] for key in ("name", "namespace") if key in one["metadata"]}
    return {"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": metadata}


_UNITS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
_DAYS = {"d": Fraction(86400), "w": 7 * Fraction(86400), "y": 365 * Fraction(86400)}


def go_duration(text: str) -> str:
    """A duration as programs in Go write it back, for example 1h0m0s for 1h.

    An operator that stores an object anew changes the text of its durations. What was applied in any other
    form would differ from then on.
    """
    total = _seconds(text, _UNITS)
    if total is None:
        raise AnsibleFilterError(
            f"go_duration: {text!r} is no duration; write hours, minutes and seconds, such as 1h30m or 45s"
        )
    if 0 < total < 1:
        raise AnsibleFilterError(f"go_duration: {text!r} is less than a second")
    minutes, seconds = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    shown = f"{float(seconds):g}s"
    if hours:
        return f"{hours}h{minutes}m{shown}"
    return f"{minutes}m{shown}" if minutes else shown


def duration_seconds(text: str) -> float:
    """The seconds of a duration as Prometheus reads it, for example 90.0 for 1m30s."""
    total = _seconds(text, _UNITS | _DAYS)
    if total is None:
        raise AnsibleFilterError(f"duration_seconds: {text!r} is no duration; write it as 30s, 1m30s or 1d")
    return float(total)


def _seconds(text: str, units: t.Mapping[str, Fraction]) -> Fraction | None:
    """The sum of all parts, None where the text is no duration."""
    part = rf"(\d+(?:\.\d+)?)({'|'.join(sorted(units, reverse=True))})"
    if not re.fullmatch(rf"(?:{part})+|0", str(text)):
        return None
    return sum((Fraction(number) * units[unit] for number, unit in re.findall(part, str(text))), Fraction())


class FilterModule:
    """Documented in the YAML files beside this one."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "duration_seconds": duration_seconds,
            "go_duration": go_duration,
            "object_references": object_references,
        }
