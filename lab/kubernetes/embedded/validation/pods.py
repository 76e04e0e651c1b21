"""Rules of Pods and of templates of Pods."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.embedded.errors import (
    Problem,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from lab.kubernetes.embedded.objects import Object, clone
from lab.kubernetes.embedded.validation import names
from lab.kubernetes.embedded.validation.containers import container_problems
from lab.kubernetes.embedded.validation.metadata import annotation_problems, label_problems, worded
from lab.kubernetes.embedded.validation.volumes import volume_problems

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_NO_CHANGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod(item: Object, before: Object | None) -> Iterator[Problem]:
    """A Pod."""
    yield from _spec(item["spec"], "spec")
    if before and _fixed_part(item["spec"]) != _fixed_part(before["spec"]):
        yield forbidden_field("spec", _NO_CHANGE)


def pod_template(template: Object, field: str) -> Iterator[Problem]:
    """A template of Pods."""
    metadata = template["metadata"]
    yield from label_problems(metadata.get("labels"), f"{field}.metadata.labels")
    yield from annotation_problems(metadata.get("annotations"), f"{field}.metadata.annotations")
    yield from _spec(template["spec"], f"{field}.spec")


def non_negative(field: str, value: int) -> Iterator[Problem]:
    """A count."""
    if value < 0:
        yield invalid_value(field, value, "must be greater than or equal to 0")


def _spec(spec: Object, field: str) -> Iterator[Problem]:
    volumes = spec.get("volumes", [])
    known: set[str] = set()
    yield from volume_problems(volumes, f"{field}.volumes", known)
    yield from _containers(spec, field, known)
    if spec["restartPolicy"] not in _RESTART_POLICIES:
        yield not_supported(f"{field}.restartPolicy", spec["restartPolicy"], _RESTART_POLICIES)
    if spec["dnsPolicy"] not in _DNS_POLICIES:
        yield not_supported(f"{field}.dnsPolicy", spec["dnsPolicy"], _DNS_POLICIES)
    yield from label_problems(spec.get("nodeSelector"), f"{field}.nodeSelector")
    for name in ("serviceAccountName", "nodeName"):
        if spec.get(name):
            yield from worded(f"{field}.{name}", spec[name], names.subdomain(spec[name]))
    yield from non_negative(f"{field}.terminationGracePeriodSeconds", spec["terminationGracePeriodSeconds"])


def _containers(spec: Object, field: str, volumes: set[str]) -> Iterator[Problem]:
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    seen: set[str] = set()
    for word in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(word, [])):
            where, name = f"{field}.{word}[{index}]", container.get("name", "")
            yield from container_problems(container, where, volumes)
            if name in seen:
                yield duplicate(f"{where}.name", name)
            seen.add(name)


def _fixed_part(spec: Object) -> Object:
    """What an update of a Pod may not change."""
    fixed: Object = clone(spec)
    for name in ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"):
        fixed.pop(name, None)
    for container in [*fixed.get("containers", []), *fixed.get("initContainers", [])]:
        container.pop("image", None)
    return fixed
