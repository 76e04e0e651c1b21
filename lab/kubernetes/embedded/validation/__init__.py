"""Whether an object may be stored: metadata first, then the rules of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lab.kubernetes.embedded.errors import Problem
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Object
from lab.kubernetes.embedded.validation.configuration import config_map, namespace, secret, service_account
from lab.kubernetes.embedded.validation.custom import custom_object
from lab.kubernetes.embedded.validation.definitions import definition
from lab.kubernetes.embedded.validation.metadata import metadata_problems
from lab.kubernetes.embedded.validation.network import endpoint_slice, endpoints, network_policy
from lab.kubernetes.embedded.validation.pods import pod
from lab.kubernetes.embedded.validation.rbac import binding, role
from lab.kubernetes.embedded.validation.services import service
from lab.kubernetes.embedded.validation.workloads import deployment, job, replica_set, stateful_set

#: The rules of a kind: the new state and the old one, which is None for a new object.
Rules = Callable[[Object, Object | None], Iterable[Problem]]

_RULES: Mapping[str, Rules] = {
    "ClusterRole": role,
    "ClusterRoleBinding": binding,
    "ConfigMap": config_map,
    "CustomResourceDefinition": definition,
    "Deployment": deployment,
    "EndpointSlice": endpoint_slice,
    "Endpoints": endpoints,
    "Job": job,
    "Namespace": namespace,
    "NetworkPolicy": network_policy,
    "Pod": pod,
    "ReplicaSet": replica_set,
    "Role": role,
    "RoleBinding": binding,
    "Secret": secret,
    "Service": service,
    "ServiceAccount": service_account,
    "StatefulSet": stateful_set,
}


def validate(kind: Kind, item: Object, before: Object | None, subresource: str = "") -> list[Problem]:
    """All problems of a new object or of a new state; a status is only judged by a custom kind's schema."""
    problems = list(metadata_problems(kind, item["metadata"], before["metadata"] if before else None))
    if kind.custom:
        problems += custom_object(kind.schema, item, subresource)
    elif subresource != "status" and kind.name in _RULES:
        problems += _RULES[kind.name](item, before)
    return problems
