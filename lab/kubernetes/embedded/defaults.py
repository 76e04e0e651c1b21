"""Default values that depend on other fields, as the real server fills them in when it reads an object."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from lab.kubernetes.embedded.objects import Object, clone, dig


def fill_defaults(kind_name: str, item: Object) -> None:
    """Complete an object of a built-in kind in place."""
    default = _DEFAULTS.get(kind_name)
    if default:
        default(item)


def _namespace(item: Object) -> None:
    name = item["metadata"].get("name")
    if name:
        item["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
    item["status"].setdefault("phase", "Active")


def _secret(item: Object) -> None:
    for name, text in (item.pop("stringData", None) or {}).items():
        item.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()
    item.setdefault("type", "Opaque")


def _service(item: Object) -> None:
    spec = item["spec"]
    for port in spec.get("ports", []):
        if port.get("targetPort") in (None, 0, "") and "port" in port:
            port["targetPort"] = port["port"]
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    if spec["sessionAffinity"] == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10800}})


def _pod(item: Object) -> None:
    spec = item["spec"]
    _pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in _containers(spec):
        limits = dig(container, "resources", "limits")
        if limits:
            container["resources"]["requests"] = {**limits, **container["resources"].get("requests", {})}
    if spec.get("hostNetwork"):
        for container in _containers(spec):
            for port in container.get("ports", []):
                port.setdefault("hostPort", port.get("containerPort"))
    status = item["status"]
    status.setdefault("phase", "Pending")
    if status.get("podIP"):
        status.setdefault("podIPs", [{"ip": status["podIP"]}])


def _deployment(item: Object) -> None:
    spec = item["spec"]
    _pod_spec(spec["template"]["spec"])
    strategy = spec["strategy"]
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")


def _replica_set(item: Object) -> None:
    _pod_spec(item["spec"]["template"]["spec"])


def _stateful_set(item: Object) -> None:
    spec = item["spec"]
    _pod_spec(spec["template"]["spec"])
    strategy = spec["updateStrategy"]
    if "type" not in strategy:
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" in strategy:
        strategy["rollingUpdate"].setdefault("partition", 0)
        strategy["rollingUpdate"].setdefault("maxUnavailable", 1)
    for claim in spec.get("volumeClaimTemplates", []):
        claim |= {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        claim["status"].setdefault("phase", "Pending")
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")


def _job(item: Object) -> None:
    spec = item["spec"]
    _pod_spec(spec["template"]["spec"])
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    labels = spec["template"]["metadata"].get("labels")
    if labels and not item["metadata"].get("labels"):
        # One map in the real server, which later puts the labels of the selector into it.
        item["metadata"]["labels"] = labels


def _network_policy(item: Object) -> None:
    spec = item["spec"]
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _binding(item: Object) -> None:
    if "roleRef" in item:
        item["roleRef"].setdefault("apiGroup", "rbac.authorization.k8s.io")
    for subject in item.get("subjects", []):
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _definition(item: Object) -> None:
    spec = item.get("spec", {})
    names = spec.get("names", {})
    if names.get("kind"):
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", names["kind"] + "List")
    spec.setdefault("conversion", {"strategy": "None"})


def _pod_spec(spec: Object) -> None:
    # The old name of the field is written beside the new one, always.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in _containers(spec):
        container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
        if not dig(container, "resources", "requests") and "requests" in container["resources"]:
            del container["resources"]["requests"]
    for volume in spec.get("volumes", []):
        if set(volume) <= {"name"}:
            volume["emptyDir"] = {}


def _pull_policy(image: str) -> str:
    name = image.rsplit("/", 1)[-1]
    latest = name.endswith(":latest") or (":" not in name and "@" not in name)
    return "Always" if latest else "IfNotPresent"


def _containers(spec: Object) -> list[Object]:
    return [*spec.get("initContainers", []), *spec.get("containers", [])]


_DEFAULTS: Mapping[str, Callable[[Object], None]] = {
    "Namespace": _namespace,
    "Secret": _secret,
    "Service": _service,
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "NetworkPolicy": _network_policy,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "CustomResourceDefinition": _definition,
}


def job_selector(item: Object) -> None:
    """Have a new Job select its own Pods, unless its author sees to that."""
    spec, metadata = item["spec"], item["metadata"]
    if spec["manualSelector"]:
        return
    labels = spec["template"]["metadata"].setdefault("labels", {})
    for name, value in job_labels(metadata).items():
        labels.setdefault(name, value)
    chosen = spec.setdefault("selector", {}).setdefault("matchLabels", {})
    chosen.setdefault("batch.kubernetes.io/controller-uid", metadata["uid"])


def job_labels(metadata: Object) -> dict[str, str]:
    """The labels of the Pods of a Job, the old names among them."""
    uid, name = metadata["uid"], metadata.get("name", "")
    prefix = "batch.kubernetes.io/"
    return {
        "controller-uid": uid,
        "job-name": name,
        f"{prefix}controller-uid": uid,
        f"{prefix}job-name": name,
    }


def service_addresses(item: Object, before: Object | None, address: Callable[[], str]) -> None:
    """Give a Service its addresses, or those it had where an update leaves them out."""
    spec = item["spec"]
    if spec["type"] == "ExternalName":
        return
    if before and not spec.get("clusterIP"):
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if name in before["spec"]:
                spec[name] = clone(before["spec"][name])
    spec.setdefault("clusterIP", address())
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
