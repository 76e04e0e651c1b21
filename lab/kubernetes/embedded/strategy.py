"""What is particular to a kind when it is created, updated and deleted."""

from __future__ import annotations

import ipaddress

from lab.kubernetes.embedded.defaults import fill_defaults, job_selector, service_addresses
from lab.kubernetes.embedded.fieldsets import Path
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Object, clone, dig, timestamp

#: The range that EKS gives Services by default.
_SERVICE_NETWORK = ipaddress.ip_network("10.100.0.0/16")
JOBS = ("batch", "jobs")
FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
#: Keeps a definition until the objects of its kind are gone.
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


class Strategy:
    """Rules that need to know the kind."""

    def __init__(self) -> None:
        self._addresses = iter(_SERVICE_NETWORK.hosts())

    def fields_out_of_reach(self, kind: Kind, subresource: str) -> tuple[Path, ...]:
        """Fields that a write to this path cannot change, so that nobody comes to own them there."""
        if subresource == "status":
            if kind.custom:
                return (("f:spec",), ("f:metadata",))
            return (("f:spec",), ("f:metadata", "f:labels")) if kind.name == "Deployment" else (("f:spec",),)
        return (("f:status",),) if "status" in kind.subresources else ()

    def prepare_create(self, kind: Kind, item: Object) -> None:
        """Complete a new object in place."""
        if "status" in kind.subresources:
            self._fresh_status(kind, item)
        if kind.generations:
            item["metadata"]["generation"] = 1
        if kind.place == ("", "services"):
            service_addresses(item, None, self._address)
        elif kind.place == JOBS:
            job_selector(item)
        elif kind.place == ("", "namespaces"):
            item["spec"].setdefault("finalizers", ["kubernetes"])
            # A generated name is known only now.
            fill_defaults(kind.name, item)

    def prepare_update(self, kind: Kind, item: Object, before: Object, subresource: str) -> None:
        """Put back in place what an update of this path cannot change, and count generations."""
        if subresource == "status":
            self._keep_all_but_status(kind, item, before)
            return
        if "status" in kind.subresources:
            item.pop("status", None)
            if "status" in before:
                item["status"] = clone(before["status"])
        if kind.place == ("", "services"):
            service_addresses(item, before, self._address)
        elif kind.place == ("", "namespaces") and subresource != "finalize":
            item["spec"] = clone(before["spec"])
        if kind.generations and _counts(kind, item, before):
            item["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1

    def grace_seconds(self, kind: Kind, item: Object, wanted: int | None) -> int:
        """Seconds that an object has until it is removed; only scheduled pods get any."""
        if kind.place != ("", "pods") or not dig(item, "spec", "nodeName"):
            return 0
        if dig(item, "status", "phase") in ("Succeeded", "Failed"):
            return 0
        if wanted is None:
            wanted = dig(item, "spec", "terminationGracePeriodSeconds")
        return 30 if wanted is None else max(0, wanted)

    def finalizers_on_delete(self, kind: Kind, item: Object, options: Object) -> list[str]:
        """Finalizers of an object that is being deleted, with those of the propagation policy."""
        policy = options.get("propagationPolicy")
        if policy is None and options.get("orphanDependents"):
            policy = "Orphan"
        present = item["metadata"].get("finalizers", [])
        if orphans_unasked(kind, options) and FOREGROUND not in present:
            policy = "Orphan"
        kept = [name for name in present if name not in (FOREGROUND, ORPHAN)] if policy else list(present)
        if kind.name == "CustomResourceDefinition" and CLEANUP not in kept:
            kept.append(CLEANUP)
        return kept + {"Foreground": [FOREGROUND], "Orphan": [ORPHAN]}.get(policy or "", [])

    def marked(self, kind: Kind, item: Object, finalizers: list[str], grace: int) -> Object:
        """The object as it waits for its removal."""
        metadata = {**item["metadata"], "deletionTimestamp": timestamp(grace)}
        if item["metadata"].get("deletionTimestamp") and not grace:
            metadata["deletionTimestamp"] = item["metadata"]["deletionTimestamp"]
        metadata["deletionGracePeriodSeconds"] = grace
        if finalizers:
            metadata["finalizers"] = finalizers
        if "generation" in metadata:
            metadata["generation"] += 1
        marked = {**item, "metadata": metadata}
        if kind.place == ("", "namespaces"):
            del metadata["deletionGracePeriodSeconds"]
            marked["status"] = {**item.get("status", {}), "phase": "Terminating"}
        elif kind.name == "CustomResourceDefinition":
            del metadata["deletionGracePeriodSeconds"]
            metadata["generation"] = item["metadata"]["generation"]
            status = item["status"]
            conditions = [*(status["conditions"] or []), _terminating()]
            marked["status"] = {**status, "conditions": conditions}
        return marked

    def is_finished(self, kind: Kind, item: Object) -> bool:
        """Whether an object that waited for its removal has nothing left to wait for."""
        metadata = item["metadata"]
        if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
            return False
        if kind.place == ("", "namespaces"):
            return not dig(item, "spec", "finalizers")
        return not metadata.get("deletionGracePeriodSeconds")

    def _address(self) -> str:
        return str(next(self._addresses))

    def _fresh_status(self, kind: Kind, item: Object) -> None:
        if kind.place == ("", "nodes"):
            return
        status: Object = {}
        if kind.place == ("", "namespaces"):
            status = {"phase": "Active"}
        elif kind.place == ("", "pods"):
            status = {"phase": "Pending", "qosClass": _qos_class(item["spec"])}
        elif kind.place == ("", "services"):
            status = {"loadBalancer": {}}
        elif kind.name == "CustomResourceDefinition":
            status = {
                "acceptedNames": {"kind": "", "plural": ""},
                "conditions": None,
                "storedVersions": _stored_versions(item),
            }
        elif not kind.custom:
            status = clone(kind.schema.properties["status"].defaults)
        item.pop("status", None)
        if status or not kind.custom:
            item["status"] = status

    def _keep_all_but_status(self, kind: Kind, item: Object, before: Object) -> None:
        for name in [name for name in item if name not in ("status", "metadata")]:
            if name not in before:
                del item[name]
        for name, value in before.items():
            if name not in ("status", "metadata"):
                item[name] = clone(value)
        if kind.custom:
            item["metadata"] = clone(before["metadata"])
            item["metadata"].pop("managedFields", None)
        elif kind.name == "Deployment":
            item["metadata"].pop("labels", None)
            if "labels" in before["metadata"]:
                item["metadata"]["labels"] = clone(before["metadata"]["labels"])


def orphans_unasked(kind: Kind, options: Object) -> bool:
    """Whether a deletion leaves the dependents because its options do not say what becomes of them."""
    said = options.get("propagationPolicy"), options.get("orphanDependents")
    return kind.place == JOBS and said == (None, None)


def _counts(kind: Kind, item: Object, before: Object) -> bool:
    ignored = {"metadata", "status"}
    if kind.name == "Deployment" and _annotations(item) != _annotations(before):
        return True
    names = (set(item) | set(before)) - ignored
    return any(item.get(name) != before.get(name) for name in names)


def _annotations(item: Object) -> Object:
    return item["metadata"].get("annotations") or {}


def _qos_class(spec: Object) -> str:
    resources = [container.get("resources", {}) for container in spec.get("containers", [])]
    if not any(entry.get("limits") or entry.get("requests") for entry in resources):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= set(entry.get("limits", {})) and entry.get("limits") == entry.get("requests")
        for entry in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _stored_versions(item: Object) -> list[str]:
    # This comes before the rules that demand these fields.
    versions = item.get("spec", {}).get("versions", [])
    return [version.get("name") for version in versions if version.get("storage")]


def established(definition: Object) -> Object:
    """The status of a definition that is served."""
    now = timestamp()
    conditions = [
        {
            "type": "NamesAccepted",
            "status": "True",
            "lastTransitionTime": now,
            "reason": "NoConflicts",
            "message": "no conflicts found",
        },
        {
            "type": "Established",
            "status": "True",
            "lastTransitionTime": now,
            "reason": "InitialNamesAccepted",
            "message": "the initial names have been accepted",
        },
    ]
    names = clone(definition["spec"]["names"])
    return {**definition["status"], "conditions": conditions, "acceptedNames": names}


def _terminating() -> Object:
    """The condition of a definition that is being deleted."""
    return {
        "type": "Terminating",
        "status": "True",
        "lastTransitionTime": timestamp(),
        "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    }
