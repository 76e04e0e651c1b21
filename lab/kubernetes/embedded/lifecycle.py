"""What the real controller manager does by itself: namespaces get furnished and emptied, dependents are
collected, definitions become kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.kubernetes.embedded.admission import NAMESPACES, SERVICE_ACCOUNTS
from lab.kubernetes.embedded.call import Call
from lab.kubernetes.embedded.errors import ApiError
from lab.kubernetes.embedded.kinds import Kinds, Place
from lab.kubernetes.embedded.objects import Object
from lab.kubernetes.embedded.store import Change, Store
from lab.kubernetes.embedded.strategy import CLEANUP, FOREGROUND, ORPHAN, established
from lab.kubernetes.embedded.verbs import Verbs

_MANAGER = "kube-controller-manager"
_CONFIG_MAPS = ("", "configmaps")
_DEFINITIONS = ("apiextensions.k8s.io", "customresourcedefinitions")
_ROOT_CA = "kube-root-ca.crt"
_ROOT_CA_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints "
    "such as the internal service IP or kubernetes.default.svc. "
    "No other usage is guaranteed across distributions of Kubernetes clusters."
)


class Lifecycle:
    """Follows the store. `later` runs a function after the present request."""

    def __init__(
        self,
        store: Store,
        kinds: Kinds,
        verbs: Verbs,
        root_certificate: str,
        later: Callable[[Callable[[Change], None], Change], object],
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._verbs = verbs
        self._root_certificate = root_certificate
        self._pending = 0

        def postpone(change: Change) -> None:
            # A change made while another one is being told would reach watches before it.
            self._pending += 1
            later(self._follow_pending, change)

        store.listen(postpone)

    @property
    def is_idle(self) -> bool:
        """Whether all changes have been followed."""
        return not self._pending

    def _follow_pending(self, change: Change) -> None:
        self._pending -= 1
        self.follow(change)

    def follow(self, change: Change) -> None:
        """React to one change."""
        item = change.after
        if change.place == NAMESPACES:
            self._follow_namespace(change)
        elif change.place == _DEFINITIONS:
            self._follow_definition(change)
        elif change.type == "DELETED":
            self._restore(change)
        if change.type == "DELETED":
            self._collect(item["metadata"]["uid"])
            self._check_namespace(item["metadata"].get("namespace", ""))
            self._check_waiting_owners(item)
            self._check_definitions(change.place)
        elif item["metadata"].get("deletionTimestamp"):
            self._propagate(change.place, item)
        elif change.type == "ADDED":
            self._check_owners(change.place, item)

    def _follow_namespace(self, change: Change) -> None:
        name = change.after["metadata"]["name"]
        if change.type == "ADDED":
            self._furnish(name)
        elif change.type == "MODIFIED" and change.after["metadata"].get("deletionTimestamp"):
            for place, item in self._store.everything():
                if item["metadata"].get("namespace") == name:
                    self._delete(place, item)
            self._check_namespace(name)

    def _follow_definition(self, change: Change) -> None:
        definition = change.after
        if change.type == "DELETED":
            self._kinds.forget(definition)
        elif definition["metadata"].get("deletionTimestamp"):
            self._empty_definition(definition)
        elif definition["status"]["conditions"]:
            self._kinds.define(definition)
        else:
            self._establish(definition)

    def _establish(self, definition: Object) -> None:
        kind = self._kinds.stored_at(_DEFINITIONS)
        call = Call(kind, "", definition["metadata"]["name"], "status", manager="kube-apiserver")
        self._verbs.patch(call, lambda _, item: {**item, "status": established(item)}, "")

    def _empty_definition(self, definition: Object) -> None:
        """Remove the objects of a definition that is being deleted, and then the definition."""
        place = (definition["spec"]["group"], definition["spec"]["names"]["plural"])
        for item in self._store.find(place):
            self._delete(place, item)
        if not self._store.find(place):
            self._release(_DEFINITIONS, definition, CLEANUP)

    def _check_definitions(self, place: Place) -> None:
        for definition in self._store.find(_DEFINITIONS):
            spec = definition["spec"]
            going = definition["metadata"].get("deletionTimestamp")
            if going and place == (spec["group"], spec["names"]["plural"]):
                self._empty_definition(definition)

    def _restore(self, change: Change) -> None:
        """Objects of every namespace come back."""
        metadata = change.after["metadata"]
        if (change.place, metadata["name"]) in ((SERVICE_ACCOUNTS, "default"), (_CONFIG_MAPS, _ROOT_CA)):
            namespace = self._store.get(NAMESPACES, "", metadata["namespace"])
            if namespace and not namespace["metadata"].get("deletionTimestamp"):
                self._furnish(metadata["namespace"])

    def _furnish(self, namespace: str) -> None:
        if not self._store.get(SERVICE_ACCOUNTS, namespace, "default"):
            self._create(SERVICE_ACCOUNTS, namespace, {"metadata": {"name": "default"}})
        if not self._store.get(_CONFIG_MAPS, namespace, _ROOT_CA):
            metadata = {"name": _ROOT_CA, "annotations": {"kubernetes.io/description": _ROOT_CA_DESCRIPTION}}
            data = {"ca.crt": self._root_certificate}
            self._create(_CONFIG_MAPS, namespace, {"metadata": metadata, "data": data})

    def _check_namespace(self, name: str) -> None:
        """Remove a namespace that is being deleted and has become empty."""
        namespace = self._store.get(NAMESPACES, "", name) if name else None
        if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
            return
        left = any(item["metadata"].get("namespace") == name for _place, item in self._store.everything())
        if not left and not namespace["metadata"].get("finalizers"):
            self._store.remove(NAMESPACES, namespace)

    def _dependents(self, uid: str) -> Iterator[tuple[Place, Object]]:
        for place, item in self._store.everything():
            if any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", [])):
                yield place, item

    def _collect(self, uid: str) -> None:
        """Delete what nobody owns any more now that its owner is gone."""
        for place, item in list(self._dependents(uid)):
            others = [owner for owner in item["metadata"]["ownerReferences"] if owner["uid"] != uid]
            if any(self._exists(owner["uid"]) for owner in others):
                self._store.put(place, _with_owners(item, others))
            else:
                self._delete(place, item)

    def _check_owners(self, place: Place, item: Object) -> None:
        owners = item["metadata"].get("ownerReferences", [])
        if owners and not any(self._exists(owner["uid"]) for owner in owners):
            self._delete(place, item)

    def _exists(self, uid: str) -> bool:
        return any(item["metadata"]["uid"] == uid for _place, item in self._store.everything())

    def _propagate(self, place: Place, item: Object) -> None:
        """Foreground: dependents first. Orphan: dependents lose this owner."""
        uid, finalizers = item["metadata"]["uid"], item["metadata"].get("finalizers", [])
        if FOREGROUND in finalizers:
            for dependent_place, dependent in list(self._dependents(uid)):
                self._delete(dependent_place, dependent)
            if next(self._dependents(uid), None) is None:
                self._release(place, item, FOREGROUND)
        elif ORPHAN in finalizers:
            for dependent_place, dependent in list(self._dependents(uid)):
                others = [owner for owner in dependent["metadata"]["ownerReferences"] if owner["uid"] != uid]
                self._store.put(dependent_place, _with_owners(dependent, others))
            self._release(place, item, ORPHAN)

    def _check_waiting_owners(self, gone: Object) -> None:
        uids = {owner["uid"] for owner in gone["metadata"].get("ownerReferences", [])}
        for place, item in self._store.everything():
            waiting = FOREGROUND in item["metadata"].get("finalizers", [])
            if item["metadata"]["uid"] in uids and waiting:
                self._propagate(place, item)

    def _release(self, place: Place, item: Object, finalizer: str) -> None:
        present = self._store.get(place, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        if present is None or finalizer not in present["metadata"].get("finalizers", []):
            return
        left = [name for name in present["metadata"]["finalizers"] if name != finalizer]
        metadata = {name: value for name, value in present["metadata"].items() if name != "finalizers"}
        if left:
            self._store.put(place, {**present, "metadata": {**metadata, "finalizers": left}})
        else:
            self._store.remove(place, {**present, "metadata": metadata})

    def _create(self, place: Place, namespace: str, document: Object) -> None:
        kind = self._kinds.stored_at(place)
        self._verbs.create(Call(kind, namespace, manager=_MANAGER), document)

    def _delete(self, place: Place, item: Object) -> None:
        metadata = item["metadata"]
        call = Call(self._kinds.stored_at(place), metadata.get("namespace", ""), metadata["name"])
        try:
            self._verbs.delete(call, {"preconditions": {"uid": metadata["uid"]}})
        except ApiError as error:
            # Gone, or replaced by a new object of that name: nothing is left to do.
            if error.code not in (404, 409):
                raise


def _with_owners(item: Object, owners: list[Object]) -> Object:
    metadata = {name: value for name, value in item["metadata"].items() if name != "ownerReferences"}
    return {**item, "metadata": {**metadata, "ownerReferences": owners} if owners else metadata}
