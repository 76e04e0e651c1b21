"""One pod on the node: its address, volumes and containers."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from lab.network import Network
from lab.processes import Process
from lab.settings import Settings
from lab.standins.api.client import Api
from lab.standins.api.events import Recorder
from lab.standins.api.kinds import CONFIG_MAP, SECRET
from lab.standins.api.objects import Object
from lab.standins.kubelet import environment
from lab.standins.kubelet.containers import Container
from lab.standins.kubelet.environment import ConfigError
from lab.standins.kubelet.pod_status import pod_status
from lab.standins.kubelet.probes import Prober, ask
from lab.standins.kubelet.runtime import Runtime, Start, StartError
from lab.standins.kubelet.substitution import expand
from lab.standins.kubelet.volumes import VolumeError, Volumes, names_used


@dataclass(frozen=True)
class Node:
    """What all pods of the node share."""

    settings: Settings
    api: Api
    network: Network
    runtime: Runtime
    events: Recorder
    probing: Executor
    #: Called when a pod's probe has changed something.
    changed: Callable[[Object], None]

    @property
    def home(self) -> Path:
        """Directory of all pods."""
        return self.settings.state / "pods"


class Pod:
    """Runs one pod. `sync` and `tick` may be called by different threads."""

    def __init__(self, pod: Object, node: Node) -> None:
        self._node = node
        self._pod = pod
        self._lock = threading.RLock()
        spec = self._pod["spec"]
        self._inits = [Container(one, init=True) for one in spec.get("initContainers") or []]
        self._containers = [Container(one) for one in spec["containers"]]
        if self._inits:
            for container in self._containers:
                container.wait("PodInitializing")
        self._policy = spec.get("restartPolicy") or "Always"
        self._home = node.home / pod["metadata"]["uid"]
        self._mounted = False
        self._volumes = Volumes(self._home / "volumes", node.api, self._lookup)
        ports = [port["containerPort"] for one in spec["containers"] for port in one.get("ports") or []]
        network = node.network
        self.address = network.address(network.pods, ports[0] if ports else 80)

    @property
    def uid(self) -> str:
        """The pod's uid."""
        return str(self._pod["metadata"]["uid"])

    def uses(self, kind: str, namespace: str, name: str) -> bool:
        """Whether a Secret or ConfigMap matters to the pod."""
        if namespace != self._pod["metadata"]["namespace"]:
            return False
        every = [*self._inits, *self._containers]
        return (kind, name) in names_used(self._pod) or any(
            (kind, name) in environment.names_used(one.spec) for one in every
        )

    def sync(self, pod: Object) -> Object:
        """Start what may start, and return the status that `pod` should have."""
        with self._lock:
            self._pod = pod
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self._volumes.prepare(self._pod)
            except VolumeError as error:
                self._node.events.warn(pod, "FailedMount", str(error))
            else:
                self._mounted = True
                self._start_containers()
            # A pod gets its network when its volumes are there.
            addresses = self._node.network.node, self.address if self._mounted else None
            return pod_status(pod, addresses, self._inits, self._containers)

    def renewal(self) -> float | None:
        """Seconds until `sync` has to be called although nothing has happened."""
        return self._volumes.renewal()

    def tick(self) -> bool:
        """Look at processes and run due probes; True when `sync` has something to do."""
        # A pod that is being synced or stopped is looked at the next time; the others must not wait for it.
        if not self._lock.acquire(blocking=False):
            return False
        try:
            now = time.monotonic()
            every = [*self._inits, *self._containers]
            changed = [container.poll(now) for container in every]
            if any(changed) and not any(container.running for container in every):
                # Nobody listens any more, so that who comes is refused.
                self._node.runtime.leave(self.address)
            for container in every:
                for kind, prober in container.due_probes(now):
                    prober.asking = True
                    self._node.probing.submit(self._probe, container, kind, prober)
            return any(changed)
        finally:
            self._lock.release()

    def stop(self, grace: float) -> None:
        """End all processes and remove what the pod had on disk."""
        with self._lock:
            for container in [*self._inits, *self._containers]:
                if container.running:
                    self._node.events.normal(self._pod, "Killing", f"Stopping container {container.name}")
                container.kill(grace)
            self._node.runtime.leave(self.address)
            shutil.rmtree(self._home, ignore_errors=True)

    def _start_containers(self) -> None:
        now = time.monotonic()
        for container in self._inits:
            if container.succeeded:
                continue
            self._start_when_due(container, now)
            return
        for container in self._containers:
            self._start_when_due(container, now)

    def _start_when_due(self, container: Container, now: float) -> None:
        if container.startable(self._policy, now):
            self._start(container)
        elif container.backing_off(self._policy, now):
            metadata = self._pod["metadata"]
            name = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
            text = f"back-off {container.pause:g}s restarting failed container={container.name} pod={name}"
            container.wait("CrashLoopBackOff", text)
            told = f"Back-off restarting failed container {container.name} in pod {name}"
            self._node.events.warn(self._pod, "BackOff", told)

    def _start(self, container: Container) -> None:
        if not self._node.runtime.knows(container.spec["image"]):
            self._cannot_pull(container)
            return
        try:
            process = self._launch(container)
        except ConfigError as error:
            self._failed(container, "CreateContainerConfigError", str(error))
        except (StartError, OSError) as error:
            self._failed(container, "RunContainerError", f"failed to create containerd task: {error}")
        else:
            container.begin(process, time.monotonic())
            image, events = container.spec["image"], self._node.events
            events.normal(self._pod, "Pulled", f'Container image "{image}" already present on machine')
            events.normal(self._pod, "Created", f"Created container: {container.name}")
            events.normal(self._pod, "Started", f"Started container {container.name}")

    def _launch(self, container: Container) -> Process:
        metadata, spec = self._pod["metadata"], container.spec
        # The address is part of the status, which the pod as read may not have yet.
        addressed = {**self._pod, "status": {**(self._pod.get("status") or {}), "podIP": self.address}}
        values = environment.variables(spec, addressed, self._lookup)
        suffix = "" if container is self._containers[0] else f"-{container.name}"
        return self._node.runtime.start(
            Start(
                name=f"{metadata['namespace']}/{metadata['name']}/{container.name}",
                pod=self._pod,
                container=spec,
                arguments=[expand(one, values) for one in spec.get("args") or []],
                environment=values,
                mounts=self._volumes.paths(spec),
                address=self.address,
                home=self._home,
                log=self._node.settings.logs / f"pod-{metadata['namespace']}-{metadata['name']}{suffix}.log",
            )
        )

    def _cannot_pull(self, container: Container) -> None:
        image = container.spec["image"]
        cause = f'failed to resolve reference "{image}": {image}: not found'
        pulling = f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": {cause}'
        events, pod = self._node.events, self._pod
        if container.state.get("waiting", {}).get("reason") in {"ErrImagePull", "ImagePullBackOff"}:
            text = f'Back-off pulling image "{image}"'
            if container.wait("ImagePullBackOff", f"{text}: ErrImagePull: {pulling}"):
                events.normal(pod, "BackOff", text)
                events.warn(pod, "Failed", "Error: ImagePullBackOff")
            return
        events.normal(pod, "Pulling", f'Pulling image "{image}"')
        events.warn(pod, "Failed", f'Failed to pull image "{image}": {pulling}')
        events.warn(pod, "Failed", "Error: ErrImagePull")
        container.wait("ErrImagePull", pulling)

    def _failed(self, container: Container, reason: str, message: str) -> None:
        if container.wait(reason, message):
            self._node.events.warn(self._pod, "Failed", f"Error: {message}")

    def _probe(self, container: Container, kind: str, prober: Prober) -> None:
        problem = ask(prober.probe, container.spec, self.address)
        with self._lock:
            prober.asking = False
            if container.probers.get(kind) is not prober or not container.running:
                return
            changed = prober.answered(problem is None, time.monotonic())
            failing = prober.passing is False
        if problem and failing:
            name = kind.capitalize()
            self._node.events.warn(self._pod, "Unhealthy", f"{name} probe failed: {problem}")
        if changed and failing and kind != "readiness":
            self._restart(
                container, kind, float(self._pod["spec"].get("terminationGracePeriodSeconds") or 30)
            )
        if changed:
            self._node.changed(self._pod)

    def _restart(self, container: Container, kind: str, grace: float) -> None:
        text = f"Container {container.name} failed {kind} probe, will be restarted"
        self._node.events.normal(self._pod, "Killing", text)
        with self._lock:
            container.kill(grace)

    def _lookup(self, kind: str, name: str) -> Object | None:
        if not re.fullmatch(r"[a-z0-9.-]+", name):
            return None
        wanted = SECRET if kind == "Secret" else CONFIG_MAP
        return self._node.api.get(wanted, name, self._pod["metadata"]["namespace"])
