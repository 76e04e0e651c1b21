"""Whatever is sent, the answer is a decision of the API and never a breakdown."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

PORT = {"name": "metrics", "port": 80, "protocol": "TCP"}
POD = {
    "containers": [
        {
            "name": "c",
            "image": "i:1",
            "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
            "envFrom": [{"secretRef": {"name": "s"}}],
            "ports": [{"name": "metrics", "containerPort": 80}],
            "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
            "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        }
    ],
    "volumes": [{"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}}],
}
# What is in a pod is tried with the kind Pod.
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
WORKLOAD = {"selector": {"matchLabels": {"a": "b"}, "matchExpressions": []}, "template": TEMPLATE}
RBAC = "rbac.authorization.k8s.io/v1"
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"}
SUBJECT = {"kind": "ServiceAccount", "name": "a", "namespace": "n"}
DEFINITION = {
    "group": "example.com",
    "scope": "Namespaced",
    "names": {"plural": "things", "kind": "Thing"},
    "versions": [
        {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    ],
}
DOCUMENTS = [
    ("v1", "Namespace", "namespaces", {"spec": {"finalizers": ["kubernetes"]}}),
    ("v1", "Secret", "secrets", {"type": "Opaque", "data": {"a": "eA=="}, "stringData": {"b": "x"}}),
    ("v1", "ConfigMap", "configmaps", {"data": {"a": "b"}, "binaryData": {"c": "eA=="}}),
    (
        "v1",
        "ServiceAccount",
        "serviceaccounts",
        {"secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "p"}]},
    ),
    ("v1", "Service", "services", {"spec": {"type": "ClusterIP", "ports": [PORT], "selector": {"a": "b"}}}),
    ("v1", "Pod", "pods", {"spec": {**POD, "tolerations": [{"key": "k"}], "serviceAccountName": "default"}}),
    ("v1", "Endpoints", "endpoints", {"subsets": [{"addresses": [{"ip": "127.0.0.1"}], "ports": [PORT]}]}),
    ("v1", "Event", "events", {"involvedObject": {"kind": "Pod"}, "reason": "r", "count": 1}),
    ("v1", "Node", "nodes", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
    (
        "apps/v1",
        "Deployment",
        "deployments",
        {"spec": {**WORKLOAD, "strategy": {"rollingUpdate": {"maxSurge": 1}}}},
    ),
    ("apps/v1", "ReplicaSet", "replicasets", {"spec": WORKLOAD}),
    ("apps/v1", "StatefulSet", "statefulsets", {"spec": {**WORKLOAD, "serviceName": "s"}}),
    (
        "batch/v1",
        "Job",
        "jobs",
        {"spec": {"backoffLimit": 1, "template": {"spec": {**POD, "restartPolicy": "Never"}}}},
    ),
    (
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "endpointslices",
        {"addressType": "IPv4", "endpoints": [{"addresses": ["127.0.0.1"]}], "ports": [PORT]},
    ),
    (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "networkpolicies",
        {
            "spec": {
                "podSelector": {},
                "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 1}]}],
            }
        },
    ),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", {"spec": {"minAvailable": 1}}),
    (RBAC, "Role", "roles", {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}),
    (RBAC, "ClusterRoleBinding", "clusterrolebindings", {"roleRef": ROLE, "subjects": [SUBJECT]}),
    (
        "coordination.k8s.io/v1",
        "Lease",
        "leases",
        {"spec": {"holderIdentity": "x", "renewTime": "2026-01-01T00:00:00.5Z"}},
    ),
    (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        {"spec": DEFINITION},
    ),
    (
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
        "servicemonitors",
        {"spec": {"selector": {"matchLabels": {"a": "b"}}, "endpoints": [{"port": "metrics"}]}},
    ),
    (
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        "prometheusrules",
        {"spec": {"groups": [{"name": "g", "rules": [{"record": "r", "expr": "1"}]}]}},
    ),
]
CLUSTER_WIDE = {"Namespace", "Node", "ClusterRoleBinding", "CustomResourceDefinition"}
METADATA = {
    "name": "x",
    "labels": {"a": "b"},
    "finalizers": ["a.b/c"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}],
    "managedFields": [],
}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def mutations(document: Any) -> Iterator[Any]:
    """The document with one place removed, or filled with something else."""
    for path in paths(document):
        for replacement in ("x", {}, "remove"):
            mutant = copy.deepcopy(document)
            node = mutant
            for key in path[:-1]:
                node = node[key]
            if replacement == "remove":
                del node[path[-1]]
            else:
                node[path[-1]] = replacement
            yield mutant


@pytest.mark.parametrize(("version", "kind", "plural", "body"), DOCUMENTS, ids=[row[1] for row in DOCUMENTS])
def test_every_mutation_is_answered(api: Any, version: str, kind: str, plural: str, body: Any) -> None:
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    path = base + ("" if kind in CLUSTER_WIDE else "/namespaces/default") + f"/{plural}"
    document = {"apiVersion": version, "kind": kind, "metadata": METADATA, **body}
    for mutant in mutations(document):
        created = api.post(path, mutant, dryRun="All")
        assert created.code in (201, 400, 403, 404, 422), (mutant, created)
        applied = api.apply(f"{path}/x", mutant, dryRun="All", fieldManager="m")
        assert isinstance(applied.body, dict), (mutant, applied)
