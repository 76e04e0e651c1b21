"""What the NetworkPolicies of a namespace say about one connection."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.standins.api.label_selectors import matches
from lab.standins.api.objects import Object, key_of, labels_of


@dataclass(frozen=True)
class Connection:
    """A pod's connection to another pod's TCP port."""

    client: Object
    target: Object
    port: int
    #: Labels of every namespace.
    namespaces: Mapping[str, Mapping[str, str]]


def admitted(policies: Sequence[Object], connection: Connection) -> bool:
    """Whether policies let a connection in; a pod reaches itself whatever they say."""
    target = connection.target
    if key_of(connection.client) == key_of(target):
        return True
    isolating = [policy["spec"] for policy in policies if isolates(policy, target)]
    rules = [rule for spec in isolating for rule in spec.get("ingress") or []]
    return not isolating or any(_allows(rule, connection) for rule in rules)


def isolates(policy: Object, target: Object) -> bool:
    """Whether a policy is about connections to a pod."""
    spec = policy["spec"]
    return (
        policy["metadata"]["namespace"] == target["metadata"]["namespace"]
        and "Ingress" in (spec.get("policyTypes") or ["Ingress"])
        and matches(spec.get("podSelector") or {}, labels_of(target))
    )


def _allows(rule: Object, connection: Connection) -> bool:
    peers, ports = rule.get("from") or [], rule.get("ports") or []
    return (not peers or any(_is_peer(peer, connection) for peer in peers)) and (
        not ports or any(_is_port(port, connection) for port in ports)
    )


def _is_peer(peer: Object, connection: Connection) -> bool:
    client = connection.client
    if block := peer.get("ipBlock"):
        address = ipaddress.ip_address(client["status"]["podIP"])
        outside = any(address in ipaddress.ip_network(cidr) for cidr in block.get("except") or [])
        return address in ipaddress.ip_network(block["cidr"]) and not outside
    namespace = client["metadata"]["namespace"]
    if "namespaceSelector" in peer:
        near = matches(peer["namespaceSelector"] or {}, connection.namespaces.get(namespace, {}))
    else:
        near = namespace == connection.target["metadata"]["namespace"]
    return near and matches(peer.get("podSelector") or {}, labels_of(client))


def _is_port(port: Object, connection: Connection) -> bool:
    if (port.get("protocol") or "TCP") != "TCP":
        return False
    wanted: Any = port.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return connection.port in _named(connection.target, wanted)
    return bool(wanted <= connection.port <= (port.get("endPort") or wanted))


def _named(pod: Object, name: str) -> list[int]:
    every = [port for one in pod["spec"]["containers"] for port in one.get("ports") or []]
    return [int(port["containerPort"]) for port in every if port.get("name") == name]
