"""Rules of Services."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from lab.kubernetes.embedded.errors import (
    Problem,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from lab.kubernetes.embedded.objects import Json, Object
from lab.kubernetes.embedded.validation import names
from lab.kubernetes.embedded.validation.metadata import label_problems, worded

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_AFFINITIES = ("ClientIP", "None")
PROTOCOLS = ("SCTP", "TCP", "UDP")


def service(item: Object, before: Object | None) -> Iterator[Problem]:
    """A Service."""
    spec = item["spec"]
    kind, headless = spec["type"], spec.get("clusterIP") == "None"
    ports = spec.get("ports", [])
    if not ports and not headless and kind != "ExternalName":
        yield required("spec.ports")
    if kind == "ExternalName":
        yield from _external(spec)
    elif kind in ("LoadBalancer", "NodePort") and headless:
        yield invalid_value("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    yield from _ports(ports, kind)
    yield from label_problems(spec.get("selector"), "spec.selector")
    if spec["sessionAffinity"] not in _AFFINITIES:
        yield not_supported("spec.sessionAffinity", spec["sessionAffinity"], _AFFINITIES)
    if kind not in _TYPES:
        yield not_supported("spec.type", kind, _TYPES)
    if kind != "ExternalName":
        yield from _address(spec.get("clusterIP", ""), before)


def _external(spec: Object) -> Iterator[Problem]:
    name = spec.get("externalName", "").removesuffix(".")
    if not name:
        yield required("spec.externalName")
    else:
        yield from worded("spec.externalName", name, names.subdomain(name))
    if spec.get("clusterIP"):
        yield forbidden_field("spec.clusterIPs", "may not be set for ExternalName services")


def _ports(ports: list[Object], kind: str) -> Iterator[Problem]:
    seen_names, seen = set(), set()
    for index, port in enumerate(ports):
        where, name = f"spec.ports[{index}]", port.get("name", "")
        if not name and len(ports) > 1:
            yield required(f"{where}.name")
        elif name:
            yield from worded(f"{where}.name", name, names.label(name))
            if name in seen_names:
                yield duplicate(f"{where}.name", name)
            seen_names.add(name)
        number = port.get("port", 0)
        yield from worded(f"{where}.port", number, names.port_number(number))
        yield from protocol(f"{where}.protocol", port["protocol"])
        yield from number_or_name(f"{where}.targetPort", port.get("targetPort", 0))
        if port.get("nodePort") and kind == "ClusterIP":
            yield forbidden_field(f"{where}.nodePort", "may not be used when `type` is 'ClusterIP'")
        if (number, port["protocol"]) in seen:
            # The real server shows a structure of its own here.
            shown = {"Name": "", "Protocol": port["protocol"], "AppProtocol": None, "Port": number}
            yield duplicate(where, {**shown, "TargetPort": 0, "NodePort": 0})
        seen.add((number, port["protocol"]))


def protocol(field: str, value: str, known: Sequence[str] = PROTOCOLS) -> Iterator[Problem]:
    """A transport protocol."""
    if value not in known:
        yield not_supported(field, value, known)


def number_or_name(field: str, value: Json) -> Iterator[Problem]:
    """A port as a number or as a name."""
    found = names.port_name(value) if isinstance(value, str) else names.port_number(value)
    yield from worded(field, value, found)


def _address(address: str, before: Object | None) -> Iterator[Problem]:
    if address != "None":
        try:
            ipaddress.ip_address(address)
        except ValueError:
            yield invalid_value(
                "spec.clusterIPs[0]", address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            )
            return
    known = before["spec"].get("clusterIP") if before and before["spec"]["type"] != "ExternalName" else None
    if known and address != known:
        yield invalid_value("spec.clusterIPs[0]", [address], "may not change once set")
