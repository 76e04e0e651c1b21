"""All that runs on the cluster, together."""

from __future__ import annotations

import json
from collections.abc import Callable

import urllib3

from lab.kubernetes import Kubernetes
from lab.network import Network
from lab.programs import ControlPlane, Programs
from lab.settings import Settings
from lab.standins import dashboards, operators
from lab.standins.api.client import Api
from lab.standins.api.controller import Controller
from lab.standins.api.kinds import POD
from lab.standins.api.objects import Object
from lab.standins.external_secrets import operator as external_secrets
from lab.standins.install import MONITORING_NAMESPACE, PROMETHEUS_NAME, install
from lab.standins.kubelet.kubelet import USER as KUBELET
from lab.standins.kubelet.kubelet import Kubelet
from lab.standins.kubelet.plain import EXPORTER, PlainRuntime, known_images
from lab.standins.kubelet.runtime import Runtime
from lab.standins.kubelet.sandbox import SandboxRuntime
from lab.standins.network_policies import enforcement as network_policies
from lab.standins.network_policies.enforcement import Doors
from lab.standins.prometheus_operator import operator as prometheus_operator
from lab.standins.prometheus_operator.prometheus_pod import PORT
from lab.standins.prometheus_operator.promtool import Promtool
from lab.standins.workloads import deployments, endpoints, jobs, replicasets
from lab.state import write_text
from lab.waiting import wait_until

#: What a control plane takes on a machine that does other things besides.
START_SECONDS = 180


class Running:
    """What has been made; `start` it once, `stop` it once."""

    def __init__(
        self,
        settings: Settings,
        kubernetes: Kubernetes,
        programs: Programs,
        aws_url: str,
        network: Network,
    ) -> None:
        def user(name: str, agent: str) -> Api:
            return Api(kubernetes.kubeconfig_for(name), agent)

        self._settings = settings
        self._kubernetes = kubernetes
        self._programs = programs
        self._aws_url = aws_url
        self._network = network
        self._api = Api(kubernetes.kubeconfig, "helm")
        sidecar = user(dashboards.USER, "grafana-sc-dashboard")
        self._controllers = dashboards.controllers(sidecar, settings.state / "dashboards")
        runtime: Runtime
        if programs.control_plane:
            runtime = self._sandboxes(programs.control_plane)
        else:
            doors = Doors(user(network_policies.USER, "network-policy-agent"))
            runtime = PlainRuntime(known_images(programs), doors)
            self._controllers += [*_standins(user, programs, aws_url), *doors.controllers()]
        self._kubelet = Kubelet(settings, user(KUBELET, "kubelet"), network, runtime)

    def _sandboxes(self, plane: ControlPlane) -> Runtime:
        # What the kubelet of a cluster tells by the Service of the API, which has no proxy here.
        access = {
            "KUBERNETES_SERVICE_HOST": self._network.node,
            "KUBERNETES_SERVICE_PORT": self._kubernetes.server.rpartition(":")[2],
        }
        return SandboxRuntime(plane.bwrap.path, operators.images(self._programs, plane), access)

    def start(self) -> None:
        """Start all loops, install what is not there, and wait until Prometheus is ready."""
        plane = self._programs.control_plane
        if plane is None:
            install(self._api, self._programs)
        self._kubelet.start()
        for controller in self._controllers:
            controller.start()
        wait_until(
            lambda: self._kubelet.synced() and all(one.synced() for one in self._controllers),
            what="all stand-ins to have read the Kubernetes API",
            timeout=START_SECONDS,
        )
        if plane:
            values = operators.values_file(self._settings.state)
            write_text(values, json.dumps(operators.helm_values(self._aws_url)))
            operators.install(self._api, self._kubernetes.kubeconfig, self._programs, plane, values)
        log = self._settings.logs / f"pod-{MONITORING_NAMESPACE}-prometheus-{PROMETHEUS_NAME}-0.log"
        wait_until(self._prometheus_ready, what=f"Prometheus to be ready (log: {log})", timeout=START_SECONDS)

    def stop(self) -> None:
        """End all loops, then all pods."""
        for controller in self._controllers:
            controller.stop()
        self._kubelet.stop()

    def addresses(self) -> dict[str, object]:
        """Where a person reaches Prometheus and the exporters, going by the Kubernetes API."""
        exporters = {}
        for pod in self._api.find(POD):
            address, metadata = (pod.get("status") or {}).get("podIP"), pod["metadata"]
            for container in pod["spec"]["containers"]:
                if address and container["image"].startswith(f"{EXPORTER}:"):
                    port = _port(container)
                    url = f"http://{self._network.outside(address, port)}"
                    exporters[f"{metadata['namespace']}/{metadata['name']}"] = url
        address = self._prometheus_address()
        prometheus = f"http://{self._network.outside(address, PORT)}" if address else None
        return {"prometheus": prometheus, "exporters": exporters}

    def _prometheus_address(self) -> str | None:
        pod = self._api.get(POD, f"prometheus-{PROMETHEUS_NAME}-0", MONITORING_NAMESPACE)
        return ((pod or {}).get("status") or {}).get("podIP")

    def _prometheus_ready(self) -> bool:
        address = self._prometheus_address()
        if not address:
            return False
        url = f"http://{address}:{PORT}/-/ready"
        try:
            return urllib3.request("GET", url, retries=False, timeout=2).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def _standins(user: Callable[[str, str], Api], programs: Programs, aws_url: str) -> list[Controller]:
    """Of the controllers and operators that an embedded API lacks."""
    cluster = user(deployments.USER, "kube-controller-manager")
    promtool = Promtool(programs.promtool.path)
    return [
        *deployments.controllers(cluster),
        *replicasets.controllers(cluster),
        *jobs.controllers(cluster),
        *endpoints.controllers(cluster),
        *external_secrets.controllers(user(external_secrets.USER, "external-secrets"), aws_url),
        *prometheus_operator.controllers(user(prometheus_operator.USER, "PrometheusOperator"), promtool),
    ]


def _port(container: Object) -> int:
    ports = container.get("ports") or [{"containerPort": 9187}]
    return int(ports[0]["containerPort"])
