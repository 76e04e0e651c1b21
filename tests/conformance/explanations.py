"""What external_secret_sync says of the faults of external_secrets.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets import in_aws
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    Sight,
    Wanted,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.sync import sync
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    Kubernetes,
    connect,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

from tests.conformance.external_secrets import Scene
from tests.conformance.faults import Fault

#: By the fault's name and what the module had to go by; nothing where all is well.
Explanations = Mapping[tuple[str, str], str]
#: What it has to go by: whether there are events, and whether it may look in AWS. As the table calls it.
MEANS = {"cause": (True, False), "without_events": (False, False), "with_aws": (False, True)}


class WithoutEvents:
    """A cluster that has forgotten all events."""

    def __init__(self, cluster: Kubernetes) -> None:
        self._cluster = cluster

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> dict[str, Any] | None:
        return {"items": []} if path.endswith("/events") else self._cluster.get(path, query)


def explain_all(scene: Scene) -> Explanations:
    """Look at every fault that the scene has, with all means."""
    every = [(fault, means) for fault in scene.faults for means in MEANS if not fault.refused]
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda each: _explanation(scene, *each), every))
    return {(fault.name, means): text for (fault, means), text in zip(every, said, strict=True)}


def _explanation(scene: Scene, fault: Fault, means: str) -> str:
    def once(probe: Any) -> list[Sight]:
        return wait_until(probe, timeout=0)

    events, aws = MEANS[means]
    cluster = connect({"kubeconfig": scene.lab.endpoints["kubeconfig"]})
    wanted = [Wanted(fault.external, tuple(fault.spec.get("keys", ())))]
    _sights, causes = sync(
        cluster if events else WithoutEvents(cluster),
        fault.namespace,
        wanted,
        once,
        partial(in_aws.look, scene.lab.aws) if aws else None,
    )
    return "\n".join(map(str, causes))
