"""Rules of CustomResourceDefinitions: enough to serve what they define."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.embedded.errors import Problem, invalid_value, not_supported, required
from lab.kubernetes.embedded.objects import Object, dig
from lab.kubernetes.embedded.validation import names
from lab.kubernetes.embedded.validation.metadata import immutable, worded

_SCOPES = ("Cluster", "Namespaced")


def definition(item: Object, before: Object | None) -> Iterator[Problem]:
    """A CustomResourceDefinition."""
    spec = item.get("spec", {})
    group, plural = spec.get("group", ""), dig(spec, "names", "plural") or ""
    if item["metadata"].get("name") != f"{plural}.{group}":
        yield invalid_value(
            "metadata.name", item["metadata"].get("name", ""), 'must be spec.names.plural+"."+spec.group'
        )
    if not group:
        yield required("spec.group")
    else:
        yield from worded("spec.group", group, names.subdomain(group))
    if not spec.get("scope"):
        yield required("spec.scope")
    elif spec["scope"] not in _SCOPES:
        yield not_supported("spec.scope", spec["scope"], _SCOPES)
    for name in ("plural", "singular", "kind", "listKind"):
        if not dig(spec, "names", name):
            yield required(f"spec.names.{name}")
    if not dig(item, "status", "storedVersions"):
        yield invalid_value("status.storedVersions", None, "must have at least one stored version")
    yield from _versions(spec.get("versions", []))
    if before:
        for name in ("group", "scope"):
            yield from immutable(f"spec.{name}", spec.get(name), before["spec"].get(name))


def _versions(versions: list[Object]) -> Iterator[Problem]:
    stored = [version for version in versions if version.get("storage")]
    if len(stored) != 1:
        yield invalid_value(
            "spec.versions", versions or None, "must have exactly one version marked as storage version"
        )
    for index, version in enumerate(versions):
        where = f"spec.versions[{index}]"
        if not dig(version, "schema", "openAPIV3Schema"):
            yield required(f"{where}.schema.openAPIV3Schema")
        name = version.get("name", "")
        yield from worded(f"{where}.name", name, names.service_name(name))
