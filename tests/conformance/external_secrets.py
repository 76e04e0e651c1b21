"""The faults of external_secrets.yaml, made on a laboratory, and what External Secrets says then."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import yaml

from lab.settings import Settings
from lab.standins.api.client import Api, ApiError
from lab.standins.api.kinds import (
    CLUSTER_SECRET_STORE,
    CONFIG_MAP,
    EVENT,
    EXTERNAL_SECRET,
    NAMESPACE,
    SECRET,
    SECRET_STORE,
    SERVICE_ACCOUNT,
    Kind,
)
from lab.waiting import wait_until
from tests.e2e.laboratory import Laboratory

Object = dict[str, Any]
#: What can be seen of a fault, in a form that shows a difference well.
Seen = dict[str, Any]

TABLE = Path(__file__).with_suffix(".yaml")
SYNCED = "True SecretSynced: secret synced"
VALID = "True Valid: store validated"
#: Seconds for External Secrets to come to each state of all faults.
PATIENCE = 120.0
KINDS = {
    kind.name: kind
    for kind in (CLUSTER_SECRET_STORE, CONFIG_MAP, EXTERNAL_SECRET, SECRET, SECRET_STORE, SERVICE_ACCOUNT)
}
#: What differs by request, and by secret of the same name: the end of its ARN.
_REQUEST = re.compile(r"(RequestID|request id): \S+?(,|$)|(?<=/document)-[A-Za-z0-9]{6}\b")


@dataclass(frozen=True)
class Fault:
    """One entry of the table, merged with its base."""

    name: str
    namespace: str
    spec: Mapping[str, Any]

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        """The changes after the first sync."""
        return list(self.spec.get("then", ()))

    @property
    def unsupported(self) -> str:
        """Words with which the stand-in refuses what it does not have, empty where it has it."""
        return str(self.spec.get("standin", ""))

    @property
    def refused(self) -> str:
        """Words with which the API server refuses the external secret, empty where it takes it."""
        return str(self.spec.get("refused", ""))

    @property
    def last_ready(self) -> str:
        """Condition Ready of the external secret in the end."""
        return str((*[self.spec], *self.steps)[-1].get("ready", SYNCED))

    @property
    def external(self) -> str:
        """Name of the external secret."""
        return str(self.spec["external"]["metadata"]["name"])

    def words(self, how: str) -> list[str]:
        """What external_secret_sync has to say; nothing where it has nothing to say."""
        falls_back = {"with_aws": "without_events", "without_events": "cause"}
        if how not in self.spec and how in falls_back:
            # What is known without events is known with AWS, too, unless it is that something is not known.
            return self.words(falls_back[how])
        return list(self.spec.get(how, ()))


def merged(base: Any, patch: Any) -> Any:
    """A merge patch (RFC 7386) applied."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def faults(prefix: str = "eso", *, oldest: bool = False) -> list[Fault]:
    """All faults of the table, as the usual or as the oldest External Secrets tells them.

    Laboratories have one account, region and issuer in common.
    """
    document = yaml.safe_load(TABLE.read_text())
    settings = Settings(Path())
    place = {"account": settings.account, "region": settings.region, "issuer": settings.issuer[8:]}
    entries = document["faults"]
    if oldest:
        entries = [
            _reworded(merged(entry, entry.get("oldest", {})), document["oldest_words"]) for entry in entries
        ]
    return [_fault(prefix, document, entry, place) for entry in entries]


def _reworded(value: Any, words: Mapping[str, str]) -> Any:
    """A value in which some texts are others."""
    if isinstance(value, dict):
        return {key: _reworded(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_reworded(inner, words) for inner in value]
    return words.get(value, value) if isinstance(value, str) else value


def _fault(
    prefix: str, document: Mapping[str, Any], entry: Mapping[str, Any], place: Mapping[str, str]
) -> Fault:
    name = str(entry["name"])
    namespace = f"{prefix}-{re.sub(r'[^a-z0-9]+', '-', name.lower())}"[:60].strip("-")
    spec: Object = dict(entry)
    for part, base in document["base"].items():
        # A document that differs is another one: only its kind of content is given.
        whole = part == "document" and {"value", "text", "binary"} & set(entry.get(part, ()))
        spec[part] = (
            entry[part] if whole or entry.get(part, base) is None else merged(base, entry.get(part, {}))
        )
    for part, base in (("cluster_store", document["cluster_store"]), ("rival", document["base"]["external"])):
        if part in entry:
            spec[part] = merged(base, entry[part])
    return Fault(name, namespace, _filled(spec, {**place, "namespace": namespace}))


def _filled(value: Any, place: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return Template(value).safe_substitute(place)
    if isinstance(value, list):
        return [_filled(one, place) for one in value]
    if isinstance(value, dict):
        return {_filled(key, place): _filled(one, place) for key, one in value.items()}
    return value


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
        self._until(lambda look: all(_store_settled(fault, look, fault.spec) for fault in self._supported))
        self._each(self._make_rival, self.faults)
        self._pass_barrier()
        self._each(self._make_external, self.faults)
        self._pass_barrier()
        self._until(lambda look: all(_shows(fault, look, fault.spec) for fault in self._supported))
        for number in range(max(len(fault.steps) for fault in self.faults)):
            self._step(number)
        self._until(lambda look: all(_settled(fault, look) for fault in self._supported))
        if self.standin:
            unsupported = [fault for fault in self.faults if fault.unsupported]
            self._until(lambda look: all(_refuses(fault, look) for fault in unsupported))

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
        self._until(lambda look: all(_shows(fault, look, step) for fault, step in concerned))

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
            lambda: _ready(self.api.get(EXTERNAL_SECRET, name, self._marker.namespace)) == SYNCED,
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


@dataclass(frozen=True)
class Look:
    """All objects of all namespaces at one time."""

    objects: Mapping[tuple[str, str, str], Object]
    events: Mapping[str, Sequence[Object]]

    @classmethod
    def at(cls, api: Api) -> Look:
        """One request for each kind."""
        found: dict[tuple[str, str, str], Object] = {}
        for kind in (SECRET_STORE, CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET):
            for one in api.find(kind):
                metadata = one["metadata"]
                found[kind.name, metadata.get("namespace", ""), metadata["name"]] = one
        events = defaultdict(list)
        for event in api.find(EVENT):
            events[event["involvedObject"].get("namespace", event["involvedObject"]["name"])].append(event)
        return cls(found, events)

    def ready(self, fault: Fault) -> str:
        """Condition Ready of the fault's external secret, empty where it has none."""
        return _ready(self.external(fault))

    def store(self, fault: Fault) -> Object | None:
        """The store that the fault's external secret reads from."""
        if "cluster_store" in fault.spec:
            return self.objects.get((CLUSTER_SECRET_STORE.name, "", fault.namespace))
        return self.objects.get((SECRET_STORE.name, fault.namespace, "store"))

    def external(self, fault: Fault) -> Object | None:
        """The fault's external secret."""
        return self.objects.get((EXTERNAL_SECRET.name, fault.namespace, fault.external))

    def secret(self, fault: Fault) -> Object | None:
        """The Secret that the fault's external secret is to write."""
        external = self.external(fault) or fault.spec["external"]
        name = external["spec"].get("target", {}).get("name") or fault.external
        return self.objects.get((SECRET.name, fault.namespace, name))

    def reasons(self, fault: Fault) -> set[str]:
        """Reasons of the events about the fault's external secret."""
        return {
            event["reason"]
            for event in self.events.get(fault.namespace, ())
            if event["involvedObject"]["name"] == fault.external
        }

    def of(self, fault: Fault) -> Seen:
        """What External Secrets has said and done about a fault."""
        mine = {
            f"{kind} {name}": one
            for (kind, namespace, name), one in sorted(self.objects.items())
            if namespace == fault.namespace or (kind, name) == (CLUSTER_SECRET_STORE.name, fault.namespace)
        }
        seen: Seen = {
            name: _secret(one) if name.startswith("Secret ") else _status(one) for name, one in mine.items()
        }
        seen["events"] = sorted({_event(event) for event in self.events.get(fault.namespace, ())})
        seen["messages"] = self.messages(fault)
        return seen

    def messages(self, fault: Fault) -> list[str]:
        """What the events say, without what differs by request."""
        return sorted(
            {
                f"{event['reason']}: {_REQUEST.sub('', event['message'])}"
                for event in self.events.get(fault.namespace, ())
            }
        )


def _content(document: Mapping[str, Any]) -> Object:
    if "binary" in document:
        return {"SecretBinary": base64.b64decode(document["binary"])}
    if "text" in document:
        return {"SecretString": document["text"]}
    return {} if document.get("empty") else {"SecretString": json.dumps(document["value"])}


def _policy(statement: Object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _conditions(found: Object | None) -> list[str]:
    conditions = ((found or {}).get("status") or {}).get("conditions") or []
    return [f"{one['type']} {one['status']} {one['reason']}: {one['message']}" for one in conditions]


def _ready(found: Object | None) -> str:
    return next((one[6:] for one in _conditions(found) if one.startswith("Ready ")), "")


def _store_settled(fault: Fault, look: Look, spec: Mapping[str, Any]) -> bool:
    wanted = spec.get("store_ready", fault.spec.get("store_ready", VALID))
    if "cluster_store" in fault.spec:
        # Its condition is said nowhere: the one of the external secret tells.
        return bool(_ready(look.store(fault)))
    ready = _ready(look.store(fault))
    return ready.startswith(wanted) if wanted else not ready


def _shows(fault: Fault, look: Look, spec: Mapping[str, Any]) -> bool:
    """Whether store and external secret are as an entry, or a step of it, says."""
    if fault.refused:
        return True
    ready = spec.get("ready", SYNCED)
    return _store_settled(fault, look, spec) and ready in (None, _ready(look.external(fault)))


def _refuses(fault: Fault, look: Look) -> bool:
    """Whether the stand-in has said what it does not have."""
    return any(fault.unsupported in message for message in look.messages(fault))


def _settled(fault: Fault, look: Look) -> bool:
    """Whether Secret and events, which follow the conditions, have come or gone as well."""
    if fault.refused:
        return True
    wanted = fault.spec.get("secret", None if fault.words("cause") else "there")
    there = look.secret(fault) is not None
    told = set(fault.spec.get("told", ())) <= look.reasons(fault)
    return (
        _shows(fault, look, (*[fault.spec], *fault.steps)[-1])
        and wanted
        in (
            None,
            "there" if there else "gone",
        )
        and told
    )


def _status(found: Object) -> Seen:
    status = found.get("status") or {}
    shown = {
        key: status[key] for key in ("capabilities", "binding", "syncedResourceVersion") if key in status
    }
    return {
        "conditions": _conditions(found),
        "refreshed": bool(status.get("refreshTime")),
        "finalizers": found["metadata"].get("finalizers"),
        **shown,
    }


def _secret(secret: Object) -> Seen:
    metadata = secret["metadata"]
    data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
    owners = [
        (one["kind"], one["name"], one.get("controller")) for one in metadata.get("ownerReferences", ())
    ]
    managers = {entry["manager"] for entry in metadata.get("managedFields", ())}
    return {
        "type": secret["type"],
        "immutable": secret.get("immutable", False),
        "labels": metadata.get("labels"),
        "annotations": metadata.get("annotations"),
        "finalizers": metadata.get("finalizers"),
        "owners": owners,
        "managers": sorted(one for one in managers if one.startswith("externalsecrets.")),
        "data": {key: value.decode(errors="backslashreplace") for key, value in data.items()},
    }


def _event(event: Object) -> str:
    about = event["involvedObject"]
    return f"{about['kind']} {about['name']}: {event['type']} {event['reason']}"


def declared(fault: Fault) -> list[str]:
    """Parts of a fault in which the stand-in differs, for a reason that the table gives."""
    entries = yaml.safe_load(TABLE.read_text())["declared"]
    return [entry["part"] for entry in entries if entry["fault"] == fault.name]


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
