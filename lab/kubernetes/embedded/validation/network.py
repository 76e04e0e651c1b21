"""Rules of Endpoints, EndpointSlices and NetworkPolicies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from lab.kubernetes.embedded.errors import (
    Problem,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from lab.kubernetes.embedded.objects import Object
from lab.kubernetes.embedded.validation import names
from lab.kubernetes.embedded.validation.metadata import immutable, selector_problems, worded
from lab.kubernetes.embedded.validation.services import number_or_name, protocol

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_POLICY_TYPES = ("Ingress", "Egress")
_NO_NETWORK = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def endpoints(item: Object, _before: Object | None) -> Iterator[Problem]:
    """Endpoints. Loopback addresses are allowed here: the laboratory's pods live there."""
    for index, subset in enumerate(item.get("subsets", [])):
        where = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            yield required(where, "must specify `addresses` or `notReadyAddresses`")
        for word in ("addresses", "notReadyAddresses"):
            for number, address in enumerate(subset.get(word, [])):
                place, text = f"{where}.{word}[{number}].ip", address.get("ip", "")
                for problem in _address(place, text):
                    # Judged twice, by two rules.
                    yield problem
                    yield invalid_value(place, text, "must be a valid IP address")
        ports = subset.get("ports", [])
        for number, port in enumerate(ports):
            field = f"{where}.ports[{number}]"
            if len(ports) > 1 and not port.get("name"):
                yield required(f"{field}.name")
            yield from worded(f"{field}.port", port.get("port", 0), names.port_number(port.get("port", 0)))
            yield from protocol(f"{field}.protocol", port["protocol"])


def endpoint_slice(item: Object, before: Object | None) -> Iterator[Problem]:
    """An EndpointSlice. Loopback addresses are allowed here, too."""
    kind = item.get("addressType", "")
    if not kind:
        yield required("addressType")
    elif kind not in _ADDRESS_TYPES:
        yield not_supported("addressType", kind, _ADDRESS_TYPES)
    yield from _slice_ports(item.get("ports", []))
    for index, endpoint in enumerate(item.get("endpoints", [])):
        where, addresses = f"endpoints[{index}].addresses", endpoint.get("addresses", [])
        if not addresses:
            yield required(where)
        for number, address in enumerate(addresses if kind != "FQDN" else []):
            yield from _address(f"{where}[{number}]", address)
    if before:
        yield from immutable("addressType", kind, before.get("addressType"))


def _slice_ports(ports: list[Object]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        where, name = f"ports[{index}]", port.get("name", "")
        if name:
            yield from worded(f"{where}.name", name, names.label(name))
        if name in seen:
            yield duplicate(f"{where}.name", name)
        seen.add(name)
        yield from protocol(f"{where}.protocol", port["protocol"])


def network_policy(item: Object, _before: Object | None) -> Iterator[Problem]:
    """A NetworkPolicy."""
    spec = item["spec"]
    yield from selector_problems(spec["podSelector"], "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction, [])):
            where = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports", [])):
                yield from _policy_port(port, f"{where}.ports[{number}]")
            for number, peer in enumerate(rule.get(peers, [])):
                yield from _peer(peer, f"{where}.{peers}[{number}]")
    for index, kind in enumerate(spec["policyTypes"]):
        if kind not in _POLICY_TYPES:
            yield not_supported(f"spec.policyTypes[{index}]", kind, _POLICY_TYPES)


def _policy_port(port: Object, field: str) -> Iterator[Problem]:
    yield from protocol(f"{field}.protocol", port["protocol"], ("TCP", "UDP", "SCTP"))
    if "port" in port:
        yield from number_or_name(f"{field}.port", port["port"])


def _peer(peer: Object, field: str) -> Iterator[Problem]:
    if not peer:
        yield required(field, "must specify a peer")
    for word in ("podSelector", "namespaceSelector"):
        if word in peer:
            yield from selector_problems(peer[word], f"{field}.{word}")
    if "ipBlock" not in peer:
        return
    if len(peer) > 1:
        yield forbidden_field(field, "may not specify both ipBlock and another peer")
    yield from _block(peer["ipBlock"], f"{field}.ipBlock")


def _block(block: Object, field: str) -> Iterator[Problem]:
    if not block.get("cidr"):
        yield required(f"{field}.cidr")
        return
    whole = _network(block["cidr"])
    if whole is None:
        yield invalid_value(f"{field}.cidr", block["cidr"], _NO_NETWORK)
        return
    for index, text in enumerate(block.get("except", [])):
        where, part = f"{field}.except[{index}]", _network(text)
        if part is None:
            yield invalid_value(where, text, _NO_NETWORK)
        elif part.version != whole.version or part == whole or not part.subnet_of(whole):
            yield invalid_value(where, text, "must be a strict subset of `cidr`")


def _network(text: str) -> Any:
    """IPv4 and IPv6 networks have no type in common that knows `subnet_of`; None when it is none."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(field: str, text: str) -> Iterator[Problem]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        yield invalid_value(field, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
