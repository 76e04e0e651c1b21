"""Installs the real operators, with their own definitions, rights and Deployments, as on any cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from lab.programs import ControlPlane, Program, Programs
from lab.standins.api.client import Api
from lab.standins.api.kinds import DEPLOYMENT
from lab.standins.api.objects import Object
from lab.standins.install import (
    ESO_NAMESPACE,
    MONITORING_NAMESPACE,
    create,
    monitoring,
    monitoring_namespace,
)
from lab.standins.kubelet.sandbox import SandboxImage
from lab.waiting import wait_until

EXPORTER = "quay.io/prometheuscommunity/postgres-exporter"
PROMETHEUS = "quay.io/prometheus/prometheus"
OPERATOR = "quay.io/prometheus-operator/prometheus-operator"
CONFIG_RELOADER = "quay.io/prometheus-operator/prometheus-config-reloader"
EXTERNAL_SECRETS = "oci.external-secrets.io/external-secrets/external-secrets"
#: Where External Secrets of the laboratory and whoever installs it anew find their release.
RELEASE = "external-secrets"
OPERATOR_SECONDS = 180.0
_PROMETHEUS_SPEC: Object = {
    # As kube-prometheus-stack has it.
    "securityContext": {
        "runAsUser": 1000,
        "runAsGroup": 2000,
        "runAsNonRoot": True,
        "fsGroup": 2000,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}


def images(programs: Programs, plane: ControlPlane) -> dict[str, SandboxImage]:
    """Every image that the kubelet can run, by its reference."""
    listen = "--web.listen-address"
    return {
        f"{EXPORTER}:v{programs.exporter.version}": SandboxImage(
            programs.exporter.path, "/bin/postgres_exporter", {listen: 9187}
        ),
        f"{PROMETHEUS}:v{programs.prometheus.version}": SandboxImage(
            programs.prometheus.path, "/bin/prometheus", {listen: 9090}
        ),
        f"{OPERATOR}:v{plane.prometheus_operator.version}": SandboxImage(
            plane.prometheus_operator.path, "/bin/operator", {listen: 8080}
        ),
        f"{CONFIG_RELOADER}:v{plane.prometheus_config_reloader.version}": SandboxImage(
            plane.prometheus_config_reloader.path, "/bin/prometheus-config-reloader"
        ),
        f"{EXTERNAL_SECRETS}:v{plane.external_secrets.version}": SandboxImage(
            plane.external_secrets.path, "/bin/external-secrets"
        ),
    }


def install(api: Api, kubeconfig: Path, programs: Programs, plane: ControlPlane, values: Path) -> None:
    """Install both operators; returns when they run. `values` are Helm's for External Secrets."""
    with ThreadPoolExecutor() as pool:
        for one in (
            pool.submit(_external_secrets, kubeconfig, plane, values),
            pool.submit(_prometheus_operator, api, kubeconfig, programs, plane),
        ):
            one.result()


def helm_values(aws_url: str) -> Object:
    """The laboratory's AWS for External Secrets, and one pod each, as pods share the ports of one network."""
    services = ("STS", "SECRETSMANAGER")
    endpoints = [{"name": f"AWS_{service}_ENDPOINT", "value": aws_url} for service in services]
    return {
        "extraEnv": [*endpoints, {"name": "AWS_EC2_METADATA_DISABLED", "value": "true"}],
        "replicaCount": 1,
        "webhook": {"replicaCount": 1},
    }


def values_file(state: Path) -> Path:
    """Helm's values for External Secrets on a laboratory."""
    return state / "external-secrets-values.json"


def chart(plane: ControlPlane) -> Path:
    """The Helm chart of External Secrets."""
    return plane.external_secrets.path.parent / "chart"


def _external_secrets(kubeconfig: Path, plane: ControlPlane, values: Path) -> None:
    _define(kubeconfig, plane, plane.external_secrets)
    _run(
        *(plane.helm.path, "install", RELEASE, chart(plane), "--kubeconfig", kubeconfig),
        *("--namespace", ESO_NAMESPACE, "--create-namespace", "--values", values),
        *("--set", "installCRDs=false", "--disable-openapi-validation", "--wait"),
    )


def _prometheus_operator(api: Api, kubeconfig: Path, programs: Programs, plane: ControlPlane) -> None:
    folder = plane.prometheus_operator.path.parent
    _define(kubeconfig, plane, plane.prometheus_operator)
    create(api, monitoring_namespace())
    manifests = folder / "manifests"
    adapted = "---\n".join(yaml.safe_dump(one) for one in _adapted(manifests))
    _run(
        plane.kubectl.path,
        "--kubeconfig",
        kubeconfig,
        "create",
        "--validate=false",
        "--filename",
        "-",
        text=adapted,
    )
    create(api, monitoring(programs, _PROMETHEUS_SPEC))
    wait_until(
        lambda: _available(api, "prometheus-operator", MONITORING_NAMESPACE),
        what="the Prometheus operator to run",
        timeout=OPERATOR_SECONDS,
    )


def _define(kubeconfig: Path, plane: ControlPlane, operator: Program) -> None:
    """Have an operator's kinds, before it starts: it would end, or never look for them again."""
    definitions = operator.path.parent / "crds"
    kubectl = (plane.kubectl.path, "--kubeconfig", kubeconfig)
    _run(*kubectl, "create", "--validate=false", "--filename", definitions)
    patience = f"--timeout={OPERATOR_SECONDS:g}s"
    _run(*kubectl, "wait", "--for=condition=Established", patience, "--filename", definitions)


def _adapted(manifests: Path) -> Iterator[Object]:
    """The operator's own manifests, in the namespace of Prometheus and without what a laboratory lacks."""
    for path in sorted(manifests.glob("*.yaml")):
        # Nothing scrapes the operator itself.
        if path.stem.endswith(("service", "service-monitor")):
            continue
        document = yaml.safe_load(path.read_text())
        if "namespace" in document["metadata"]:
            document["metadata"]["namespace"] = MONITORING_NAMESPACE
        for subject in document.get("subjects") or []:
            subject["namespace"] = MONITORING_NAMESPACE
        if document["kind"] == "Deployment":
            (container,) = document["spec"]["template"]["spec"]["containers"]
            container["args"] = [one for one in container["args"] if not one.startswith("--kubelet-")]
        yield document


def _available(api: Api, name: str, namespace: str) -> bool:
    status = (api.get(DEPLOYMENT, name, namespace) or {}).get("status") or {}
    return bool(status.get("availableReplicas"))


def _run(*command: str | Path, text: str | None = None) -> None:
    done = subprocess.run(
        [str(word) for word in command], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        shown = " ".join(str(word) for word in command[1:3])
        raise RuntimeError(f"{Path(command[0]).name} {shown}: {done.stderr.strip()[-800:]}")
