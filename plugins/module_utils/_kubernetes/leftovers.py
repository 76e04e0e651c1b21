# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left in a namespace, or of API groups. PRIVATE: it may change at any time."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import quote

from .client import Object, Reader

#: Metadata is enough to know that an object is there; data of Secrets is not asked for.
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
#: What Kubernetes puts into each namespace.
FURNITURE = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
#: Kinds whose objects only tell of others, and vanish after them.
SHADOWS = {"events", "endpoints"}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of objects that can be listed and deleted."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None) -> str:
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{quote(namespace)}/{self.plural}" if namespace else f"{root}/{self.plural}"


@dataclasses.dataclass(frozen=True)
class Leftover:
    """An object that is there."""

    api_version: str
    kind: str
    namespace: str | None
    name: str


def find_leftovers(cluster: Reader, namespace: str | None, groups: Collection[str] | None) -> list[Leftover]:
    """All objects of the namespace (None: of the cluster) and of the groups (None: of all).

    Left out is what Kubernetes puts there itself, and what goes with an owner in its namespace.
    Raises KubernetesError.
    """
    kinds = list(_kinds(cluster, groups))
    namespaced = {(kind.group, kind.name) for kind in kinds if kind.namespaced}
    found = []
    for kind in kinds:
        if namespace and not kind.namespaced:
            continue
        listed = cluster.get(kind.path(namespace), accept=METADATA)
        for item in (listed or {}).get("items", []):
            metadata = item["metadata"]
            if (kind.name, metadata["name"]) not in FURNITURE and not _follows(metadata, namespaced):
                found.append(
                    Leftover(kind.api_version, kind.name, metadata.get("namespace"), metadata["name"])
                )
    return found


def _follows(metadata: Object, namespaced: Collection[tuple[str, str]]) -> bool:
    """Whether the object goes with its owners, which are in the same namespace and are found themselves."""
    owners = metadata.get("ownerReferences") or []
    return bool(owners) and all(
        (_group(owner["apiVersion"]), owner["kind"]) in namespaced for owner in owners
    )


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _kinds(cluster: Reader, groups: Collection[str] | None) -> Iterator[Kind]:
    """Every kind once, in the version that its group prefers if it is there."""
    seen = set()
    for group, version in _versions(cluster, groups):
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        for resource in (cluster.get(path) or {}).get("resources", []):
            plural, place = resource["name"], (group, resource["name"])
            if place in seen or plural in SHADOWS or not {"list", "delete"} <= set(resource["verbs"]):
                continue
            seen.add(place)
            yield Kind(group, version, resource["kind"], plural, resource["namespaced"])


def _versions(cluster: Reader, groups: Collection[str] | None) -> Iterable[tuple[str, str]]:
    if groups is None:
        yield "", "v1"
    for group in (cluster.get("/apis") or {}).get("groups", []):
        if groups is None or group["name"] in groups:
            preferred = group["preferredVersion"]["version"]
            versions = [version["version"] for version in group["versions"]]
            for version in sorted(versions, key=lambda one: one != preferred):
                yield group["name"], version
