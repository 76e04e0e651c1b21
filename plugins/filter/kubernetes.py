# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters on Kubernetes objects."""

from __future__ import annotations

import typing as t

Object = t.Mapping[str, t.Any]


def object_references(objects: t.Iterable[Object]) -> list[dict[str, t.Any]]:
    """Kind and name of each object, the last one first.

    Nothing else of an object is looked at, so Ansible does not template it: what a spec needs may be gone.
    """
    return [_reference(one) for one in objects][::-1]


def _reference(one: Object) -> dict[str, t.Any]:
    metadata = {key: one["metadata"][key] for key in ("name", "namespace") if key in one["metadata"]}
    return {"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": metadata}


class FilterModule:
    """Documented in the YAML file beside this one."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"object_references": object_references}
