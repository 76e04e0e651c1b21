"""From a Deployment to a scraped target, with the real exporter and the real Prometheus."""

from __future__ import annotations

import base64
import json
import os
import signal
from typing import Any

import pytest
import urllib3

from lab.standins.api.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINTS,
    NETWORK_POLICY,
    NODE,
    POD,
    PROMETHEUS_RULE,
    SECRET,
    SERVICE,
    SERVICE_MONITOR,
    Kind,
)
from lab.standins.kubelet.plain import EXPORTER
from tests.unit.lab.standins.laboratory import NAMESPACE_NAME, Lab

Object = dict[str, Any]
SELECTED = {"release": "kube-prometheus-stack"}


def create(lab: Lab, kind: Kind, name: str, *, labels: Object | None = None, **content: Any) -> None:
    metadata = {"name": name, "namespace": NAMESPACE_NAME, "labels": labels or {}}
    lab.api.create(kind, {"apiVersion": kind.api, "kind": kind.name, "metadata": metadata, **content})


def deploy(lab: Lab, name: str, **pod: Any) -> None:
    labels = {"app.kubernetes.io/name": name}
    template = {"metadata": {"labels": labels}, "spec": {"automountServiceAccountToken": False, **pod}}
    strategy = {"type": "Recreate"}
    spec = {"replicas": 1, "strategy": strategy, "selector": {"matchLabels": labels}, "template": template}
    create(lab, DEPLOYMENT, name, labels=labels, spec=spec)


def exporter(lab: Lab, secret: str, **more: Any) -> Object:
    probe = {"httpGet": {"path": "/", "port": "metrics"}}
    key = {"name": secret, "key": "uri"}
    return {
        "name": "exporter",
        "image": f"{EXPORTER}:v{lab.programs.exporter.version}",
        "args": ["--web.listen-address=:9187"],
        "env": [{"name": "DATA_SOURCE_URI", "valueFrom": {"secretKeyRef": key}}],
        "ports": [{"name": "metrics", "containerPort": 9187}],
        "readinessProbe": probe,
        "livenessProbe": probe,
        **more,
    }


def secret(lab: Lab, name: str, **data: str) -> None:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    create(lab, SECRET, name, data=encoded)


def is_ready(lab: Lab, name: str) -> bool:
    deployment = lab.get(DEPLOYMENT, name)
    status = (deployment or {}).get("status") or {}
    current = status.get("observedGeneration") == (deployment or {})["metadata"]["generation"]
    return (
        current
        and status.get("updatedReplicas") == status.get("readyReplicas") == status.get("replicas") == 1
    )


def pods(lab: Lab, name: str) -> list[Object]:
    return lab.api.find(POD, NAMESPACE_NAME, {"app.kubernetes.io/name": name})


def waiting(lab: Lab, name: str) -> tuple[str, str]:
    for pod in pods(lab, name):
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            state = container["state"].get("waiting") or {}
            return state.get("reason", ""), state.get("message", "")
    return "", ""


@pytest.fixture(scope="module")
def running(lab: Lab) -> str:
    """An exporter behind a Service; its database does not exist."""
    secret(lab, "creds", uri="127.0.0.1:1/app?sslmode=disable", username="app", password="secret")
    mount = {"volumeMounts": [{"name": "pg", "mountPath": "/etc/pg"}]}
    deploy(
        lab,
        "exporter",
        containers=[exporter(lab, "creds", **mount)],
        volumes=[{"name": "pg", "secret": {"secretName": "creds"}}],
    )
    ports = [{"name": "metrics", "port": 9187, "targetPort": "metrics"}]
    selector = {"app.kubernetes.io/name": "exporter"}
    create(lab, SERVICE, "exporter", labels=selector, spec={"selector": selector, "ports": ports})
    lab.until(lambda: is_ready(lab, "exporter"), "the exporter to be ready")
    return "exporter"


def test_a_deployment_becomes_ready(lab: Lab, running: str) -> None:
    (pod,) = pods(lab, running)
    assert pod["status"]["podIP"].startswith("127.60.")
    assert pod["spec"]["nodeName"] == "lab"
    conditions = {one["type"]: one["reason"] for one in lab.get(DEPLOYMENT, running)["status"]["conditions"]}
    assert conditions == {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}
    endpoints = lab.until(lambda: _with_subsets(lab, running), "the pod behind the Service")
    assert endpoints["subsets"][0]["addresses"][0]["ip"] == pod["status"]["podIP"]
    volume = lab.settings.state / "pods" / pod["metadata"]["uid"] / "volumes" / "pg"
    assert (volume / "password").read_text() == "secret"


def _with_subsets(lab: Lab, name: str) -> Object | None:
    endpoints: Object = lab.get(ENDPOINTS, name)
    return endpoints if endpoints.get("subsets") else None


def test_a_volume_follows_its_secret(lab: Lab, running: str) -> None:
    (pod,) = pods(lab, running)
    volume = lab.settings.state / "pods" / pod["metadata"]["uid"] / "volumes" / "pg"
    changed = base64.b64encode(b"changed").decode()
    lab.api.patch(SECRET, "creds", NAMESPACE_NAME, {"data": {"password": changed}})
    lab.until(lambda: (volume / "password").read_text() == "changed", "the new password in the pod")


def test_prometheus_scrapes_what_a_selected_monitor_names(lab: Lab, running: str) -> None:
    spec = {"selector": {"matchLabels": {"app.kubernetes.io/name": running}}}
    endpoint = {"port": "metrics", "interval": "5s", "scrapeTimeout": "5s"}
    create(lab, SERVICE_MONITOR, "unselected", spec={**spec, "endpoints": [endpoint]})
    broken = {**endpoint, "metricRelabelings": [{"sourceLabels": ["a"], "regex": "(", "action": "drop"}]}
    create(lab, SERVICE_MONITOR, "broken", labels=SELECTED, spec={**spec, "endpoints": [broken]})
    create(lab, SERVICE_MONITOR, "exporter", labels=SELECTED, spec={**spec, "endpoints": [endpoint]})

    def up() -> list[Object]:
        return [one for one in lab.prometheus("/api/v1/targets")["activeTargets"] if one["health"] == "up"]

    (target,) = lab.until(up, "the target to be up", timeout=25)
    (pod,) = pods(lab, running)
    assert target["scrapePool"] == "serviceMonitor/demo/exporter/0"
    assert target["labels"] == {
        "container": "exporter",
        "endpoint": "metrics",
        "instance": f"{pod['status']['podIP']}:9187",
        "job": "exporter",
        "namespace": "demo",
        "pod": pod["metadata"]["name"],
        "service": "exporter",
    }
    ((_kind, reason, message),) = lab.events("broken")
    assert reason == "InvalidConfiguration"
    assert '"demo/broken" was rejected due to invalid configuration: ' in message


def test_a_policy_shuts_prometheus_out_and_lets_it_in_again(lab: Lab, running: str) -> None:
    """The node's own ways, probes and a person's, stay open; a pod that is not admitted gets no answer."""

    def health() -> set[str]:
        return {one["health"] for one in lab.prometheus("/api/v1/targets")["activeTargets"]}

    selector = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": running}}}
    lab.until(lambda: health() == {"up"}, "the target to be up", timeout=25)
    own = {"from": [{"podSelector": {}}]}
    create(lab, NETWORK_POLICY, "own", spec={**selector, "policyTypes": ["Ingress"], "ingress": [own]})
    lab.until(lambda: health() == {"down"}, "the target to be down", timeout=25)
    (target,) = lab.prometheus("/api/v1/targets")["activeTargets"]
    assert "deadline exceeded" in target["lastError"]
    (pod,) = pods(lab, running)
    assert urllib3.request("GET", f"http://{pod['status']['podIP']}:9187/").status == 200
    assert is_ready(lab, running)
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    other = {"from": [monitoring], "ports": [{"port": "metrics"}]}
    create(lab, NETWORK_POLICY, "prometheus", spec={**selector, "ingress": [other]})
    lab.until(lambda: health() == {"up"}, "the target to be up again", timeout=25)


def test_prometheus_loads_selected_rules_and_rejects_broken_ones(lab: Lab) -> None:
    def groups(expression: str) -> Object:
        return {"groups": [{"name": "demo", "rules": [{"alert": "Down", "expr": expression, "for": "1m"}]}]}

    create(lab, PROMETHEUS_RULE, "wrong", labels=SELECTED, spec=groups("pg_up =="))
    create(lab, PROMETHEUS_RULE, "elsewhere", spec=groups("pg_up == 1"))
    create(lab, PROMETHEUS_RULE, "right", labels=SELECTED, spec=groups("pg_up == 0"))
    (group,) = lab.until(lambda: lab.prometheus("/api/v1/rules")["groups"], "the rules to be loaded")
    assert [rule["query"] for rule in group["rules"]] == ["pg_up == 0"]
    ((_kind, reason, message),) = lab.events("wrong")
    assert reason == "InvalidConfiguration"
    assert message == "PrometheusRule wrong was rejected due to invalid configuration: invalid rule"


def test_a_new_template_replaces_the_pod(lab: Lab, running: str) -> None:
    (before,) = pods(lab, running)
    patch = {"spec": {"template": {"metadata": {"annotations": {"checksum/secret": "2"}}}}}
    lab.api.patch(DEPLOYMENT, running, NAMESPACE_NAME, patch)
    lab.until(lambda: is_ready(lab, running) and len(pods(lab, running)) == 1, "the rollout")
    (after,) = pods(lab, running)
    assert after["metadata"]["name"] != before["metadata"]["name"]
    revision = lab.get(DEPLOYMENT, running)["metadata"]["annotations"]
    assert revision["deployment.kubernetes.io/revision"] == "2"


def test_scaling_to_nothing_ends_the_process(lab: Lab) -> None:
    secret(lab, "short", uri="127.0.0.1:1/app")
    deploy(lab, "short", containers=[exporter(lab, "short")])
    lab.until(lambda: is_ready(lab, "short"), "the Deployment to be ready")
    lab.api.patch(DEPLOYMENT, "short", NAMESPACE_NAME, {"spec": {"replicas": 0}})
    lab.until(lambda: not pods(lab, "short"), "the Pod to go")
    assert "demo/short" not in json.dumps(lab.standins.addresses())


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        pytest.param(
            "no-secret", "CreateContainerConfigError", 'secret "no-secret" not found', id="missing-secret"
        ),
        pytest.param(
            "no-key",
            "CreateContainerConfigError",
            "couldn't find key uri in Secret demo/no-key",
            id="missing-key",
        ),
        pytest.param(
            "no-image", "ImagePullBackOff", 'Back-off pulling image "nope:1": ErrImagePull: ', id="image"
        ),
        pytest.param("no-volume", "ContainerCreating", "", id="missing-volume"),
        pytest.param("no-luck", "CrashLoopBackOff", "restarting failed container=exporter", id="crash"),
    ],
)
def test_a_pod_that_cannot_run_says_why(lab: Lab, name: str, reason: str, message: str) -> None:
    if name == "no-key":
        secret(lab, name, other="x")
    if name in {"no-image", "no-luck"}:
        secret(lab, name, uri="127.0.0.1:1/app")
    more: dict[str, Object] = {"no-image": {"image": "nope:1"}, "no-luck": {"args": ["--no-such-flag"]}}
    volumes = [{"name": "v", "secret": {"secretName": "nope"}}] if name == "no-volume" else []
    deploy(lab, name, containers=[exporter(lab, name, **more.get(name, {}))], volumes=volumes)
    lab.until(
        lambda: waiting(lab, name)[0] == reason and message in waiting(lab, name)[1], f"{reason} of {name}"
    )
    (pod,) = pods(lab, name)
    if name == "no-volume":
        text = 'MountVolume.SetUp failed for volume "v" : secret "nope" not found'
        assert ("Pod", "FailedMount", text) in lab.events(pod["metadata"]["name"])
        assert "podIP" not in pod["status"]
    if name == "no-luck":
        metadata = pod["metadata"]
        where = f"{metadata['name']}_{NAMESPACE_NAME}({metadata['uid']})"
        text = f"Back-off restarting failed container exporter in pod {where}"
        assert ("Pod", "BackOff", text) in lab.events(metadata["name"])
    lab.api.delete(DEPLOYMENT, name, NAMESPACE_NAME)
    lab.until(lambda: not pods(lab, name), "its Pods to go")


def test_a_pod_that_waits_for_its_secret_starts_with_it(lab: Lab) -> None:
    deploy(lab, "late", containers=[exporter(lab, "late")])
    lab.until(lambda: waiting(lab, "late")[0] == "CreateContainerConfigError", "the Pod to wait")
    secret(lab, "late", uri="127.0.0.1:1/app")
    lab.until(lambda: is_ready(lab, "late"), "the Pod to start")
    lab.api.delete(DEPLOYMENT, "late", NAMESPACE_NAME)


def container(lab: Lab, name: str) -> Any:
    (pod,) = pods(lab, name)
    return pod["status"]["containerStatuses"][0]


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [
        pytest.param(signal.SIGKILL, 137, id="a-process-that-dies"),
        pytest.param(signal.SIGSTOP, 137, id="a-process-that-hangs-fails-its-liveness-probe"),
    ],
)
def test_a_container_is_started_again(lab: Lab, number: signal.Signals, exit_code: int) -> None:
    name = f"restart-{number.name.lower()}"
    secret(lab, name, uri="127.0.0.1:1/app")
    probe = {"httpGet": {"path": "/", "port": "metrics"}, "periodSeconds": 1, "failureThreshold": 1}
    one = exporter(lab, name, livenessProbe=probe)
    deploy(lab, name, containers=[one], terminationGracePeriodSeconds=1)
    lab.until(lambda: is_ready(lab, name), "the Deployment to be ready")
    os.kill(int(container(lab, name)["containerID"].removeprefix("process://")), number)
    lab.until(lambda: container(lab, name)["restartCount"] == 1, "a restart")
    assert container(lab, name)["lastState"]["terminated"]["exitCode"] == exit_code
    lab.until(lambda: is_ready(lab, name), "the Deployment to be ready again")
    lab.api.delete(DEPLOYMENT, name, NAMESPACE_NAME)


def test_a_node_that_gives_signs_of_life_has_been_ready_since_its_start(lab: Lab) -> None:
    def times() -> tuple[str, str]:
        (ready,) = lab.api.find(NODE)[0]["status"]["conditions"]
        return ready["lastHeartbeatTime"], ready["lastTransitionTime"]

    first = times()
    later = lab.until(
        lambda: found if (found := times())[0] > first[0] else None, "a sign of life", timeout=15
    )
    assert later[1] == first[1]


def test_a_missing_service_account_shows_at_the_deployment(lab: Lab) -> None:
    deploy(lab, "no-account", serviceAccountName="ghost", containers=[exporter(lab, "creds")])

    def failure() -> str:
        status = (lab.get(DEPLOYMENT, "no-account") or {}).get("status") or {}
        return "".join(
            one["message"] for one in status.get("conditions", []) if one["type"] == "ReplicaFailure"
        )

    assert 'serviceaccount "ghost" not found' in lab.until(failure, "the failure")
    lab.api.delete(DEPLOYMENT, "no-account", NAMESPACE_NAME)


def test_dashboards_come_and_go_with_their_config_maps(lab: Lab) -> None:
    create(
        lab, CONFIG_MAP, "dashboard", labels={"grafana_dashboard": "1"}, data={"aurora.json": '{"uid": "a"}'}
    )
    path = lab.settings.state / "dashboards" / "aurora.json"
    lab.until(path.exists, "the dashboard")
    lab.api.delete(CONFIG_MAP, "dashboard", NAMESPACE_NAME)
    lab.until(lambda: not path.exists(), "the dashboard to go")
