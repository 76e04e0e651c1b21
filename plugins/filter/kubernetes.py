# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters on Kubernetes objects."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.eks_observability.stack.plugins.module_utils import _durations

Object = t.Mapping[str, t.Any]


def object_references(objects: t.Iterable[Object]) -> list[dict[str, t.Any]]:
    """Kind and name of each object, the last one first.

    Nothing else of an object is looked at, so Ansible does not template it: what a spec needs may be gone.
    """
    return [_reference(one) for one in objects][::-1]


def _reference(one: Object) -> dict[str, t.Any]:
    metadata = {key: one["metadata"][key] for key in ("name", "namespace") if key in one["metadata"]}
    return {"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": metadata}


def go_duration(text: str) -> str:
    """A duration as programs in Go write it back, for example 1h0m0s for 1h.

    An operator that stores an object anew changes the text of its durations. What was applied in any other
    form would differ from then on.
    """
    total = _durations.seconds(str(text), _durations.GO)
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
    total = _durations.seconds(str(text), _durations.PROMETHEUS)
    if total is None:
        raise AnsibleFilterError(f"duration_seconds: {text!r} is no duration; write it as 30s, 1m30s or 1d")
    return float(total)


class FilterModule:
    """Documented in the YAML files beside this one."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "duration_seconds": duration_seconds,
            "go_duration": go_duration,
            "object_references": object_references,
        }
