"""RBAC as an API server evaluates it: which of docs/kubernetes-access.yml allows a request."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource; namespace "" is the whole cluster, name "" any name."""

    namespace: str
    group: str
    resource: str
    verb: str
    name: str = ""

    def allows(self, asked: Right) -> bool:
        return (
            (self.group, self.resource, self.verb) == (asked.group, asked.resource, asked.verb)
            and self.namespace in ("", asked.namespace)
            and self.name in ("", asked.name)
        )


def given_rights(path: Path) -> set[Right]:
    """All rights that the bound roles of a file give."""
    documents = yaml.safe_load(path.read_text())["items"]
    roles = {_place(one): one["rules"] for one in documents if one["kind"].endswith("Role")}
    return {
        right
        for binding in documents
        if binding["kind"].endswith("RoleBinding")
        for rule in roles[
            binding["roleRef"]["kind"], binding["metadata"].get("namespace", ""), binding["roleRef"]["name"]
        ]
        for right in _rights(binding["metadata"].get("namespace", ""), rule)
    }


def _place(role: Mapping[str, Any]) -> tuple[str, str, str]:
    return role["kind"], role["metadata"].get("namespace", ""), role["metadata"]["name"]


def _rights(namespace: str, rule: Mapping[str, Sequence[str]]) -> Iterable[Right]:
    # A path that is no resource is what the audit log calls by no name: explanations only.
    for group, resource, verb, name in itertools.product(
        rule.get("apiGroups", []), rule.get("resources", []), rule["verbs"], rule.get("resourceNames", [""])
    ):
        yield Right(namespace, group, resource, verb, name)


def needed_rights(requests: Iterable[Mapping[str, Any]], user: str) -> set[Right]:
    """The rights that a user's requests need."""
    found = set()
    for one in requests:
        if one["user"] != user or not one["resource"]:
            continue
        resource, _dot, group = one["resource"].partition(".")
        # The API server takes a namespace for a thing in itself.
        namespace = one["name"] if resource == "namespaces" else one["namespace"]
        subresource = f"/{one['subresource']}" if one["subresource"] else ""
        verbs = {one["verb"]} | ({"create"} if one["verb"] == "patch" and one["code"] == 201 else set())
        found |= {Right(namespace, group, resource + subresource, verb, one["name"]) for verb in verbs}
    return found
