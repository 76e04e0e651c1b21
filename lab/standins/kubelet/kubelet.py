"""Stand-in for the scheduler and a kubelet: runs the pods of the one node as processes of this machine."""

from __future__ import annotations

import logging
import platform
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from lab.network import Network
from lab.settings import Settings
from lab.standins.api.client import Api, ApiError
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.events import Recorder
from lab.standins.api.kinds import CONFIG_MAP, NODE, POD, SECRET
from lab.standins.api.objects import Key, Object, key_of
from lab.standins.api.times import timestamp
from lab.standins.kubelet.pods import Node, Pod
from lab.standins.kubelet.runtime import Runtime

USER = "system:node:lab"
NODE_NAME = "lab"

#: Seconds between two looks at processes and probes.
TICK = 0.1
#: Seconds after which a pod is looked at again although nothing was seen to change.
RESYNC = 60.0
#: Seconds between two signs of life; a node that gives none for forty loses its pods.
HEARTBEAT = 10.0


class Kubelet:
    """The node `lab` and its pods."""

    def __init__(self, settings: Settings, api: Api, network: Network, runtime: Runtime) -> None:
        self._api = api
        self._probing = ThreadPoolExecutor(max_workers=8, thread_name_prefix="probe")
        self._node = Node(
            settings=settings,
            api=api,
            network=network,
            runtime=runtime,
            events=Recorder(api, "kubelet"),
            probing=self._probing,
            changed=lambda pod: self._controller.queue.add(key_of(pod)),
        )
        self._scheduler = Recorder(api, "default-scheduler")
        self._pods: dict[Key, Pod] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._alive = 0.0
        self._ready_since = timestamp()
        self._ticker = threading.Thread(target=self._tick, name="kubelet-tick", daemon=True)
        watches = [
            Watch(POD, relevant=_relevant),
            Watch(SECRET, keys=self._users_of),
            Watch(CONFIG_MAP, keys=self._users_of),
        ]
        self._controller = Controller("kubelet", api, watches, self._reconcile, workers=4)

    def start(self) -> None:
        """Register the node and run its pods from now on."""
        self._node.home.mkdir(mode=0o700, exist_ok=True)
        self._api.ensure(NODE, _node())
        self._give_sign_of_life()
        self._controller.start()
        self._ticker.start()

    def synced(self) -> bool:
        """Whether all pods that existed at the start have been seen."""
        return self._controller.synced()

    def stop(self) -> None:
        """End every process of every pod."""
        self._controller.stop()
        self._stopped.set()
        self._ticker.join()
        self._probing.shutdown(cancel_futures=True)
        for pod in self._pods.values():
            pod.stop(grace=5)

    def _reconcile(self, key: Key) -> float | None:
        namespace, name = key
        pod, known = self._api.get(POD, name, namespace), self._pods.get(key)
        if known and (pod is None or pod["metadata"]["uid"] != known.uid):
            self._forget(key, 0)
            known = None
        if pod is None or pod["spec"].get("nodeName", NODE_NAME) != NODE_NAME:
            return None
        if pod["metadata"].get("deletionTimestamp"):
            self._forget(key, float(pod["metadata"].get("deletionGracePeriodSeconds") or 0))
            self._api.delete(POD, name, namespace, grace=0)
            return None
        if not pod["spec"].get("nodeName"):
            pod = self._bind(pod)
        if (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
            return None
        return self._run(key, pod, known)

    def _run(self, key: Key, pod: Object, known: Pod | None) -> float:
        runner = known or Pod(pod, self._node)
        with self._lock:
            self._pods[key] = runner
        status = runner.sync(pod)
        self._api.set_status(POD, pod, status)
        return min(_patience(status), runner.renewal() or RESYNC)

    def _bind(self, pod: Object) -> Object:
        namespace, name = key_of(pod)
        self._api.bind(namespace, name, NODE_NAME)
        self._scheduler.normal(pod, "Scheduled", f"Successfully assigned {namespace}/{name} to {NODE_NAME}")
        return {**pod, "spec": {**pod["spec"], "nodeName": NODE_NAME}}

    def _forget(self, key: Key, grace: float) -> None:
        with self._lock:
            pod = self._pods.pop(key, None)
        if pod:
            pod.stop(grace)

    def _users_of(self, obj: Object) -> Iterable[Key]:
        namespace, name = key_of(obj)
        with self._lock:
            return [key for key, pod in self._pods.items() if pod.uses(obj["kind"], namespace, name)]

    def _tick(self) -> None:
        while not self._stopped.wait(TICK):
            if time.monotonic() - self._alive > HEARTBEAT:
                self._attempt("node", self._give_sign_of_life)
            with self._lock:
                pods = list(self._pods.items())
            for key, pod in pods:
                if self._attempt("pod {}/{}".format(*key), pod.tick):
                    self._controller.queue.add(key)

    def _attempt(self, what: str, act: Callable[[], bool]) -> bool:
        """What `act` returns; the next tick tries again what an API that is away has prevented."""
        try:
            return act()
        except (ApiError, RuntimeError) as error:
            logging.getLogger(__name__).warning("%s: %s", what, error)
            return False

    def _give_sign_of_life(self) -> bool:
        self._alive = time.monotonic()
        status = {"status": _node_status(self._node.network.node, self._ready_since)}
        self._api.patch(NODE, NODE_NAME, None, status, "status")
        return True


def _patience(status: Object) -> float:
    """Seconds until the next look at a pod; what it waits for is watched, so that this is for the rest."""
    reasons = {
        one["state"]["waiting"]["reason"] for one in status["containerStatuses"] if "waiting" in one["state"]
    }
    if "ErrImagePull" in reasons:
        return 1.0
    return 10.0 if reasons else RESYNC


def _relevant(pod: Object) -> object:
    metadata = pod["metadata"]
    return [metadata["uid"], metadata.get("deletionTimestamp"), metadata.get("labels"), pod["spec"]]


def _node() -> Object:
    machine = {"os": "linux", "arch": _architecture()}
    labels = {"kubernetes.io/hostname": NODE_NAME}
    for name, value in machine.items():
        labels |= {f"kubernetes.io/{name}": value, f"beta.kubernetes.io/{name}": value}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME, "labels": labels}}


def _node_status(address: str, ready_since: str) -> Object:
    capacity = {"cpu": "2", "memory": "4Gi", "pods": "110"}
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": timestamp(),
        "lastTransitionTime": ready_since,
    }
    addresses = [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": NODE_NAME}]
    return {
        "conditions": [ready],
        "addresses": addresses,
        "capacity": capacity,
        "allocatable": capacity,
        "nodeInfo": _node_info(),
    }


def _node_info() -> Object:
    return {
        "architecture": _architecture(),
        "bootID": "",
        "containerRuntimeVersion": "process://1",
        "kernelVersion": platform.release(),
        "kubeProxyVersion": "",
        "kubeletVersion": "laboratory",
        "machineID": "",
        "operatingSystem": "linux",
        "osImage": "eks-observability laboratory",
        "systemUUID": "",
    }


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
