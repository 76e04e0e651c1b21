"""The stand-in of External Secrets held against the real one, and what external_secret_sync says of both."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import pytest

from tests.conformance.explanations import MEANS, Explanations, explain_all
from tests.conformance.external_secrets import Scene, compare, make
from tests.conformance.faults import Fault, declared, faults
from tests.conformance.sights import Look, Seen
from tests.e2e.laboratory import Laboratory

FAULTS = faults()
OLDEST = {fault.name: fault for fault in faults(oldest=True)}
TAKEN = [fault for fault in FAULTS if not fault.refused]
COMPARED = [fault for fault in TAKEN if not fault.unsupported]
each = partial(pytest.mark.parametrize, "fault", ids=lambda fault: fault.name)


@pytest.fixture(scope="module")
def scenes(plane: Laboratory, embedded: Laboratory) -> Iterator[Mapping[str, Scene]]:
    """All faults, on the real External Secrets and on the stand-in."""
    made = {"plane": Scene(plane, FAULTS), "embedded": Scene(embedded, FAULTS, standin=True)}
    make(*made.values())
    yield made
    for scene in made.values():
        scene.unmake()


@pytest.fixture(scope="module")
def seen(scenes: Mapping[str, Scene]) -> Sequence[Mapping[str, Seen]]:
    """What real one and stand-in made of the faults."""
    return compare(scenes["plane"], scenes["embedded"], COMPARED)


@pytest.fixture(scope="module")
def looks(scenes: Mapping[str, Scene]) -> Mapping[str, Look]:
    """One look at each laboratory."""
    return {name: Look.at(scene.api) for name, scene in scenes.items()}


@pytest.fixture(scope="module")
def explanations(
    scenes: Mapping[str, Scene], oldest_explanations: Explanations
) -> Mapping[str, Explanations]:
    """What external_secret_sync says of the faults on each laboratory."""
    return {
        **{name: explain_all(scene) for name, scene in scenes.items()},
        "older": oldest_explanations,
    }


@each(argvalues=COMPARED)
def test_the_stand_in_says_and_does_what_the_real_one_does(
    fault: Fault, seen: Sequence[Mapping[str, Seen]]
) -> None:
    real, standin = (copy.deepcopy(one[fault.name]) for one in seen)
    for part in declared(fault):
        assert real.pop(part, None) != standin.pop(part, None), f"{part} is declared to differ, and does not"
    assert standin == real


@each(argvalues=TAKEN)
def test_the_real_one_says_what_the_table_says(fault: Fault, looks: Mapping[str, Look]) -> None:
    assert looks["plane"].ready(fault) == fault.last_ready


@each(argvalues=[fault for fault in TAKEN if fault.unsupported])
def test_what_the_stand_in_does_not_have_it_refuses(fault: Fault, looks: Mapping[str, Look]) -> None:
    look = looks["embedded"]
    assert any(fault.unsupported in message for message in look.messages(fault)), look.messages(fault)
    assert look.ready(fault).startswith("False ")


@each(argvalues=[fault for fault in FAULTS if fault.refused])
def test_an_object_that_cannot_be_is_refused(fault: Fault, scenes: Mapping[str, Scene]) -> None:
    assert fault.refused in scenes["plane"].refusals.get(fault.name, "")
    if "refused" not in declared(fault):
        assert fault.refused in scenes["embedded"].refusals.get(fault.name, "")


def lacking(words: Sequence[str], text: str) -> list[str]:
    """Words that a text does not have; where none are expected, the text."""
    return [word for word in words if word not in text] if words else [text] if text else []


@pytest.mark.parametrize("means", MEANS)
@pytest.mark.parametrize("where", ["plane", "embedded", "older"])
@each(argvalues=TAKEN)
def test_the_cause_is_named_or_said_to_be_unknown(
    explanations: Mapping[str, Explanations], fault: Fault, where: str, means: str
) -> None:
    if where == "embedded" and fault.unsupported:
        pytest.skip("the stand-in does not have it")
    text = explanations[where][fault.name, means]
    told = OLDEST[fault.name] if where == "older" else fault
    assert lacking(told.words(means), text) == [], text
