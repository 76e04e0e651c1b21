"""Faults of a cluster around an external secret, each a function that makes it."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from tests.unit.plugins.module_utils._external_secrets.fake_cluster import FAILED, Cluster

Change = Callable[[Cluster], None]


def change(name: str, path: str, value: t.Any) -> Change:
    """Set the field at a dotted path of an object."""

    def apply(cluster: Cluster) -> None:
        *parents, last = path.split(".")
        place = cluster.objects[name]
        for parent in parents:
            place = place[parent]
        place[last] = value

    return apply


def drop(name: str) -> Change:
    def apply(cluster: Cluster) -> None:
        del cluster.objects[name]

    return apply


def fail(*messages: str, store: bool = False) -> Change:
    return lambda cluster: cluster.fail(*messages, store=store)


def both(*changes: Change) -> Change:
    def apply(cluster: Cluster) -> None:
        for one in changes:
            one(cluster)

    return apply


def failed(message: str) -> Change:
    """Not in sync, without events, and with this in the condition."""
    return both(fail(), change("external_secret", "status.conditions", [{**FAILED, "message": message}]))


def owned(kind: str, name: str) -> Change:
    owner = {"kind": kind, "name": name, "controller": True}
    return change("secret", "metadata.ownerReferences", [{"kind": "X", "name": "x"}, owner])


def generated(cluster: Cluster) -> None:
    """No store is asked, and none is there."""
    reference = {"apiVersion": "generators.external-secrets.io/v1alpha1", "kind": "Password", "name": "login"}
    spec = {"dataFrom": [{"sourceRef": {"generatorRef": reference}}]}
    cluster.objects["external_secret"]["spec"] = {"target": {"name": "aurora-credentials"}, **spec}
    del cluster.objects["store"]


def fault_since(time: str) -> Change:
    return change("external_secret", "status.conditions", [{**FAILED, "lastTransitionTime": time}])


def event_about(kind: str, name: str) -> Change:
    def apply(cluster: Cluster) -> None:
        for event in cluster.objects["events"]["items"]:
            event["involvedObject"] = {"kind": kind, "name": name}

    return apply
