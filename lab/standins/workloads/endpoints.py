"""Stand-in for the endpoint controllers: which Pods are behind a Service."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.standins.api.client import Api
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.kinds import ENDPOINT_SLICE, ENDPOINTS, POD, SERVICE, Kind
from lab.standins.api.label_selectors import has_all
from lab.standins.api.objects import Key, Object, is_ready, key_of, labels_of, reference_to

_HEADLESS = "service.kubernetes.io/headless"
_MANAGED = {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}


def controllers(api: Api) -> list[Controller]:
    """The controllers' loop."""
    endpoints = _Endpoints(api)
    watches = [Watch(SERVICE), Watch(POD, keys=endpoints.services_of, relevant=_relevant)]
    return [Controller("endpoints", api, watches, endpoints.reconcile)]


@dataclass(frozen=True)
class Backend:
    """A Pod behind a Service."""

    name: str
    uid: str
    address: str
    node: str
    ready: bool
    #: Whether the Service wants it also when it is not ready.
    published: bool
    #: The Service's ports on this Pod: (name, number, protocol).
    ports: tuple[tuple[str, int, str], ...]

    @property
    def wanted(self) -> bool:
        """Whether it is to be used."""
        return self.ready or self.published


def backends(service: Object, pods: Sequence[Object]) -> list[Backend]:
    """The Pods, of those of the namespace, that a Service selects and that have an address."""
    selector, unready = service["spec"]["selector"], bool(service["spec"].get("publishNotReadyAddresses"))
    found = []
    for pod in pods:
        metadata, state = pod["metadata"], pod.get("status") or {}
        gone = metadata.get("deletionTimestamp") or state.get("phase") in {"Succeeded", "Failed"}
        if gone or not state.get("podIP") or not has_all(selector, labels_of(pod)):
            continue
        ports = tuple(port for one in service["spec"].get("ports") or [] if (port := _port(one, pod)))
        node = pod["spec"].get("nodeName", "")
        found.append(
            Backend(metadata["name"], metadata["uid"], state["podIP"], node, is_ready(pod), unready, ports)
        )
    return sorted(found, key=lambda backend: backend.name)


def _port(service_port: Object, pod: Object) -> tuple[str, int, str] | None:
    target = service_port.get("targetPort") or service_port["port"]
    name, protocol = service_port.get("name") or "", service_port.get("protocol") or "TCP"
    if isinstance(target, int):
        return name, target, protocol
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or []:
            if port.get("name") == target and (port.get("protocol") or "TCP") == protocol:
                return name, int(port["containerPort"]), protocol
    return None


def subsets(service: Object, behind: Sequence[Backend]) -> list[Object]:
    """The content of a Service's Endpoints: addresses that share their ports together."""
    namespace = service["metadata"]["namespace"]
    result = []
    for ports in dict.fromkeys(backend.ports for backend in behind):
        members = [backend for backend in behind if backend.ports == ports]
        subset: Object = {}
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            addresses = [_address(backend, namespace) for backend in members if backend.wanted is ready]
            if addresses:
                subset[field] = addresses
        subset["ports"] = [_endpoint_port(port) for port in ports]
        result.append(subset)
    return result


def slices(service: Object, behind: Sequence[Backend]) -> list[Object]:
    """EndpointSlices of a Service: one for each set of ports, one without endpoints when there are none."""
    metadata = service["metadata"]
    groups = list(dict.fromkeys(backend.ports for backend in behind)) or [()]
    return [
        {
            "apiVersion": ENDPOINT_SLICE.api,
            "kind": ENDPOINT_SLICE.name,
            "metadata": {
                "name": f"{metadata['name']}-{hashlib.sha256(repr(ports).encode()).hexdigest()[:5]}",
                "namespace": metadata["namespace"],
                "labels": {
                    **_labels(service),
                    "kubernetes.io/service-name": metadata["name"],
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                },
                "ownerReferences": [reference_to(service)],
            },
            "addressType": "IPv4",
            "endpoints": [
                _endpoint(backend, metadata["namespace"]) for backend in behind if backend.ports == ports
            ],
            "ports": [_endpoint_port(port) for port in ports],
        }
        for ports in groups
    ]


class _Endpoints:
    def __init__(self, api: Api) -> None:
        self._api = api

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        service = self._api.get(SERVICE, name, namespace)
        if service is None:
            self._api.delete(ENDPOINTS, name, namespace)
            self._remove_slices(key, keep=set())
            return None
        if not service["spec"].get("selector"):
            return None
        behind = backends(service, self._api.find(POD, namespace))
        metadata = {"name": name, "namespace": namespace, "labels": {**_labels(service), **_MANAGED}}
        wanted = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": metadata,
            "subsets": subsets(service, behind),
        }
        self._write(ENDPOINTS, wanted, ("subsets",))
        made = slices(service, behind)
        for one in made:
            self._write(ENDPOINT_SLICE, one, ("endpoints", "ports"))
        self._remove_slices(key, keep={one["metadata"]["name"] for one in made})
        return None

    def services_of(self, pod: Object) -> Iterable[Key]:
        """The Services that select a Pod."""
        namespace = pod["metadata"]["namespace"]
        for service in self._api.find(SERVICE, namespace):
            selector = service["spec"].get("selector")
            if selector and has_all(selector, labels_of(pod)):
                yield key_of(service)

    def _write(self, kind: Kind, wanted: Object, parts: Sequence[str]) -> None:
        namespace, name = key_of(wanted)
        current = self._api.get(kind, name, namespace)
        if current is None:
            self._api.create(kind, wanted)
            return
        labels = {**labels_of(current), **wanted["metadata"]["labels"]}
        if labels != labels_of(current) or any((current.get(part) or []) != wanted[part] for part in parts):
            metadata = {**current["metadata"], "labels": labels}
            self._api.replace(
                kind, {**current, "metadata": metadata, **{part: wanted[part] for part in parts}}
            )

    def _remove_slices(self, service: Key, keep: set[str]) -> None:
        namespace, name = service
        for one in self._api.find(ENDPOINT_SLICE, namespace, {"kubernetes.io/service-name": name}):
            if one["metadata"]["name"] not in keep:
                self._api.delete(ENDPOINT_SLICE, one["metadata"]["name"], namespace)


def _labels(service: Object) -> dict[str, str]:
    """The labels of a Service, and how it is reached."""
    headless = {_HEADLESS: ""} if service["spec"].get("clusterIP") == "None" else {}
    return {**labels_of(service), **headless}


def _address(backend: Backend, namespace: str) -> Object:
    reference = {"kind": "Pod", "namespace": namespace, "name": backend.name, "uid": backend.uid}
    return {"ip": backend.address, "nodeName": backend.node, "targetRef": reference}


def _endpoint(backend: Backend, namespace: str) -> Object:
    return {
        "addresses": [backend.address],
        "conditions": {"ready": backend.wanted, "serving": backend.ready, "terminating": False},
        "nodeName": backend.node,
        "targetRef": {"kind": "Pod", "name": backend.name, "namespace": namespace, "uid": backend.uid},
    }


def _endpoint_port(port: tuple[str, int, str]) -> Object:
    name, number, protocol = port
    return {"name": name, "port": number, "protocol": protocol}


def _relevant(pod: Object) -> object:
    metadata, status = pod["metadata"], pod.get("status") or {}
    return [metadata.get("labels"), metadata.get("deletionTimestamp"), status.get("podIP"), is_ready(pod)]
