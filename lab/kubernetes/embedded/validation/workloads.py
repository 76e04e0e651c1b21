"""Rules of Deployments, ReplicaSets, StatefulSets and Jobs."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.embedded.defaults import job_labels
from lab.kubernetes.embedded.errors import Problem, forbidden_field, invalid_value, not_supported, required
from lab.kubernetes.embedded.objects import Json, Object
from lab.kubernetes.embedded.validation import names
from lab.kubernetes.embedded.validation.metadata import (
    immutable,
    is_selector,
    selector_problems,
    selects,
    worded,
)
from lab.kubernetes.embedded.validation.pods import non_negative, pod_template

_WHOLE = 100
_STRATEGIES = ("Recreate", "RollingUpdate")
_JOB_COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
)
_JOB_RESTARTS = ("OnFailure", "Never")
_SET_CHANGES = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


def deployment(item: Object, before: Object | None) -> Iterator[Problem]:
    """A Deployment."""
    spec = item["spec"]
    yield from _replicated(spec, "deployment")
    yield from _strategy(spec["strategy"])
    ready, deadline = spec.get("minReadySeconds", 0), spec["progressDeadlineSeconds"]
    yield from non_negative("spec.minReadySeconds", ready)
    yield from non_negative("spec.revisionHistoryLimit", spec["revisionHistoryLimit"])
    yield from non_negative("spec.progressDeadlineSeconds", deadline)
    if deadline <= ready:
        yield invalid_value("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
    if before:
        yield from immutable("spec.selector", spec.get("selector"), before["spec"].get("selector"))


def replica_set(item: Object, before: Object | None) -> Iterator[Problem]:
    """A ReplicaSet."""
    yield from _replicated(item["spec"], "replicaset")
    if before:
        yield from immutable("spec.selector", item["spec"].get("selector"), before["spec"].get("selector"))


def stateful_set(item: Object, before: Object | None) -> Iterator[Problem]:
    """A StatefulSet."""
    spec = item["spec"]
    yield from _replicated(spec, "statefulset")
    if before:
        old = before["spec"]
        if any(spec.get(name) != old.get(name) for name in (set(spec) | set(old)) - set(_SET_CHANGES)):
            listed = ", ".join(f"'{name}'" for name in _SET_CHANGES[:-1])
            detail = f"updates to statefulset spec for fields other than {listed} and 'minReadySeconds'"
            yield forbidden_field("spec", f"{detail} are forbidden")


def job(item: Object, before: Object | None) -> Iterator[Problem]:
    """A Job, without the fields of those whose Pods are numbered."""
    spec = item["spec"]
    template = spec["template"]
    if not before:
        yield from _own_labels(item)
    for name in _JOB_COUNTS:
        yield from non_negative(f"spec.{name}", spec.get(name, 0))
    yield from pod_template(template, "spec.template")
    field, policy = "spec.template.spec.restartPolicy", template["spec"]["restartPolicy"]
    if policy == "Always":
        yield required(field, 'valid values: "OnFailure", "Never"')
    elif policy not in _JOB_RESTARTS:
        yield not_supported(field, policy, _JOB_RESTARTS)
    yield from _selector(spec)
    if before:
        for name in ("completions", "selector", "template", "completionMode"):
            yield from immutable(f"spec.{name}", spec.get(name), before["spec"].get(name))


def _selector(spec: Object) -> Iterator[Problem]:
    selector, labels = spec.get("selector"), spec["template"]["metadata"].get("labels", {})
    if selector is None:
        yield required("spec.selector")
    else:
        yield from selector_problems(selector, "spec.selector")
    if is_selector(selector) and (selector is None or not selects(selector, labels)):
        detail = "`selector` does not match template `labels`"
        yield invalid_value("spec.template.metadata.labels", dict(sorted(labels.items())), detail)


def _own_labels(item: Object) -> Iterator[Problem]:
    """Pods of a Job that selects them itself must have the labels by which it does."""
    spec, labels = item["spec"], item["spec"]["template"]["metadata"].get("labels")
    if spec["manualSelector"] or "selector" not in spec:
        return
    wanted, shown = job_labels(item["metadata"]), dict(sorted(labels.items()))
    for name, value in wanted.items():
        if labels[name] != value:
            yield invalid_value(f"spec.template.metadata.labels[{name}]", shown, f"must be '{value}'")
    if is_selector(spec["selector"]) and not selects(spec["selector"], wanted):
        yield invalid_value("spec.selector", spec["selector"], "`selector` not auto-generated")


def _replicated(spec: Object, word: str) -> Iterator[Problem]:
    yield from non_negative("spec.replicas", spec["replicas"])
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector")
    else:
        yield from selector_problems(selector, "spec.selector")
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            yield invalid_value("spec.selector", selector, f"empty selector is invalid for {word}")
    if not is_selector(selector):
        yield invalid_value("spec.selector", selector, "invalid label selector")
        return
    template = spec["template"]
    labels = template["metadata"].get("labels")
    if selector is None or not selects(selector, labels or {}):
        detail = "`selector` does not match template `labels`"
        yield invalid_value("spec.template.metadata.labels", labels, detail)
    yield from pod_template(template, "spec.template")
    policy = template["spec"]["restartPolicy"]
    if policy != "Always":
        yield not_supported("spec.template.spec.restartPolicy", policy, ["Always"])


def _strategy(strategy: Object) -> Iterator[Problem]:
    kind, rolling = strategy["type"], strategy.get("rollingUpdate")
    if kind not in _STRATEGIES:
        yield not_supported("spec.strategy", {"Type": kind, "RollingUpdate": rolling}, _STRATEGIES)
    elif kind == "Recreate" and rolling is not None:
        detail = "may not be specified when strategy `type` is 'Recreate'"
        yield forbidden_field("spec.strategy.rollingUpdate", detail)
    elif rolling is not None:
        yield from _rolling(rolling, "spec.strategy.rollingUpdate")


def _rolling(rolling: Object, field: str) -> Iterator[Problem]:
    unavailable = rolling["maxUnavailable"]
    for name in ("maxUnavailable", "maxSurge"):
        value = rolling[name]
        if isinstance(value, str):
            yield from worded(f"{field}.{name}", value, names.percent(value))
        else:
            yield from non_negative(f"{field}.{name}", value)
    if _amount(unavailable) == 0 and _amount(rolling["maxSurge"]) == 0:
        yield invalid_value(f"{field}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    if isinstance(unavailable, str) and _amount(unavailable) > _WHOLE:
        yield invalid_value(f"{field}.maxUnavailable", unavailable, "must not be greater than 100%")


def _amount(value: Json) -> int:
    """A number, or the number of a percentage; what is neither counts as nothing."""
    text = str(value).removesuffix("%")
    return int(text) if text.isdecimal() else 0
