"""Rules of Roles and their bindings."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.embedded.errors import Problem, invalid_value, not_supported, required
from lab.kubernetes.embedded.objects import Object

_GROUP = "rbac.authorization.k8s.io"
_SUBJECTS = ("ServiceAccount", "User", "Group")


def role(item: Object, _before: Object | None) -> Iterator[Problem]:
    """A Role or ClusterRole."""
    for index, rule in enumerate(item.get("rules") or []):
        where = f"rules[{index}]"
        if not rule.get("verbs"):
            yield required(f"{where}.verbs")
        if rule.get("nonResourceURLs"):
            if item["kind"] == "Role":
                detail = "namespaced rules cannot apply to non-resource URLs"
                yield invalid_value(f"{where}.nonResourceURLs", rule["nonResourceURLs"], detail)
            continue
        if not rule.get("apiGroups"):
            yield required(f"{where}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{where}.resources", "resource rules must supply at least one resource")


def binding(item: Object, before: Object | None) -> Iterator[Problem]:
    """A RoleBinding or ClusterRoleBinding."""
    reference = item.get("roleRef", {})
    kinds = ("Role", "ClusterRole") if item["kind"] == "RoleBinding" else ("ClusterRole",)
    if reference.get("apiGroup", "") != _GROUP:
        yield not_supported("roleRef.apiGroup", reference.get("apiGroup", ""), [_GROUP])
    if reference.get("kind", "") not in kinds:
        yield not_supported("roleRef.kind", reference.get("kind", ""), kinds)
    if not reference.get("name"):
        yield required("roleRef.name")
    for index, subject in enumerate(item.get("subjects", [])):
        where = f"subjects[{index}]"
        if not subject.get("name"):
            yield required(f"{where}.name")
        if subject.get("kind") not in _SUBJECTS:
            yield not_supported(f"{where}.kind", subject.get("kind", ""), _SUBJECTS)
        elif _lacks_namespace(subject, item["kind"]):
            yield required(f"{where}.namespace")
    if before and reference != before.get("roleRef"):
        shown = {name: reference.get(name[0].lower() + name[1:], "") for name in ("Kind", "Name")}
        shown = {"APIGroup": reference.get("apiGroup", ""), **shown}
        yield invalid_value("roleRef", shown, "field is immutable")


def _lacks_namespace(subject: Object, binding_kind: str) -> bool:
    # In a RoleBinding, its own namespace is meant.
    clusterwide = binding_kind == "ClusterRoleBinding"
    return clusterwide and subject["kind"] == "ServiceAccount" and not subject.get("namespace")
