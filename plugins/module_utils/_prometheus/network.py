# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether NetworkPolicies keep Prometheus from a pod. PRIVATE: it may change at any time."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.selectors import mismatch
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.selection import (
    Labels,
    Object,
    labels_of,
    metadata,
)

#: What Prometheus says when packets get lost on the way, and when they are refused.
SIGNS = ("deadline exceeded", "i/o timeout", "no route to host", "connection refused", "EOF", "reset by peer")


@dataclass(frozen=True)
class Client:
    """A Prometheus; what is not known of its pods, None, is no reason to name a policy."""

    namespace: str
    namespace_labels: Labels
    pod_labels: Labels | None = None
    address: str | None = None


def looks_like_network(error: str) -> bool:
    """Whether a target's last error may come from a NetworkPolicy."""
    return any(sign in error for sign in SIGNS)


def shut_out(policies: Sequence[Object], pod: Object, port: int, clients: Sequence[Client]) -> str | None:
    """Which NetworkPolicies of a pod's namespace let none of the clients in, None when one may come in."""
    isolating = [policy for policy in policies if _isolates(policy, pod)]
    rules = [rule for policy in isolating for rule in policy["spec"].get("ingress") or []]
    open_rules = [rule for rule in rules if _has_port(rule, pod, port)]
    if not isolating or not clients:
        return None
    if any(_lets_in(rule, pod, client) for rule in open_rules for client in clients):
        return None
    names = ", ".join("/".join(metadata(policy)) for policy in isolating)
    namespaces = ", ".join(dict.fromkeys(client.namespace for client in clients))
    admitted = "; ".join(_who(rule) for rule in open_rules) or "nobody"
    return (
        f"NetworkPolicy {names} selects pod {'/'.join(metadata(pod))} and keeps Prometheus (namespace "
        f"{namespaces}) out of port {port}. It lets in: {admitted}"
    )


def _isolates(policy: Object, pod: Object) -> bool:
    spec = policy["spec"]
    incoming = "Ingress" in (spec.get("policyTypes") or ["Ingress"])
    return incoming and mismatch(spec.get("podSelector") or {}, labels_of(pod)) is None


def _has_port(rule: Object, pod: Object, port: int) -> bool:
    ports = rule.get("ports") or []
    return not ports or any(_is_port(one, pod, port) for one in ports)


def _is_port(wanted: Object, pod: Object, port: int) -> bool:
    number: t.Any = wanted.get("port")
    if (wanted.get("protocol") or "TCP") != "TCP":
        return False
    if isinstance(number, str):
        declared = [one for box in pod["spec"]["containers"] for one in box.get("ports") or []]
        return any(one.get("name") == number and one["containerPort"] == port for one in declared)
    return number is None or number <= port <= (wanted.get("endPort") or number)


def _lets_in(rule: Object, pod: Object, client: Client) -> bool:
    peers = rule.get("from") or []
    return not peers or any(_is_peer(peer, pod, client) for peer in peers)


def _is_peer(peer: Object, pod: Object, client: Client) -> bool:
    if block := peer.get("ipBlock"):
        return client.address is None or _inside(block, client.address)
    if peer.get("namespaceSelector") is not None:
        near = mismatch(peer["namespaceSelector"], client.namespace_labels) is None
    else:
        near = client.namespace == metadata(pod)[0]
    if not near or client.pod_labels is None:
        return near
    return mismatch(peer.get("podSelector") or {}, client.pod_labels) is None


def _inside(block: Object, address: str) -> bool:
    networks = [
        ipaddress.ip_network(cidr, strict=False) for cidr in (block["cidr"], *(block.get("except") or []))
    ]
    here = ipaddress.ip_address(address)
    return here in networks[0] and not any(here in network for network in networks[1:])


def _who(rule: Object) -> str:
    return " or ".join(_peer_in_words(peer) for peer in rule.get("from") or [])


def _peer_in_words(peer: Object) -> str:
    if block := peer.get("ipBlock"):
        return f"addresses of {block['cidr']}"
    pods = _selector_in_words(peer["podSelector"]) if peer.get("podSelector") else "all pods"
    if peer.get("namespaceSelector") is None:
        return f"{pods} of its own namespace"
    return f"{pods} of namespaces with {_selector_in_words(peer['namespaceSelector'])}"


def _selector_in_words(selector: Object) -> str:
    words = [f"{name}={value}" for name, value in (selector.get("matchLabels") or {}).items()]
    words += [
        f"{one['key']} {one['operator']} {', '.join(one.get('values') or [])}".rstrip()
        for one in selector.get("matchExpressions") or []
    ]
    return ", ".join(words) or "any label"
