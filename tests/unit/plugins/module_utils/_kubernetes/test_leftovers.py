"""What counts as left over, on a cluster that is a table of answers."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.leftovers import (
    METADATA,
    Leftover,
    find_leftovers,
)

ALL = ("create", "delete", "get", "list")
STORES = "external-secrets.io"


def resource(name: str, kind: str, namespaced: bool = True, verbs: t.Sequence[str] = ALL) -> dict[str, t.Any]:
    return {"name": name, "kind": kind, "namespaced": namespaced, "verbs": list(verbs)}


def group(name: str, *versions: str, preferred: str) -> dict[str, t.Any]:
    return {
        "name": name,
        "versions": [{"version": version} for version in versions],
        "preferredVersion": {"version": preferred},
    }


KINDS: dict[str, list[dict[str, t.Any]]] = {
    "/api/v1": [
        resource("configmaps", "ConfigMap"),
        resource("configmaps/status", "ConfigMap", verbs=["get", "patch", "update"]),
        resource("endpoints", "Endpoints"),
        resource("events", "Event"),
        resource("namespaces", "Namespace", namespaced=False),
        resource("pods", "Pod"),
        resource("serviceaccounts", "ServiceAccount"),
    ],
    "/apis/apps/v1": [resource("deployments", "Deployment"), resource("replicasets", "ReplicaSet")],
    "/apis/external-secrets.io/v1": [
        resource("secretstores", "SecretStore"),
        resource("externalsecrets", "ExternalSecret"),
        resource("clusterexternalsecrets", "ClusterExternalSecret", namespaced=False),
    ],
    "/apis/external-secrets.io/v1alpha1": [
        resource("secretstores", "SecretStore"),
        resource("pushsecrets", "PushSecret"),
    ],
    "/apis/metrics.k8s.io/v1beta1": [resource("pods", "PodMetrics", verbs=["get", "list"])],
}
GROUPS = [
    group("apps", "v1", preferred="v1"),
    group(STORES, "v1alpha1", "v1", preferred="v1"),
    group("metrics.k8s.io", "v1beta1", preferred="v1beta1"),
]


class Cluster:
    """Objects by the path of their list; a kind that is not in the table has none."""

    def __init__(self, **objects: list[dict[str, t.Any]]) -> None:
        self.objects = objects
        self.forbidden = ""

    def get(self, path: str, query: t.Any = (), accept: str = "") -> dict[str, t.Any] | None:
        if path == "/apis":
            return {"groups": GROUPS}
        if path in KINDS:
            return {"resources": KINDS[path]}
        assert accept == METADATA, f"{path} was asked for more than metadata"
        place, _slash, plural = path.rpartition("/")
        if plural == self.forbidden:
            raise KubernetesError(f"GET {path} is forbidden")
        namespaced = place.endswith("/namespaces/shop")
        assert namespaced or "/namespaces/" not in path
        items = self.objects.get(plural, [])
        return {"items": [one for one in items if not namespaced or one["metadata"]["namespace"] == "shop"]}


def item(name: str, namespace: str | None = "shop", owner: tuple[str, str] | None = None) -> dict[str, t.Any]:
    owners = {"ownerReferences": [{"apiVersion": owner[0], "kind": owner[1]}]} if owner else {}
    place = {"namespace": namespace} if namespace else {}
    return {"metadata": {"name": name, **place, **owners}}


@pytest.mark.parametrize(
    ("objects", "left"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param(
            {"configmaps": [item("kube-root-ca.crt")], "serviceaccounts": [item("default")]},
            [],
            id="what each namespace has",
        ),
        pytest.param({"events": [item("web.1")], "endpoints": [item("web")]}, [], id="what tells of others"),
        pytest.param({"configmaps": [item("default")]}, ["ConfigMap/default"], id="another of that name"),
        pytest.param({"configmaps": [item("shop", namespace="other")]}, [], id="in another namespace"),
        pytest.param({"namespaces": [item("shop", namespace=None)]}, [], id="in no namespace"),
        pytest.param(
            {
                "deployments": [item("web")],
                "replicasets": [item("web-1", owner=("apps/v1", "Deployment"))],
                "pods": [item("web-1-a", owner=("apps/v1", "ReplicaSet"))],
            },
            ["Deployment/web"],
            id="what goes with its owner",
        ),
        pytest.param(
            {"externalsecrets": [item("shop", owner=(f"{STORES}/v1", "ClusterExternalSecret"))]},
            ["ExternalSecret/shop"],
            id="an owner outside of the namespace",
        ),
        pytest.param(
            {"configmaps": [item("shop", owner=("example.org/v1", "Shop"))]},
            ["ConfigMap/shop"],
            id="an owner that the cluster does not know",
        ),
        pytest.param(
            {"secretstores": [item("aws")], "pushsecrets": [item("push")]},
            ["SecretStore/aws", "PushSecret/push"],
            id="each kind once, in whichever version it is",
        ),
    ],
)
def test_left_in_a_namespace(objects: dict[str, list[dict[str, t.Any]]], left: list[str]) -> None:
    found = find_leftovers(Cluster(**objects), "shop", None)
    assert [f"{one.kind}/{one.name}" for one in found] == left


def test_left_of_a_group_in_the_whole_cluster() -> None:
    cluster = Cluster(
        configmaps=[item("settings")],
        secretstores=[item("aws", namespace="other")],
        clusterexternalsecrets=[item("everywhere", namespace=None)],
    )
    assert find_leftovers(cluster, None, [STORES]) == [
        Leftover(f"{STORES}/v1", "SecretStore", "other", "aws"),
        Leftover(f"{STORES}/v1", "ClusterExternalSecret", None, "everywhere"),
    ]


def test_nothing_is_left_of_a_group_that_is_not_served() -> None:
    assert find_leftovers(Cluster(), None, ["example.org"]) == []


def test_what_cannot_be_seen_may_be_there() -> None:
    cluster = Cluster()
    cluster.forbidden = "secretstores"
    with pytest.raises(KubernetesError, match="forbidden"):
        find_leftovers(cluster, "shop", None)
