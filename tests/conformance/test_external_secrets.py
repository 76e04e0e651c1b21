"""The stand-in of External Secrets held against the real one, and what external_secret_sync says of both."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets import in_aws
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    Sight,
    Wanted,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.sync import (
    LookInAws,
    sync,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    Kubernetes,
    connect,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

from tests.conformance.external_secrets import Fault, Look, Scene, Seen, compare, declared, faults, make
from tests.conformance.journeys import Interrupted
from tests.e2e.laboratory import Laboratory

FAULTS = faults()
TAKEN = [fault for fault in FAULTS if not fault.refused]
COMPARED = [fault for fault in TAKEN if not fault.unsupported]
each = partial(pytest.mark.parametrize, "fault", ids=lambda fault: fault.name)
everywhere = pytest.mark.parametrize("where", ["plane", "embedded", "older"])


@pytest.fixture(scope="module")
def scenes(plane: Laboratory, embedded: Laboratory) -> Iterator[dict[str, Scene]]:
    """All faults, on the real External Secrets and on the stand-in."""
    made = {"plane": Scene(plane, FAULTS), "embedded": Scene(embedded, FAULTS, standin=True)}
    make(*made.values())
    yield made
    for scene in made.values():
        scene.unmake()


@pytest.fixture(scope="module")
def seen(scenes: dict[str, Scene]) -> tuple[dict[str, Seen], dict[str, Seen]]:
    """What real one and stand-in made of the faults."""
    return compare(scenes["plane"], scenes["embedded"], COMPARED)


@pytest.fixture(scope="module")
def older(interrupted: Interrupted) -> Iterator[Scene]:
    """All faults on the oldest External Secrets, once the journey there is over."""
    scene = Scene(interrupted.lab, FAULTS)
    make(scene)
    yield scene
    scene.unmake()


@pytest.fixture
def scene(where: str, request: pytest.FixtureRequest) -> Scene:
    found: Scene = (
        request.getfixturevalue("older") if where == "older" else request.getfixturevalue("scenes")[where]
    )
    return found


@each(argvalues=COMPARED)
def test_the_stand_in_says_and_does_what_the_real_one_does(
    fault: Fault, seen: tuple[dict[str, Seen], dict[str, Seen]]
) -> None:
    real, standin = (copy.deepcopy(one[fault.name]) for one in seen)
    for part in declared(fault):
        assert real.pop(part, None) != standin.pop(part, None), f"{part} is declared to differ, and does not"
    assert standin == real


@each(argvalues=TAKEN)
def test_the_real_one_says_what_the_table_says(fault: Fault, scenes: dict[str, Scene]) -> None:
    assert Look.at(scenes["plane"].api).ready(fault) == fault.last_ready


@each(argvalues=[fault for fault in TAKEN if fault.unsupported])
def test_what_the_stand_in_does_not_have_it_refuses(fault: Fault, scenes: dict[str, Scene]) -> None:
    look = Look.at(scenes["embedded"].api)
    assert any(fault.unsupported in message for message in look.messages(fault)), look.messages(fault)
    assert look.ready(fault).startswith("False ")


@each(argvalues=[fault for fault in FAULTS if fault.refused])
def test_an_object_that_cannot_be_is_refused(fault: Fault, scenes: dict[str, Scene]) -> None:
    assert fault.refused in scenes["plane"].refusals.get(fault.name, "")
    if "refused" not in declared(fault):
        assert fault.refused in scenes["embedded"].refusals.get(fault.name, "")


class WithoutEvents:
    """A cluster that has forgotten all events."""

    def __init__(self, cluster: Kubernetes) -> None:
        self._cluster = cluster

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> dict[str, Any] | None:
        return {"items": []} if path.endswith("/events") else self._cluster.get(path, query)


def explanation(scene: Scene, fault: Fault, *, events: bool, aws: bool) -> str:
    """What external_secret_sync says of a fault; nothing where all is well."""

    def once(probe: Any) -> list[Sight]:
        return wait_until(probe, timeout=0)

    cluster = connect({"kubeconfig": scene.lab.endpoints["kubeconfig"]})
    look_in_aws: LookInAws | None = partial(in_aws.look, scene.lab.aws) if aws else None
    wanted = [Wanted(fault.external, tuple(fault.spec.get("keys", ())))]
    reader = cluster if events else WithoutEvents(cluster)
    _sights, causes = sync(reader, fault.namespace, wanted, once, look_in_aws)
    return "\n".join(map(str, causes))


def lacking(words: Sequence[str], text: str) -> list[str]:
    """Words that a text does not have; where none are expected, the text."""
    return [word for word in words if word not in text] if words else [text] if text else []


@everywhere
@each(argvalues=TAKEN)
def test_the_cause_is_named(scene: Scene, fault: Fault, where: str) -> None:
    if where == "embedded" and fault.unsupported:
        pytest.skip("the stand-in does not have it")
    text = explanation(scene, fault, events=True, aws=False)
    assert lacking(fault.words("cause"), text) == [], text


@everywhere
@each(argvalues=TAKEN)
def test_without_events_the_cause_is_named_or_said_to_be_unknown(
    scene: Scene, fault: Fault, where: str
) -> None:
    if where == "embedded" and fault.unsupported:
        pytest.skip("the stand-in does not have it")
    text = explanation(scene, fault, events=False, aws=False)
    assert lacking(fault.words("without_events"), text) == [], text


@everywhere
@each(argvalues=TAKEN)
def test_without_events_aws_tells(scene: Scene, fault: Fault, where: str) -> None:
    if where == "embedded" and fault.unsupported:
        pytest.skip("the stand-in does not have it")
    text = explanation(scene, fault, events=False, aws=True)
    assert lacking(fault.words("with_aws"), text) == [], text
