"""Services lead to the ready Pods that they select."""

from __future__ import annotations

from typing import Any

import pytest

from lab.standins.workloads.endpoints import backends, slices, subsets

Object = dict[str, Any]


def service(**spec: Any) -> Object:
    port = {"name": "metrics", "port": 80, "targetPort": "metrics"}
    metadata = {"name": "exporter", "namespace": "demo", "uid": "s", "labels": {"app": "exporter"}}
    own = {"selector": {"app": "exporter"}, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {**own, **spec}}


def pod(name: str, *, ready: bool = True, port: int = 9187, **metadata: Any) -> Object:
    return {
        "metadata": {"name": name, "uid": name, "labels": {"app": "exporter"}, **metadata},
        "spec": {"nodeName": "lab", "containers": [{"ports": [{"name": "metrics", "containerPort": port}]}]},
        "status": {"podIP": "127.60.0.1", "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


ADDRESS = {
    "ip": "127.60.0.1",
    "nodeName": "lab",
    "targetRef": {"kind": "Pod", "namespace": "demo", "name": "one", "uid": "one"},
}
PORTS = [{"name": "metrics", "port": 9187, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("wish", "pods", "expected"),
    [
        pytest.param(service(), [pod("one")], [{"addresses": [ADDRESS], "ports": PORTS}], id="a ready Pod"),
        pytest.param(
            service(),
            [pod("one", ready=False)],
            [{"notReadyAddresses": [ADDRESS], "ports": PORTS}],
            id="one that is not",
        ),
        pytest.param(
            service(publishNotReadyAddresses=True),
            [pod("one", ready=False)],
            [{"addresses": [ADDRESS], "ports": PORTS}],
            id="which the Service may want all the same",
        ),
        pytest.param(service(), [pod("one", labels={"app": "other"})], [], id="not selected"),
        pytest.param(service(), [pod("one", deletionTimestamp="now")], [], id="on its way out"),
        pytest.param(service(), [{**pod("one"), "status": {}}], [], id="without an address"),
        pytest.param(
            service(ports=[{"name": "x", "port": 9187, "targetPort": "nope"}]),
            [pod("one")],
            [{"addresses": [ADDRESS], "ports": []}],
            id="a port that the Pod does not have",
        ),
    ],
)
def test_endpoints(wish: Object, pods: list[Object], expected: list[Object]) -> None:
    assert subsets(wish, backends(wish, pods)) == expected


def test_pods_with_other_ports_are_a_group_of_their_own() -> None:
    wish = service()
    behind = backends(wish, [pod("one"), pod("two", port=9188)])
    assert [subset["ports"][0]["port"] for subset in subsets(wish, behind)] == [9187, 9188]
    assert len({one["metadata"]["name"] for one in slices(wish, behind)}) == 2


def test_a_slice() -> None:
    (found,) = slices(service(), backends(service(), [pod("one")]))
    assert found["metadata"]["labels"]["kubernetes.io/service-name"] == "exporter"
    assert found["addressType"] == "IPv4"
    assert found["ports"] == PORTS
    assert found["endpoints"][0]["conditions"] == {"ready": True, "serving": True, "terminating": False}


@pytest.mark.parametrize(
    ("published", "conditions"),
    [
        pytest.param(False, (False, False), id="not ready"),
        pytest.param(True, (True, False), id="wanted all the same"),
    ],
)
def test_a_slice_tells_readiness_from_use(published: bool, conditions: tuple[bool, bool]) -> None:
    wish = service(publishNotReadyAddresses=published)
    (found,) = slices(wish, backends(wish, [pod("one", ready=False)]))
    shown = found["endpoints"][0]["conditions"]
    assert (shown["ready"], shown["serving"]) == conditions


@pytest.mark.parametrize(("address", "headless"), [("None", True), ("10.0.0.1", False)])
def test_a_slice_tells_that_a_service_is_headless(address: str, headless: bool) -> None:
    (found,) = slices(service(clusterIP=address), [])
    assert ("service.kubernetes.io/headless" in found["metadata"]["labels"]) is headless


def test_a_service_without_pods_has_an_empty_slice() -> None:
    (found,) = slices(service(), [])
    assert (found["endpoints"], found["ports"]) == ([], [])
