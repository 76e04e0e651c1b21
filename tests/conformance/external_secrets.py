"""The faults of external_secrets.yaml, made on a laboratory."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.standins.api.client import Api, ApiError
from lab.standins.api.kinds import (
    CLUSTER_SECRET_STORE,
    CONFIG_MAP,
    EXTERNAL_SECRET,
    NAMESPACE,
    SECRET,
    SECRET_STORE,
    SERVICE_ACCOUNT,
    Kind,
)
from lab.waiting import wait_until
from tests.conformance.faults import SYNCED, Fault, Object, merged
from tests.conformance.sights import Look, Seen, ready_text, refuses, settled, shows, store_settled
from tests.e2e.laboratory import Laboratory

#: Seconds for External Secrets to come to each state of all faults.
PATIENCE = 120.0
KINDS = {
    kind.name: kind
    for kind in (CLUSTER_SECRET_STORE, CONFIG_MAP, EXTERNAL_SECRET, SECRET, SECRET_STORE, SERVICE_ACCOUNT)
}
#: What differs by request, and by secret of the same name: the end of its ARN.


@dataclass
class Scene:
    """The faults on one laboratory."""

    lab: Laboratory
    faults: Sequence[Fault]
    #: Whether a stand-in is asked instead of the real one.
    standin: bool = False
    refusals: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.api = Api(Path(self.lab.endpoints["kubeconfig"]), "conformance")
        self._iam, self._secrets, self._kms = map(self.lab.aws, ("iam", "secretsmanager", "kms"))
        self._pool = ThreadPoolExecutor(8)
        self._barriers = 0
        self._supported = [fault for fault in self.faults if not (self.standin and fault.unsupported)]
        self._marker = next(fault for fault in self.faults if fault.name == "barrier")

    def make(self) -> None:
        """Bring all faults about; returns when each has come to its last state, or time is over."""
        self._each(self._prepare, self.faults)
        self._until(lambda look: all(store_settled(fault, look, fault.spec) for fault in self._supported))
        self._each(self._make_rival, self.faults)
        self._pass_barrier()
        self._each(self._make_external, self.faults)
        self._pass_barrier()
        self._until(lambda look: all(shows(fault, look, fault.spec) for fault in self._supported))
        for number in range(max(len(fault.steps) for fault in self.faults)):
            self._step(number)
        self._until(lambda look: all(settled(fault, look) for fault in self._supported))
        if self.standin:
            unsupported = [fault for fault in self.faults if fault.unsupported]
            self._until(lambda look: all(refuses(fault, look) for fault in unsupported))

    def seen(self, faults: Sequence[Fault]) -> dict[str, Seen]:
        """What can be seen of each fault."""
        look = Look.at(self.api)
        return {fault.name: look.of(fault) for fault in faults}

    def unmake(self) -> None:
        """Remove what External Secrets would go on trying for, beside other tests."""
        self._each(self._forget, self.faults)
        self._pool.shutdown()

    def _forget(self, fault: Fault) -> None:
        # The namespaces stay: to clear so many of them takes a controller manager minutes.
        for kind in (EXTERNAL_SECRET, SECRET_STORE):
            for one in self.api.find(kind, fault.namespace):
                self.api.delete(kind, one["metadata"]["name"], fault.namespace)
        self.api.delete(CLUSTER_SECRET_STORE, fault.namespace)

    # --- Before External Secrets has anything to do ---

    def _prepare(self, fault: Fault) -> None:
        self._put_document(fault, fault.spec["document"], new=True)
        if fault.spec["role"]:
            self._put_role(fault)
        metadata = {"name": fault.namespace, "labels": {"fault": fault.namespace}}
        self.api.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        for body in fault.spec.get("objects", ()):
            self._create(fault, body)
        self._create(fault, fault.spec["account"], SERVICE_ACCOUNT)
        self._create(fault, fault.spec["store"], SECRET_STORE)
        self._create(fault, fault.spec.get("cluster_store"), CLUSTER_SECRET_STORE)

    def _put_document(self, fault: Fault, document: Mapping[str, Any], new: bool = False) -> None:
        name = f"{fault.namespace}/document"
        if document.get("absent"):
            self._secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            return
        content = _content(document)
        if not new:
            self._secrets.put_secret_value(SecretId=name, **content)
            return
        if document.get("kms"):
            content["KmsKeyId"] = self._kms.create_key()["KeyMetadata"]["Arn"]
        tags = [{"Key": key, "Value": value} for key, value in document.get("tags", {}).items()]
        self._secrets.create_secret(Name=name, Tags=tags, **content)
        if document.get("deleted"):
            self._secrets.delete_secret(SecretId=name)

    def _put_role(self, fault: Fault) -> None:
        trust, policy = (_policy(fault.spec["role"][part]) for part in ("trust", "policy"))
        self._iam.create_role(RoleName=fault.namespace, AssumeRolePolicyDocument=trust)
        self._iam.put_role_policy(RoleName=fault.namespace, PolicyName="read", PolicyDocument=policy)

    def _create(self, fault: Fault, body: Object | None, kind: Kind | None = None) -> None:
        if body is None:
            return
        kind = kind or KINDS[body["kind"]]
        metadata = dict(body["metadata"])
        if kind.namespaced:
            metadata["namespace"] = fault.namespace
        if "owned_by" in body:
            metadata["ownerReferences"] = [self._controller(fault, body["owned_by"])]
        given = {key: value for key, value in body.items() if key != "owned_by"}
        self.api.create(kind, {**given, "apiVersion": kind.api, "kind": kind.name, "metadata": metadata})

    def _controller(self, fault: Fault, config_map: str) -> Object:
        owner = self.api.get(CONFIG_MAP, config_map, fault.namespace)
        assert owner
        uid = owner["metadata"]["uid"]
        named = {"apiVersion": "v1", "kind": "ConfigMap", "name": config_map, "uid": uid}
        return {**named, "controller": True}

    # --- External secrets, and what happens to them ---

    def _make_rival(self, fault: Fault) -> None:
        if "rival" in fault.spec:
            self._create(fault, fault.spec["rival"], EXTERNAL_SECRET)

    def _make_external(self, fault: Fault) -> None:
        try:
            self._create(fault, fault.spec["external"], EXTERNAL_SECRET)
        except ApiError as error:
            self.refusals[fault.name] = error.message

    def _step(self, number: int) -> None:
        concerned = [(fault, fault.steps[number]) for fault in self.faults if number < len(fault.steps)]
        self._each(lambda each: self._change(*each), concerned)
        self._pass_barrier()
        self._until(lambda look: all(shows(fault, look, step) for fault, step in concerned))

    def _change(self, fault: Fault, step: Mapping[str, Any]) -> None:
        if "document" in step:
            self._put_document(fault, step["document"])
        for kind, part in ((SERVICE_ACCOUNT, "account"), (SECRET_STORE, "store")):
            if part in step:
                self._patch(kind, fault.spec[part]["metadata"]["name"], fault, step[part])
        for body in step.get("objects", ()):
            self._patch(KINDS[body["kind"]], body["metadata"]["name"], fault, body)
        for kind_name, name in map(str.split, step.get("remove", ())):
            self.api.delete(KINDS[kind_name], name, fault.namespace)
        patch = dict(step.get("external", {}))
        if step.get("force", True):
            patch = merged(patch, {"metadata": {"annotations": {"force-sync": "1"}}})
        if patch:
            self._patch(EXTERNAL_SECRET, fault.external, fault, patch)

    def _patch(self, kind: Kind, name: str, fault: Fault, patch: Object) -> None:
        self.api.patch(kind, name, fault.namespace, patch)

    def _pass_barrier(self) -> None:
        """Wait for an external secret that comes after all others in External Secrets' queue.

        What nothing is to happen to has then been looked at, and nothing did.
        """
        self._barriers += 1
        name = f"barrier-{self._barriers}"
        external = merged(self._marker.spec["external"], {"metadata": {"name": name}})
        self._create(self._marker, external, EXTERNAL_SECRET)
        wait_until(
            lambda: ready_text(self.api.get(EXTERNAL_SECRET, name, self._marker.namespace)) == SYNCED,
            what=f"External Secrets to come to {name} ({self.lab.state})",
            timeout=PATIENCE,
            pause=0.1,
        )

    def _each(self, do: Callable[[Any], None], on: Iterable[Any]) -> None:
        list(self._pool.map(do, on))

    def _until(self, there: Callable[[Look], bool]) -> None:
        # A state that never comes is a difference, which the comparison shows better than this.
        with suppress(TimeoutError):
            wait_until(lambda: there(Look.at(self.api)), what="", timeout=PATIENCE, pause=0.3)


def _content(document: Mapping[str, Any]) -> Object:
    if "binary" in document:
        return {"SecretBinary": base64.b64decode(document["binary"])}
    if "text" in document:
        return {"SecretString": document["text"]}
    return {} if document.get("empty") else {"SecretString": json.dumps(document["value"])}


def _policy(statement: Object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make(*scenes: Scene) -> None:
    """Make the faults on several laboratories at a time."""
    with ThreadPoolExecutor(len(scenes)) as pool:
        for made in [pool.submit(scene.make) for scene in scenes]:
            made.result()


def compare(real: Scene, standin: Scene, faults: Sequence[Fault]) -> tuple[dict[str, Seen], dict[str, Seen]]:
    """What is seen on both; asked again while there are differences, as events come when they come."""
    views: list[dict[str, Seen]] = []

    def equal() -> bool:
        views[:] = [scene.seen(faults) for scene in (real, standin)]
        return views[0] == views[1]

    with suppress(TimeoutError):
        wait_until(equal, what="", timeout=5, pause=0.2)
    return views[0], views[1]
