"""The kubelet of a control plane shows what a kubelet shows, also of pods that cannot run.

The words are those of Kubernetes (pkg/kubelet); of what a container runtime says, only the shape counts.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.cluster import Cluster, Object, RefusedError
from tests.e2e.laboratory import Laboratory, eventually

NAMESPACE = "run"
SECONDS = 90
_GIVEN = yaml.safe_load(Path(__file__).with_name("kubelet.yml").read_text())


@dataclass(frozen=True)
class Node:
    """The cluster with all that it was given, and the node's Ready condition as it was before."""

    cluster: Cluster
    ready_before: Object

    def pod(self, name: str) -> Object:
        """A pod by its name."""
        pod = self.cluster.get("Pod", name, NAMESPACE)
        assert pod, f"there is no pod {name}"
        return pod

    def pods_of(self, app: str) -> list[Object]:
        """The pods with a label."""
        return [
            pod
            for pod in self.cluster.find("Pod", NAMESPACE)
            if (pod["metadata"].get("labels") or {}).get("app") == app
        ]

    def until(self, name: str, probe: Callable[[Object], Any]) -> Any:
        """What a pod shows, as soon as it is true."""
        return eventually(lambda: probe(self.pod(name)), f"pod {name}", SECONDS)

    def events(self, name: str) -> set[tuple[str, str, str]]:
        """(type, reason, message) of what is said of an object; a pod's name with its identity is POD."""
        identity = re.compile(rf"{name}_{NAMESPACE}\([-0-9a-f]+\)")
        return {
            (event["type"], event["reason"], identity.sub("POD", event["message"]))
            for event in self.cluster.find("Event", NAMESPACE)
            if event["involvedObject"]["name"] == name
        }

    def said(self, name: str, *wanted: tuple[str, str, str]) -> None:
        """Waits until all of them have been said."""
        eventually(lambda: set(wanted) <= self.events(name), f"{wanted} of {name}", SECONDS)

    def served(self, path: str) -> str:
        """A file of the pod `serving`, as its container sees it."""
        return str(self.cluster.ask(NAMESPACE, "serving:web", f"/consoles/{path}"))


@pytest.fixture(scope="module")
def node(plane: Laboratory) -> Iterator[Node]:
    cluster = Cluster(plane)
    before = _ready(cluster)
    images = _images(cluster)
    with ThreadPoolExecutor() as pool:
        for kinds in (
            ("Namespace",),
            ("ServiceAccount", "Secret", "ConfigMap"),
            ("Pod", "Service", "Deployment"),
        ):
            list(pool.map(cluster.create, [_filled(one, images) for one in _GIVEN if one["kind"] in kinds]))
    yield Node(cluster, before)
    for body in _GIVEN:
        if body["kind"] == "Namespace":
            cluster.delete("Namespace", body["metadata"]["name"])


def _images(cluster: Cluster) -> Mapping[str, str]:
    """Images that the node is known to have: those of the laboratory's Prometheus."""
    names = {"prometheus": "PROMETHEUS", "config-reloader": "CONFIG_RELOADER"}
    found = {
        names[container["name"]]: str(container["image"])
        for pod in cluster.find("Pod", "monitoring")
        for container in pod["spec"]["containers"]
        if container["name"] in names
    }
    return {"EXPORTER": cluster.exporter, **found}


def _filled(body: Object, images: Mapping[str, str]) -> Object:
    text = json.dumps(body)
    for word, image in images.items():
        text = text.replace(f'"{word}"', json.dumps(image))
    return dict(json.loads(text))


def _ready(cluster: Cluster) -> Object:
    (node,) = cluster.find("Node")
    (ready,) = [one for one in node["status"]["conditions"] if one["type"] == "Ready"]
    return dict(ready)


def _status(pod: Object, container: str = "main") -> Object:
    status = pod.get("status") or {}
    every = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return next((one for one in every if one["name"] == container), {})


def _waiting(pod: Object, container: str = "main") -> tuple[str, str]:
    waiting = (_status(pod, container).get("state") or {}).get("waiting") or {}
    return waiting.get("reason", ""), waiting.get("message", "")


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase"))


def _conditions(pod: Object) -> Mapping[str, str]:
    return {one["type"]: one["status"] for one in (pod.get("status") or {}).get("conditions") or []}


def test_unknown_image(node: Node) -> None:
    image = "registry.example/nothing:1"
    pod = node.until("unknown-image", lambda pod: pod if _waiting(pod)[0] == "ImagePullBackOff" else None)
    assert _waiting(pod)[1].startswith(f'Back-off pulling image "{image}": ErrImagePull: ')
    assert (pod["status"]["phase"], _status(pod)["restartCount"]) == ("Pending", 0)
    node.said(
        "unknown-image",
        ("Normal", "Pulling", f'Pulling image "{image}"'),
        ("Warning", "Failed", "Error: ErrImagePull"),
        ("Normal", "BackOff", f'Back-off pulling image "{image}"'),
        ("Warning", "Failed", "Error: ImagePullBackOff"),
    )
    failures = [text for _type, reason, text in node.events("unknown-image") if reason == "Failed"]
    assert [text for text in failures if text.startswith(f'Failed to pull image "{image}": ')]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("missing-secret", 'secret "absent" not found', id="missing Secret"),
        pytest.param("missing-key", "couldn't find key absent in Secret run/secret", id="missing key"),
        pytest.param("missing-config-map", 'configmap "absent" not found', id="missing ConfigMap"),
        pytest.param(
            "missing-config-key", "couldn't find key absent in ConfigMap run/config", id="its missing key"
        ),
        pytest.param(
            "as-root",
            'container has runAsNonRoot and image will run as root (pod: "POD", container: main)',
            id="root where the pod forbids it",
        ),
    ],
)
def test_configuration_that_cannot_be(node: Node, name: str, message: str) -> None:
    pod = node.until(name, lambda pod: pod if _waiting(pod)[0] == "CreateContainerConfigError" else None)
    shown = re.sub(rf"{name}_{NAMESPACE}\([-0-9a-f]+\)", "POD", _waiting(pod)[1])
    assert shown == message
    assert pod["status"]["phase"] == "Pending"
    assert _conditions(pod)["Ready"] == "False"
    node.said(name, ("Warning", "Failed", f"Error: {message}"))


def test_what_is_optional_may_be_missing(node: Node) -> None:
    node.until("missing-but-optional", lambda pod: _conditions(pod).get("Ready") == "True")


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        pytest.param("missing-volume", 'volume "absent" : secret "absent" not found', id="missing Secret"),
        pytest.param(
            "missing-volume-key",
            'volume "keys" : configmap references non-existent config key: absent',
            id="missing key",
        ),
    ],
)
def test_volume_that_cannot_be(node: Node, name: str, cause: str) -> None:
    node.said(name, ("Warning", "FailedMount", f"MountVolume.SetUp failed for {cause}"))
    pod = node.until(name, lambda pod: pod if _waiting(pod)[0] else None)
    assert _waiting(pod)[0] == "ContainerCreating"
    # Volumes come before the network.
    assert "podIP" not in pod["status"]
    assert _conditions(pod)["PodReadyToStartContainers"] == "False"


def test_command_that_is_not_there(node: Node) -> None:
    pod = node.until("no-such-command", lambda pod: pod if "RunContainerError" in _waiting(pod) else None)
    assert (
        'exec: "/bin/no-such-command": stat /bin/no-such-command: no such file or directory'
        in _waiting(pod)[1]
    )


def test_crashing_container(node: Node) -> None:
    def backing_off(pod: Object) -> Object | None:
        status = _status(pod)
        return pod if _waiting(pod)[0] == "CrashLoopBackOff" and status["restartCount"] >= 2 else None

    pod = node.until("crashing", backing_off)
    status = _status(pod)
    assert re.fullmatch(
        rf"back-off \S+ restarting failed container=main pod=crashing_{NAMESPACE}\([-0-9a-f]+\)",
        _waiting(pod)[1],
    )
    ended = status["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (1, "Error")
    assert ended["startedAt"] <= ended["finishedAt"]
    assert (pod["status"]["phase"], _conditions(pod)["Ready"]) == ("Running", "False")
    node.said("crashing", ("Warning", "BackOff", "Back-off restarting failed container main in pod POD"))
    node.until("crashing", lambda pod: _status(pod)["restartCount"] > status["restartCount"])


def test_crashing_init_container_lets_nothing_else_start(node: Node) -> None:
    def backing_off(pod: Object) -> Object | None:
        return pod if _waiting(pod, "first")[0] == "CrashLoopBackOff" else None

    pod = node.until("crashing-at-first", backing_off)
    assert _waiting(pod)[0] == "PodInitializing"
    assert (pod["status"]["phase"], _conditions(pod)["Initialized"]) == ("Pending", "False")


def test_finished_pod(node: Node) -> None:
    pod = node.until("finished", lambda pod: pod if _phase(pod) == "Succeeded" else None)
    ended = _status(pod)["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (0, "Completed")
    assert _conditions(pod)["Ready"] == "False"


def test_restart_on_failure_only(node: Node) -> None:
    pod = node.until("failed", lambda pod: pod if _status(pod).get("restartCount") else None)
    first = _status(pod, "first")
    assert (first["restartCount"], first["state"]["terminated"]["reason"]) == (0, "Completed")
    assert _conditions(pod)["Initialized"] == "True"


def test_failing_liveness_probe(node: Node) -> None:
    pod = node.until("unhealthy", lambda pod: pod if _status(pod).get("restartCount") else None)
    assert "terminated" in _status(pod)["lastState"]
    node.said(
        "unhealthy",
        ("Warning", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 404"),
        ("Normal", "Killing", "Container main failed liveness probe, will be restarted"),
    )


def test_readiness_decides_on_endpoints(node: Node) -> None:
    def addresses() -> Mapping[str, bool]:
        slices = node.cluster.find("EndpointSlice", NAMESPACE)
        mine = [one for one in slices if one["metadata"]["labels"]["kubernetes.io/service-name"] == "listed"]
        return {
            endpoint["targetRef"]["name"]: endpoint["conditions"]["ready"]
            for one in mine
            for endpoint in one["endpoints"] or []
        }

    eventually(lambda: addresses() == {"ready": True, "unready": False}, "the endpoints", SECONDS)
    pod = node.pod("unready")
    assert (pod["status"]["phase"], _status(pod)["ready"], _status(pod)["started"]) == (
        "Running",
        False,
        True,
    )
    assert _conditions(pod) | {"Ready": "False", "ContainersReady": "False"} == _conditions(pod)
    texts = {text for _type, reason, text in node.events("unready") if reason == "Unhealthy"}
    address = pod["status"]["podIP"]
    assert texts == {f"Readiness probe failed: dial tcp {address}:9999: connect: connection refused"}


def _serving(pod: Object) -> Object | None:
    return pod if _conditions(pod).get("Ready") == "True" else None


def test_init_containers_run_one_after_the_other(node: Node) -> None:
    pod = node.until("serving", _serving)
    first, second = (_status(pod, name)["state"]["terminated"] for name in ("first", "second"))
    assert (first["exitCode"], second["exitCode"]) == (0, 0)
    assert first["finishedAt"] <= second["startedAt"]
    assert second["finishedAt"] <= _status(pod)["state"]["running"]["startedAt"]
    assert {_status(pod, name)["restartCount"] for name in ("first", "second", "main")} == {0}
    assert node.served("made/second") == "made by first"


def test_projected_token_has_the_audience_and_is_bound_to_the_pod(node: Node) -> None:
    pod = node.until("serving", _serving)
    token = node.served("projected/token")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["aud"] == ["sts.amazonaws.com"]
    assert claims["exp"] - claims["iat"] == 600
    review = node.cluster.create(
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "metadata": {},
            "spec": {"token": token, "audiences": ["sts.amazonaws.com"]},
        }
    )["status"]
    assert (review["authenticated"], review["user"]["username"]) == (
        True,
        f"system:serviceaccount:{NAMESPACE}:runner",
    )
    assert review["user"]["extra"]["authentication.kubernetes.io/pod-uid"] == [pod["metadata"]["uid"]]
    assert node.served("projected/note") == "written"


def test_changes_reach_the_volumes_of_a_running_pod(node: Node) -> None:
    node.until("serving", _serving)
    assert (node.served("config/word"), node.served("secret/word")) == ("first", "first")
    node.cluster.patch("ConfigMap", "config", NAMESPACE, {"data": {"word": "second"}})
    changed = base64.b64encode(b"second").decode()
    node.cluster.patch("Secret", "secret", NAMESPACE, {"data": {"word": changed}})
    eventually(
        lambda: (node.served("config/word"), node.served("secret/word")) == ("second", "second"),
        "the new words in the volumes",
        SECONDS,
    )
    assert _status(node.pod("serving"))["restartCount"] == 0


def test_missing_objects_that_come_later(node: Node) -> None:
    node.until("missing-key", lambda pod: _waiting(pod)[0] == "CreateContainerConfigError")
    value = base64.b64encode(b"there").decode()
    node.cluster.patch("Secret", "secret", NAMESPACE, {"data": {"absent": value}})
    node.until("missing-key", lambda pod: _conditions(pod).get("Ready") == "True")
    assert _status(node.pod("missing-key"))["restartCount"] == 0


@pytest.mark.parametrize(
    "name", [pytest.param("recreated", id="Recreate"), pytest.param("rolled", id="RollingUpdate")]
)
def test_rollout(node: Node, name: str) -> None:
    eventually(lambda: _rolled_out(node, name), f"Deployment {name}", SECONDS)
    before = {pod["metadata"]["name"] for pod in node.pods_of(name)}
    note = {"metadata": {"annotations": {"example.org/change": "1"}}}
    node.cluster.patch("Deployment", name, NAMESPACE, {"spec": {"template": note}})
    seen: list[int] = []

    def replaced() -> bool:
        seen.append(_available(node, name))
        return _rolled_out(node, name)

    eventually(replaced, f"the rollout of {name}", SECONDS)
    assert before.isdisjoint(pod["metadata"]["name"] for pod in node.pods_of(name))
    # The one ends all pods before it makes new ones, the other never has fewer than it should.
    assert min(seen) == (0 if name == "recreated" else 2)


def _rolled_out(node: Node, name: str) -> bool:
    deployment = node.cluster.get("Deployment", name, NAMESPACE) or {}
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    counts = [status.get(f"{what}eplicas") for what in ("r", "updatedR", "availableR")]
    current = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return bool(current and counts == [wanted] * 3 and len(node.pods_of(name)) == wanted)


def _available(node: Node, name: str) -> int:
    deployment = node.cluster.get("Deployment", name, NAMESPACE) or {}
    return int((deployment.get("status") or {}).get("availableReplicas") or 0)


def test_stateful_set_of_the_operator(node: Node) -> None:
    (found,) = [
        one
        for one in node.cluster.find("StatefulSet", "monitoring")
        if one["metadata"]["name"] == "prometheus-kube-prometheus-stack-prometheus"
    ]
    assert (found["status"]["readyReplicas"], found["status"]["updatedReplicas"]) == (1, 1)


def test_pod_security_refuses_at_admission(node: Node) -> None:
    (pod,) = [one for one in _GIVEN if one["metadata"]["name"] == "finished"]
    body = {**pod, "metadata": {"name": "finished", "namespace": "run-restricted"}}
    with pytest.raises(RefusedError) as refused:
        node.cluster.create(body)
    assert refused.value.status == 403
    assert refused.value.message.startswith(
        'pods "finished" is forbidden: violates PodSecurity "restricted:latest": '
        'allowPrivilegeEscalation != false (container "main" must set '
        "securityContext.allowPrivilegeEscalation=false)"
    )


def test_deletion_waits_for_the_process(node: Node, plane: Laboratory) -> None:
    pod = node.until("serving", _serving)
    process = int(_status(pod)["containerID"].removeprefix("process://"))
    node.cluster.delete("Pod", "serving", NAMESPACE)
    # The object is there as long as the process is.
    eventually(lambda: not node.cluster.get("Pod", "serving", NAMESPACE), "the pod to go", SECONDS)
    assert not Path(f"/proc/{process}").exists()
    log = (plane.state / "logs" / "pod-run-serving.log").read_text()
    assert "Received an OS signal, exiting gracefully" in log
    assert "See you next time!" in log
    node.said("serving", ("Normal", "Killing", "Stopping container main"))


def test_the_node_stays_ready(node: Node) -> None:
    def beaten() -> Object | None:
        ready = _ready(node.cluster)
        return ready if ready["lastHeartbeatTime"] > node.ready_before["lastHeartbeatTime"] else None

    ready = eventually(beaten, "the node's next sign of life", SECONDS)
    assert (ready["status"], ready["reason"]) == ("True", "KubeletReady")
    assert ready["lastTransitionTime"] == node.ready_before["lastTransitionTime"]
