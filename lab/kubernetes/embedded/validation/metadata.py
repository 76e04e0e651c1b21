"""Rules of metadata and of label selectors, the same for all kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from lab.kubernetes.embedded.errors import Problem, forbidden_field, invalid_value, required, too_long
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Json, Object
from lab.kubernetes.embedded.validation import names

_LARGEST_ANNOTATIONS = 256 * 1024
_IMMUTABLE = "field is immutable"
#: Finalizers that need no domain.
_FINALIZERS = ("foregroundDeletion", "kubernetes", "orphan")
#: Form of names of kinds that are no DNS subdomains.
_NAMES: Mapping[str, Callable[[str], list[str]]] = {
    "Namespace": names.label,
    "Service": names.label,
    "Role": names.path_segment,
    "RoleBinding": names.path_segment,
    "ClusterRole": names.path_segment,
    "ClusterRoleBinding": names.path_segment,
}


def metadata_problems(kind: Kind, metadata: Object, before: Object | None) -> Iterator[Problem]:
    """Problems of an object's metadata."""
    name = metadata.get("name", "")
    if not name:
        yield required("metadata.name", "name or generateName is required")
    else:
        yield from worded("metadata.name", name, _NAMES.get(kind.name, names.subdomain)(name))
    yield from label_problems(metadata.get("labels"), "metadata.labels")
    yield from annotation_problems(metadata.get("annotations"), "metadata.annotations")
    yield from _owner_problems(metadata.get("ownerReferences", []))
    yield from _finalizer_problems(kind, metadata.get("finalizers", []))
    if before and before.get("deletionTimestamp"):
        added = sorted(set(metadata.get("finalizers", [])) - set(before.get("finalizers", [])))
        if added:
            listed = "[]string{" + ", ".join(f'"{item}"' for item in added) + "}"
            detail = "no new finalizers can be added if the object is being deleted, found new finalizers "
            yield forbidden_field("metadata.finalizers", detail + listed)


def label_problems(labels: Object | None, field: str) -> Iterator[Problem]:
    """Problems of a map of labels."""
    for key, value in (labels or {}).items():
        yield from worded(field, key, names.label_key(key))
        yield from worded(field, value, names.label_value(value))


def annotation_problems(annotations: Object | None, field: str) -> Iterator[Problem]:
    """Problems of a map of annotations."""
    for key in annotations or {}:
        yield from worded(field, key, names.label_key(key.lower()))
    if sum(len(key) + len(value) for key, value in (annotations or {}).items()) > _LARGEST_ANNOTATIONS:
        yield too_long(field, _LARGEST_ANNOTATIONS)


def selector_problems(selector: Object, field: str) -> Iterator[Problem]:
    """Problems of a LabelSelector."""
    yield from label_problems(selector.get("matchLabels"), f"{field}.matchLabels")
    for index, term in enumerate(selector.get("matchExpressions", [])):
        where = f"{field}.matchExpressions[{index}]"
        operator, values = term.get("operator"), term.get("values", [])
        if operator in ("In", "NotIn") and not values:
            yield required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist") and values:
            yield forbidden_field(
                f"{where}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            )
        elif operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            yield invalid_value(f"{where}.operator", operator, "not a valid selector operator")
        yield from worded(f"{where}.key", term.get("key", ""), names.label_key(term.get("key", "")))


def is_selector(selector: Object | None) -> bool:
    """Whether a LabelSelector can be followed."""
    return not list(selector_problems(selector or {}, ""))


def selects(selector: Object, labels: Object) -> bool:
    """Whether a LabelSelector matches labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_term_matches(term, labels) for term in selector.get("matchExpressions", []))


def _term_matches(term: Object, labels: Object) -> bool:
    operator: str = term.get("operator", "")
    present = term["key"] in labels
    if operator in ("Exists", "DoesNotExist"):
        return present == (operator == "Exists")
    values: list[str] = term.get("values", [])
    return (present and labels[term["key"]] in values) == (operator == "In")


def _finalizer_problems(kind: Kind, finalizers: list[str]) -> Iterator[Problem]:
    for index, finalizer in enumerate(finalizers):
        yield from worded("metadata.finalizers", finalizer, names.label_key(finalizer))
        # Only kinds of the core group are that strict.
        if not kind.group and "/" not in finalizer and finalizer not in _FINALIZERS:
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid_value(f"metadata.finalizers[{index}]", finalizer, detail)


def _owner_problems(owners: list[Object]) -> Iterator[Problem]:
    field = "metadata.ownerReferences"
    controller = ""
    for index, owner in enumerate(owners):
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                yield required(f"{field}[{index}].{name}", "must not be empty")
        if owner.get("controller"):
            this = f"{owner.get('kind')}/{owner.get('name')}"
            if controller:
                detail = (
                    'Only one reference can have Controller set to true. Found "true" in references '
                    f"for {controller} and {this}"
                )
                yield invalid_value(field, owners, detail)
            controller = controller or this


def immutable(field: str, value: Json, before: Json) -> Iterator[Problem]:
    """A field that never changes."""
    if value != before:
        yield invalid_value(field, value, _IMMUTABLE)


def worded(field: str, value: Json, details: Iterable[str]) -> Iterator[Problem]:
    """One problem for each thing that is wrong with a value."""
    for detail in details:
        yield invalid_value(field, value, detail)
