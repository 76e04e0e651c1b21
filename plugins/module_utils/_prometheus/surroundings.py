# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster tells about monitors, rules and pods. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import quote, urlsplit

from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    Reader,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus import (
    network,
    rules,
    targets,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.selection import (
    Labels,
    Object,
    labels_of,
    metadata,
    refusals,
)

MONITORING = "/apis/monitoring.coreos.com/v1"
_NAME = "kubernetes.io/metadata.name"
#: What prometheus-operator writes on the pods of a Prometheus.
_OWNER = "operator.prometheus.io/name"

T = t.TypeVar("T")


def optional(read: Callable[[], T | None]) -> T | None:
    """An explanation is a help, not a duty: of what may not be read, or is not told, there is none."""
    try:
        return read()
    except (KubernetesError, FetchError):
        return None


def around(cluster: Reader | None, wanted: targets.WantedTarget) -> targets.Surroundings | None:
    """What the cluster says about a ServiceMonitor. Raises KubernetesError."""
    if cluster is None:
        return None
    monitor = cluster.get(_monitoring(wanted.namespace, "servicemonitors", wanted.service_monitor))
    services: list[Object] = []
    elsewhere: list[Object] = []
    if monitor is not None:
        namespaces = targets.searched_namespaces(monitor)
        paths = [f"/namespaces/{quote(namespace)}" for namespace in namespaces] if namespaces else [""]
        services = [service for path in paths for service in _list(cluster, f"/api/v1{path}/services")]
        services = targets.selected_services(monitor, services)
        if not services and namespaces:
            every = optional(partial(_list, cluster, "/api/v1/services")) or []
            elsewhere = targets.selected_services(monitor, every)
    labels = labels_of(cluster.get(_namespace(wanted.namespace)))
    return targets.Surroundings(monitor, _prometheuses(cluster), labels, services, elsewhere)


def rule_refusal(cluster: Reader | None, wanted: rules.WantedRules) -> str | None:
    """Why a PrometheusRule is not loaded, None when that is not known. Raises KubernetesError."""
    if cluster is None or wanted.namespace is None or wanted.name is None:
        return None
    found = cluster.get(_monitoring(wanted.namespace, "prometheusrules", wanted.name))
    called = f"PrometheusRule {wanted.namespace}/{wanted.name}"
    if found is None:
        return f"{called} does not exist. Apply it."
    labels = labels_of(cluster.get(_namespace(wanted.namespace)))
    reasons = refusals(_prometheuses(cluster), "rule", found, labels)
    if reasons is not None:
        return f"{called} is not selected: {'; '.join(reasons)}. Correct its labels or its namespace."
    return None


def barrier(cluster: Reader | None, target: Object) -> str | None:
    """Which NetworkPolicy stands before a target that is down, None for none. Raises KubernetesError."""
    if cluster is None or not network.looks_like_network(target["lastError"]):
        return None
    found = target.get("discoveredLabels") or {}
    namespace, name = (found.get(f"__meta_kubernetes_{label}", "") for label in ("namespace", "pod_name"))
    pod = cluster.get(f"{_namespace(namespace)}/pods/{quote(name)}") if namespace and name else None
    if pod is None:
        return None
    path = f"/apis/networking.k8s.io/v1/namespaces/{quote(namespace)}/networkpolicies"
    port = urlsplit(target["scrapeUrl"]).port or 80
    return network.shut_out(_list(cluster, path), pod, port, list(_clients(cluster)))


def _clients(cluster: Reader) -> Iterator[network.Client]:
    """Every Prometheus, as a NetworkPolicy sees its pods."""
    for prometheus in _prometheuses(cluster):
        namespace, name = metadata(prometheus)
        # The one label that every namespace has, where the others may not be read.
        labels: Labels = {
            _NAME: namespace,
            **(optional(partial(_namespace_labels, cluster, namespace)) or {}),
        }
        path = f"{_namespace(namespace)}/pods"
        pods = optional(partial(_list, cluster, path, ("labelSelector", f"{_OWNER}={name}"))) or []
        for pod in pods:
            address = (pod.get("status") or {}).get("podIP")
            yield network.Client(namespace, labels, labels_of(pod), address)
        if not pods:
            yield network.Client(namespace, labels)


def _namespace_labels(cluster: Reader, namespace: str) -> Labels:
    return labels_of(cluster.get(_namespace(namespace)))


def _prometheuses(cluster: Reader) -> list[Object]:
    return _list(cluster, f"{MONITORING}/prometheuses")


def _list(cluster: Reader, path: str, *query: tuple[str, str]) -> list[Object]:
    return (cluster.get(path, query) or {}).get("items") or []


def _namespace(name: str) -> str:
    return f"/api/v1/namespaces/{quote(name)}"


def _monitoring(namespace: str, plural: str, name: str) -> str:
    return f"{MONITORING}/namespaces/{quote(namespace)}/{plural}/{quote(name)}"
