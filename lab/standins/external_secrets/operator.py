"""Stand-in for the External Secrets operator, version 0.20, with the AWS Secrets Manager provider.

Conditions, reasons, messages and events are those of the real one; its pauses are shorter.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from lab.standins.api.client import Api, ApiError
from lab.standins.api.controller import Controller, KnownError, Watch
from lab.standins.api.events import Recorder
from lab.standins.api.kinds import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Kind
from lab.standins.api.objects import Key, Object, is_ready, key_of, labels_of
from lab.standins.api.times import as_go_writes, timestamp
from lab.standins.external_secrets.aws_store import Aws, StoreError, get_store, is_foreign, open_store
from lab.standins.external_secrets.provider_data import fetch
from lab.standins.external_secrets.refresh import needs_refresh, until_refresh
from lab.standins.external_secrets.synced_secret import (
    LABEL_MANAGED,
    LABEL_OWNER,
    FinalError,
    ImmutableError,
    SecretError,
    creation_policy,
    desired_secret,
    is_intact,
    manager,
    owner_hash,
    synced_version,
    target_name,
)

USER = "system:serviceaccount:external-secrets:external-secrets"
FINALIZER = "externalsecrets.external-secrets.io/externalsecret-cleanup"

#: Seconds until a store that is valid is looked at again; five minutes in the real one.
REVALIDATE = 15.0

SYNCED = ("SecretSynced", "secret synced")
GET_FAILED = "could not get secret data from provider"
UPDATE_FAILED = "could not update secret"
MISSING = ("SecretMissing", "secret will not be created due to CreationPolicy=Merge")
DELETED = ("SecretDeleted", "secret deleted due to DeletionPolicy=Delete")
RETAINED = ("SecretSynced", "secret retained due to DeletionPolicy=Retain")


def controllers(api: Api, aws_url: str) -> list[Controller]:
    """The operator's loops."""
    aws = Aws(aws_url)
    stores = [
        Controller(kind.plural, api, [Watch(kind, relevant=_specified)], _Stores(api, aws, kind).reconcile)
        for kind in (SECRET_STORE, CLUSTER_SECRET_STORE)
    ]
    secrets = _ExternalSecrets(api, aws)
    return [*stores, Controller("externalsecrets", api, secrets.watches(), secrets.reconcile)]


def _specified(obj: Object) -> object:
    metadata = obj["metadata"]
    return [metadata.get(key) for key in ("generation", "labels", "annotations", "deletionTimestamp")]


class _Stores:
    """Validates stores of one kind."""

    def __init__(self, api: Api, aws: Aws, kind: Kind) -> None:
        self._api = api
        self._aws = aws
        self._kind = kind
        self._events = Recorder(api, "secret-store" if kind.namespaced else "cluster-secret-store")

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        store = self._api.get(self._kind, name, namespace)
        if store is None or is_foreign(store):
            return None
        try:
            client = open_store(self._api, self._aws, store, namespace)
        except StoreError as error:
            raise self._invalid(store, "unable to create client", error) from error
        try:
            if client:
                client.validate()
        except StoreError as error:
            raise self._invalid(store, "unable to validate store", error) from error
        self._events.normal(store, "Valid", "store validated")
        condition = _condition(store, "True", "Valid", "store validated")
        self._api.set_status(self._kind, store, {"conditions": condition, "capabilities": "ReadWrite"})
        return float(store["spec"].get("refreshInterval") or REVALIDATE)

    def _invalid(self, store: Object, message: str, error: StoreError) -> KnownError:
        self._events.warn(store, "InvalidProviderConfig", str(error))
        condition = _condition(store, "False", "InvalidProviderConfig", message)
        self._api.set_status(self._kind, store, {"conditions": condition})
        return KnownError(str(error))


class _ExternalSecrets:
    """Keeps the Secrets of ExternalSecrets in step with the provider."""

    def __init__(self, api: Api, aws: Aws) -> None:
        self._api = api
        self._aws = aws
        self._events = Recorder(api, "external-secrets")

    def watches(self) -> list[Watch]:
        return [
            Watch(EXTERNAL_SECRET, relevant=_specified),
            Watch(SECRET, keys=self._of_secret),
            *(
                Watch(kind, keys=self._of_store, relevant=lambda store: (_specified(store), is_ready(store)))
                for kind in (SECRET_STORE, CLUSTER_SECRET_STORE)
            ),
        ]

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        external = self._api.get(EXTERNAL_SECRET, name, namespace)
        if external is None:
            return None
        if external["metadata"].get("deletionTimestamp"):
            self._clean_up(external)
            return None
        external = self._with_finalizer(external)
        if any(is_foreign(store) for store in self._stores(external)):
            return None
        secret = self._marked(external, self._api.get(SECRET, target_name(external), namespace))
        if not needs_refresh(external, time.time()) and is_intact(secret, external):
            return until_refresh(external, time.time())
        return self._sync(external, secret)

    def _sync(self, external: Object, secret: Object | None) -> float | None:
        started = timestamp()
        try:
            provided = fetch(self._api, self._aws, external, self._missing)
        except StoreError as error:
            raise self._failed(external, GET_FAILED, str(error)) from error
        outcome = self._outcome(external, secret, provided)
        if outcome is None:
            return None
        status: Object = {
            "conditions": _condition(external, "True", *outcome),
            "refreshTime": started,
            "syncedResourceVersion": synced_version(external),
            "binding": _binding(external, outcome == SYNCED and creation_policy(external) != "None"),
        }
        self._api.set_status(EXTERNAL_SECRET, external, status)
        return until_refresh({**external, "status": status}, time.time())

    def _outcome(
        self, external: Object, secret: Object | None, provided: Mapping[str, str]
    ) -> tuple[str, str] | None:
        """Bring the Secret in step: reason and message of the condition, or None when that cannot be."""
        policy, deletion = creation_policy(external), _target(external).get("deletionPolicy", "Retain")
        if not provided and deletion == "Retain":
            return RETAINED
        if not provided and deletion == "Delete":
            return self._delete(external, secret)
        if policy == "Merge" and secret is None:
            return MISSING
        if policy == "None" or self._write(external, secret, provided):
            return SYNCED
        return None

    def _delete(self, external: Object, secret: Object | None) -> tuple[str, str] | None:
        namespace, name = external["metadata"]["namespace"], target_name(external)
        if creation_policy(external) != "Owner":
            policy = creation_policy(external)
            cause = f"unable to delete secret {name}: creationPolicy={policy} is not Owner"
            self._failed(external, "could not delete secret", cause)
            return None
        if secret:
            self._api.delete(SECRET, name, namespace)
            self._events.normal(external, "Deleted", DELETED[1])
        return DELETED

    def _write(self, external: Object, secret: Object | None, provided: Mapping[str, str]) -> bool:
        self._remove_orphans(external)
        try:
            desired = desired_secret(external, secret, provided)
            self._store(external, secret, desired)
        except FinalError as error:
            # Another try would change nothing, so there is none.
            self._failed(external, error.condition, _of_update(external, secret, error), secret is not None)
            return False
        except SecretError as error:
            cause = _of_update(external, secret, error)
            raise self._failed(external, UPDATE_FAILED, cause, secret is not None) from error
        except ApiError as error:
            if error.status in {0, 409}:
                raise
            where = f"unable to update secret {target_name(external)}: " if secret else ""
            cause = f"{where}{error.message}"
            raise self._failed(external, UPDATE_FAILED, cause, secret is not None) from error
        return True

    def _store(self, external: Object, secret: Object | None, desired: Object) -> None:
        if secret is None:
            self._api.create(SECRET, desired, manager(external))
            self._events.normal(external, "Created", "secret created")
        elif desired != secret:
            self._replace(external, secret, desired)
            self._events.normal(external, "Updated", "secret updated")

    def _replace(self, external: Object, secret: Object, desired: Object) -> None:
        if not secret.get("immutable"):
            self._api.replace(SECRET, desired, manager(external))
            return
        # Labels and annotations are kept in step even where the data cannot be.
        only_metadata = {**secret, "metadata": desired["metadata"]}
        if only_metadata["metadata"] != secret["metadata"]:
            self._api.replace(SECRET, only_metadata, manager(external))
        if only_metadata != desired:
            raise ImmutableError("secret is immutable")

    def _missing(self, external: Object, text: str) -> None:
        self._events.normal(external, "MissingProviderSecret", text)

    def _failed(self, external: Object, message: str, cause: str, bound: bool = False) -> KnownError:
        self._events.warn(external, "UpdateFailed", cause)
        condition = _condition(external, "False", "SecretSyncedError", message)
        status = {"conditions": condition, "binding": _binding(external, bound)}
        self._api.set_status(EXTERNAL_SECRET, external, status)
        return KnownError(f"{message}: {cause}")

    def _with_finalizer(self, external: Object) -> Object:
        finalizers = external["metadata"].get("finalizers") or []
        if FINALIZER in finalizers:
            return external
        namespace, name = key_of(external)
        patch = {"metadata": {"finalizers": [*finalizers, FINALIZER]}, "spec": _as_written_back(external)}
        return self._api.patch(EXTERNAL_SECRET, name, namespace, patch)

    def _stores(self, external: Object) -> list[Object]:
        """All stores that an ExternalSecret reads from, as far as they are there."""
        spec = external["spec"]
        entries = [*(spec.get("data") or []), *(spec.get("dataFrom") or [])]
        sources = [(entry.get("sourceRef") or {}).get("storeRef") for entry in entries]
        references = [one for one in (spec.get("secretStoreRef"), *sources) if one]
        found = (get_store(self._api, one, external["metadata"]["namespace"]) for one in references)
        return [store for store in found if store]

    def _marked(self, external: Object, secret: Object | None) -> Object | None:
        """The Secret with the label by which External Secrets sees it at all, whoever made it."""
        if secret is None or labels_of(secret).get(LABEL_MANAGED) == "true":
            return secret
        namespace, name = key_of(secret)
        patch = {"metadata": {"labels": {LABEL_MANAGED: "true"}}}
        return self._api.patch(SECRET, name, namespace, patch, manager=manager(external))

    def _clean_up(self, external: Object) -> None:
        namespace, name = key_of(external)
        if _target(external).get("deletionPolicy") == "Delete":
            secret = self._api.get(SECRET, target_name(external), namespace)
            owners = (secret or {"metadata": {}})["metadata"].get("ownerReferences") or []
            if any(owner["uid"] == external["metadata"]["uid"] for owner in owners):
                self._api.delete(SECRET, target_name(external), namespace)
        finalizers = external["metadata"].get("finalizers") or []
        if FINALIZER in finalizers:
            rest = [finalizer for finalizer in finalizers if finalizer != FINALIZER]
            self._api.patch(EXTERNAL_SECRET, name, namespace, {"metadata": {"finalizers": rest}})

    def _remove_orphans(self, external: Object) -> None:
        if creation_policy(external) != "Owner":
            return
        namespace = external["metadata"]["namespace"]
        for secret in self._api.find(SECRET, namespace, {LABEL_OWNER: owner_hash(external)}):
            if secret["metadata"]["name"] != target_name(external):
                self._api.delete(SECRET, secret["metadata"]["name"], namespace)
                self._events.normal(external, "Deleted", "secret deleted because it was orphaned")

    def _of_secret(self, secret: Object) -> Iterable[Key]:
        metadata = secret["metadata"]
        if (metadata.get("labels") or {}).get(LABEL_MANAGED) != "true":
            return []
        externals = self._api.find(EXTERNAL_SECRET, metadata["namespace"])
        return [key_of(external) for external in externals if target_name(external) == metadata["name"]]

    def _of_store(self, store: Object) -> Iterable[Key]:
        metadata = store["metadata"]
        return [
            key_of(external)
            for external in self._api.find(EXTERNAL_SECRET, metadata.get("namespace"))
            if (external["spec"].get("secretStoreRef") or {}).get("name") == metadata["name"]
        ]


def _binding(external: Object, bound: bool) -> Object:
    """Which Secret it is bound to: bound is, whose Secret was there or could be made."""
    old: Object = (external.get("status") or {}).get("binding") or {"name": ""}
    return {"name": target_name(external)} if bound else old


def _as_written_back(external: Object) -> Object:
    """What of the spec is another after the real one has read it into its types and written it again."""
    spec = external["spec"]
    changed: Object = {"secretStoreRef": spec.get("secretStoreRef") or {}}
    if spec.get("refreshInterval"):
        changed["refreshInterval"] = as_go_writes(spec["refreshInterval"])
    template = _target(external).get("template")
    if template is not None:
        changed["target"] = {"template": {"metadata": template.get("metadata") or {}}}
    return changed


def _of_update(external: Object, secret: Object | None, error: SecretError) -> str:
    if secret is None:
        return str(error)
    act = "update" if isinstance(error, ImmutableError) else "mutate"
    return f"unable to {act} secret {target_name(external)}: {error}"


def _target(external: Object) -> Object:
    target: Object = external["spec"].get("target") or {}
    return target


def _condition(obj: Object, status: str, reason: str, message: str) -> list[Object]:
    """The object's conditions with this Ready; the time of transition stays while the status does."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    old = next((condition for condition in conditions if condition["type"] == "Ready"), {"status": ""})
    since = old["lastTransitionTime"] if old["status"] == status else timestamp()
    ready = {"type": "Ready", "status": status, "reason": reason, "message": message}
    ready["lastTransitionTime"] = since
    return [*(condition for condition in conditions if condition["type"] != "Ready"), ready]
