"""The doors of pods: who may pass is up to the NetworkPolicies."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence

from lab.network.relay import Address, Door, Relay
from lab.standins.api.client import Api, ApiError
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.kinds import NAMESPACE, NETWORK_POLICY, POD
from lab.standins.api.objects import Key, Object, key_of, labels_of
from lab.standins.network_policies.clients import process_behind
from lab.standins.network_policies.decision import Connection, admitted

USER = "system:serviceaccount:kube-system:network-policy-agent"

_PODS, _HIDDEN = "127.60.", "127.61."


def hidden(address: str) -> str:
    """Where the processes of a pod really listen; its own address is that of its doors."""
    return _HIDDEN + address.removeprefix(_PODS)


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
        self._lock = threading.Lock()

    def controllers(self) -> Sequence[Controller]:
        """What ends the connections that a change no longer admits."""
        watches = [
            Watch(NETWORK_POLICY, keys=_one),
            Watch(POD, keys=_one, relevant=labels_of),
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
        with self._lock:
            processes = dict(self._processes)
        process = process_behind(client, server, processes)
        return process is None or self._is_admitted(processes[process][0], target, server[1])

    def _is_admitted(self, client: Key, target: Key, port: int) -> bool:
        try:
            pods = [self._api.get(POD, name, namespace) for namespace, name in (client, target)]
            policies = self._api.find(NETWORK_POLICY, target[0])
            namespaces = {key_of(one)[1]: labels_of(one) for one in self._api.find(NAMESPACE)}
        except ApiError:
            # Nobody can say. A network plugin, too, goes on with what it knows.
            return True
        if not (pods[0] and pods[1]):
            return False
        return admitted(policies, Connection(pods[0], pods[1], port, namespaces))

    def _review(self, _key: Key) -> None:
        self._relay.review()


def _one(_obj: Object) -> Sequence[Key]:
    """All changes lead to one review."""
    return [("", "connections")]
