"""The doors of pods: who may pass is up to the NetworkPolicies."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.network.relay import Address, Door, Relay
from lab.standins.api.client import Api
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.kinds import NAMESPACE, NETWORK_POLICY, POD
from lab.standins.api.objects import Key, Object, key_of, labels_of
from lab.standins.network_policies.clients import process_behind
from lab.standins.network_policies.decision import Connection, admitted, isolates

USER = "system:serviceaccount:kube-system:network-policy-agent"

_PODS, _HIDDEN = "127.60.", "127.61."


def hidden(address: str) -> str:
    """Where the processes of a pod really listen; its own address is that of its doors."""
    return _HIDDEN + address.removeprefix(_PODS)


@dataclass(frozen=True)
class Known:
    """What decisions are made from, as it was at the last change."""

    policies: Sequence[Object] = ()
    pods: Mapping[Key, Object] = field(default_factory=dict)
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def isolating(self, target: Key) -> list[Object]:
        """The policies that select a pod."""
        pod = self.pods.get(target)
        return [policy for policy in self.policies if pod and isolates(policy, pod)]


class Doors:
    """A door for each port of each pod.

    The node reaches every pod: its kubelet, the API server's proxy and the person at this machine. Who else
    knocks is a pod, known by its process.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._relay = Relay()
        self._doors: dict[Address, Door] = {}
        self._processes: dict[int, tuple[Key, str]] = {}
        self._known = Known()
        self._lock = threading.Lock()

    def controllers(self) -> Sequence[Controller]:
        """What ends the connections that a change no longer admits."""
        watches = [
            Watch(NETWORK_POLICY, keys=_one),
            Watch(POD, keys=_one, relevant=_relevant),
            Watch(NAMESPACE, keys=_one, relevant=labels_of),
        ]
        return [Controller("network-policies", self._api, watches, self._review)]

    def open(self, pod: Object, address: str, port: int) -> None:
        """Let a pod be reached at a port of its address, once and for all its containers' restarts."""
        with self._lock:
            if (address, port) in self._doors:
                return
            target = key_of(pod)
            self._doors[address, port] = self._relay.open(
                socket.create_server((address, port)),
                (hidden(address), port),
                lambda client: self._admits(client, target, (address, port)),
            )

    def enter(self, pod: Object, address: str, process: int) -> None:
        """Know a process as one of a pod's."""
        with self._lock:
            self._processes[process] = key_of(pod), address

    def close(self, address: str) -> None:
        """Forget the pod of an address."""
        with self._lock:
            for place in [place for place in self._doors if place[0] == address]:
                self._relay.close(self._doors.pop(place))
            for process in [pid for pid, (_key, home) in self._processes.items() if home == address]:
                del self._processes[process]

    def _admits(self, client: Address, target: Key, server: Address) -> bool:
        """Most pods are in no policy's selection, and nobody asks who knocks: to find out takes its time."""
        isolating = self._known.isolating(target)
        if not isolating:
            return True
        with self._lock:
            processes = dict(self._processes)
        process = process_behind(client, server, processes)
        if process is None:
            return True
        who = processes[process][0]
        if who not in self._known.pods:
            self._refresh()
        known = self._known
        if who not in known.pods or target not in known.pods:
            return False
        connection = Connection(known.pods[who], known.pods[target], server[1], known.namespaces)
        return admitted(isolating, connection)

    def _refresh(self) -> None:
        find = self._api.find
        pods, namespaces = find(POD), find(NAMESPACE)
        self._known = Known(
            find(NETWORK_POLICY),
            {key_of(pod): pod for pod in pods},
            {key_of(namespace)[1]: labels_of(namespace) for namespace in namespaces},
        )

    def _review(self, _key: Key) -> None:
        self._refresh()
        self._relay.review()


def _relevant(pod: Object) -> object:
    return labels_of(pod), (pod.get("status") or {}).get("podIP")


def _one(_obj: Object) -> Sequence[Key]:
    """All changes lead to one review."""
    return [("", "connections")]
