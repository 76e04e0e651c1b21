# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Deployment of an exporter is made of, and findings. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

Object = dict[str, t.Any]


@dataclass(frozen=True)
class Finding:
    """What is wrong, and what to do about it."""

    what: str
    remedy: str
    passing: bool = False
    """Whether it may go away by itself, so that waiting is worth while."""

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}."


@dataclass(frozen=True)
class Wanted:
    """A Deployment, and what its exporter is to read and how; None where anything will do."""

    name: str
    host: str | None = None
    port: int | None = None
    database: str | None = None
    arguments: Sequence[str] | None = None


def called(kind: str, found: Object) -> str:
    """Kind, namespace and name of an object."""
    metadata = found["metadata"]
    return f"{kind} {metadata['namespace']}/{metadata['name']}"


def template(deployment: Object) -> Object:
    """The spec of its pods."""
    return t.cast(Object, deployment["spec"]["template"]["spec"])


def containers(deployment: Object) -> list[Object]:
    return list(template(deployment).get("containers") or [])


def variable(deployment: Object, name: str) -> Object | None:
    """An entry of a container's environment."""
    entries = [entry for container in containers(deployment) for entry in container.get("env") or []]
    return next((entry for entry in entries if entry["name"] == name), None)


def secret_reference(entry: Object | None) -> Object:
    """The key of a Secret that a variable takes its value from, empty for none."""
    return ((entry or {}).get("valueFrom") or {}).get("secretKeyRef") or {}


def secrets_used(deployment: Object) -> list[str]:
    """Names of the Secrets that its containers get variables from, each once."""
    entries = [entry for container in containers(deployment) for entry in container.get("env") or []]
    return list(dict.fromkeys(key["name"] for entry in entries if (key := secret_reference(entry))))


def config_maps_mounted(deployment: Object) -> list[tuple[str, bool]]:
    """Names of the ConfigMaps among its volumes, and whether pods start without them."""
    volumes = template(deployment).get("volumes") or []
    sources = [one for volume in volumes for one in [volume, *_projected(volume)]]
    found = [source["configMap"] for source in sources if source.get("configMap")]
    return [(one["name"], bool(one.get("optional"))) for one in found]


def _projected(volume: Object) -> list[Object]:
    """What a volume is put together of, where it is of several."""
    return (volume.get("projected") or {}).get("sources") or []
