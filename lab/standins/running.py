"""All stand-ins together."""

from __future__ import annotations

import urllib3

from lab.kubernetes import Kubernetes
from lab.programs import Programs
from lab.settings import Settings
from lab.standins import dashboards
from lab.standins.api.client import Api
from lab.standins.api.controller import Controller
from lab.standins.api.kinds import POD
from lab.standins.api.objects import Object
from lab.standins.external_secrets import operator as external_secrets
from lab.standins.install import MONITORING_NAMESPACE, PROMETHEUS_NAME, install
from lab.standins.kubelet.images import EXPORTER
from lab.standins.kubelet.kubelet import USER as KUBELET
from lab.standins.kubelet.kubelet import Kubelet
from lab.standins.prometheus_operator import operator as prometheus_operator
from lab.standins.prometheus_operator.prometheus_pod import PORT
from lab.standins.prometheus_operator.promtool import Promtool
from lab.standins.workloads import deployments, endpoints, replicasets
from lab.waiting import wait_until

START_SECONDS = 30


class Running:
    """Stand-ins that have been made; `start` them once, `stop` them once."""

    def __init__(self, settings: Settings, kubernetes: Kubernetes, programs: Programs, aws_url: str) -> None:
        def user(name: str, agent: str) -> Api:
            return Api(kubernetes.kubeconfig_for(name), agent)

        self._settings = settings
        self._programs = programs
        self._api = Api(kubernetes.kubeconfig, "helm")
        self._kubelet = Kubelet(settings, user(KUBELET, "kubelet"), programs)
        cluster = user(deployments.USER, "kube-controller-manager")
        self._controllers: list[Controller] = [
            *deployments.controllers(cluster),
            *replicasets.controllers(cluster),
            *endpoints.controllers(cluster),
            *external_secrets.controllers(user(external_secrets.USER, "external-secrets"), aws_url),
            *prometheus_operator.controllers(
                user(prometheus_operator.USER, "PrometheusOperator"), Promtool(programs.promtool.path)
            ),
            *dashboards.controllers(
                user(dashboards.USER, "grafana-sc-dashboard"), settings.state / "dashboards"
            ),
        ]

    def start(self) -> None:
        """Start all loops, and wait until Prometheus is ready."""
        install(self._api, self._programs)
        self._kubelet.start()
        for controller in self._controllers:
            controller.start()
        wait_until(
            lambda: self._kubelet.synced() and all(one.synced() for one in self._controllers),
            what="all stand-ins to have read the Kubernetes API",
            timeout=START_SECONDS,
        )
        log = self._settings.logs / f"pod-{MONITORING_NAMESPACE}-prometheus-{PROMETHEUS_NAME}-0.log"
        wait_until(self._prometheus_ready, what=f"Prometheus to be ready (log: {log})", timeout=START_SECONDS)

    def stop(self) -> None:
        """End all loops, then all pods."""
        for controller in self._controllers:
            controller.stop()
        self._kubelet.stop()

    def addresses(self) -> dict[str, object]:
        """Where Prometheus and the exporters answer, going by the Kubernetes API."""
        exporters = {}
        for pod in self._api.find(POD):
            address, metadata = (pod.get("status") or {}).get("podIP"), pod["metadata"]
            for container in pod["spec"]["containers"]:
                if address and container["image"].startswith(f"{EXPORTER}:"):
                    exporters[f"{metadata['namespace']}/{metadata['name']}"] = _url(address, container)
        return {"prometheus": self._prometheus_url(), "exporters": exporters}

    def _prometheus_url(self) -> str | None:
        pod = self._api.get(POD, f"prometheus-{PROMETHEUS_NAME}-0", MONITORING_NAMESPACE)
        address = ((pod or {}).get("status") or {}).get("podIP")
        return f"http://{address}:{PORT}" if address else None

    def _prometheus_ready(self) -> bool:
        url = self._prometheus_url()
        if not url:
            return False
        try:
            return urllib3.request("GET", f"{url}/-/ready", retries=False, timeout=2).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def _url(address: str, container: Object) -> str:
    ports = container.get("ports") or [{"containerPort": 9187}]
    return f"http://{address}:{ports[0]['containerPort']}"
