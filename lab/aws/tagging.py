"""Aurora's clusters and members among the resources that are found by their tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.rds.models import RDSBackend

from lab.aws.patches import Patches
from lab.aws.rds_aurora import Aurora


def install(patches: Patches, aurora: Aurora) -> None:
    """Add them to the ones that moto knows."""

    def tagged(original: Callable[[Any], Iterator[Any]], backend: Any) -> Iterator[Any]:
        yield from original(backend)
        if backend.region_name == aurora.settings.region:
            yield from _resources(aurora)

    patches.around(RDSBackend, "iter_tagged_resources", tagged)


def _resources(aurora: Aurora) -> list[Any]:
    with aurora.lock:
        return [
            *(TaggedResource(each.arn, dict(each.tags), "rds:cluster") for each in aurora.clusters.values()),
            *(TaggedResource(each.arn, dict(each.tags), "rds:db") for each in aurora.members.values()),
        ]
