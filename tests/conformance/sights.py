"""What External Secrets says and does about faults, as it can be seen."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.standins.api.client import Api
from lab.standins.api.kinds import CLUSTER_SECRET_STORE, EVENT, EXTERNAL_SECRET, SECRET, SECRET_STORE
from tests.conformance.faults import SYNCED, VALID, Fault, Object

#: What can be seen of a fault, in a form that shows a difference well.
Seen = dict[str, Any]

#: What differs by request, and by secret of the same name: the end of its ARN.
_REQUEST = re.compile(r"(RequestID|request id): \S+?(,|$)|(?<=/document)-[A-Za-z0-9]{6}\b")


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
        return ready_text(self.external(fault))

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


def _conditions(found: Object | None) -> list[str]:
    conditions = ((found or {}).get("status") or {}).get("conditions") or []
    return [f"{one['type']} {one['status']} {one['reason']}: {one['message']}" for one in conditions]


def ready_text(found: Object | None) -> str:
    """Condition Ready of an object in one line, empty where it has none."""
    return next((one[6:] for one in _conditions(found) if one.startswith("Ready ")), "")


def store_settled(fault: Fault, look: Look, spec: Mapping[str, Any]) -> bool:
    """Whether the store is as an entry, or a step of it, says."""
    wanted = spec.get("store_ready", fault.spec.get("store_ready", VALID))
    if "cluster_store" in fault.spec:
        # Its condition is said nowhere: the one of the external secret tells.
        return bool(ready_text(look.store(fault)))
    ready = ready_text(look.store(fault))
    return ready.startswith(wanted) if wanted else not ready


def shows(fault: Fault, look: Look, spec: Mapping[str, Any]) -> bool:
    """Whether store and external secret are as an entry, or a step of it, says."""
    if fault.refused:
        return True
    ready = spec.get("ready", SYNCED)
    return store_settled(fault, look, spec) and ready in (None, ready_text(look.external(fault)))


def refuses(fault: Fault, look: Look) -> bool:
    """Whether the stand-in has said what it does not have."""
    return any(fault.unsupported in message for message in look.messages(fault))


def settled(fault: Fault, look: Look) -> bool:
    """Whether Secret and events, which follow the conditions, have come or gone as well."""
    if fault.refused:
        return True
    wanted = fault.spec.get("secret", None if fault.words("cause") else "there")
    there = look.secret(fault) is not None
    told = set(fault.spec.get("told", ())) <= look.reasons(fault)
    return (
        shows(fault, look, (*[fault.spec], *fault.steps)[-1])
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
