"""The same monitors and rules come to the same targets, rules and events on both laboratories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.conformance.scraping import (
    CASES,
    REJECTED,
    STAGES,
    Case,
    Look,
    Scraping,
    Shown,
    at_once,
    settled,
)
from tests.e2e.laboratory import Laboratory

Stages = Sequence[Sequence[Look]]

_CREDENTIALS = "no database's exporter needs them, and a stand-in that kept Secrets would have to be watched"
_CLASSES = "only the author of the Prometheus object makes them, and the laboratory's has none"
#: Cases that the stand-in refuses, and says so: the field, and why it is not there.
REFUSED = {
    "password": ("basicAuth", _CREDENTIALS),
    "password in a secret that does not exist": ("basicAuth", _CREDENTIALS),
    "password under a key that does not exist": ("basicAuth", _CREDENTIALS),
    "pods with a password that does not exist": ("basicAuth", _CREDENTIALS),
    "token": ("authorization", _CREDENTIALS),
    "token in a secret that does not exist": ("authorization", _CREDENTIALS),
    "deprecated token in a secret that does not exist": ("bearerTokenSecret", _CREDENTIALS),
    "unverified TLS": ("tlsConfig", _CREDENTIALS),
    "scrape class that does not exist": ("scrapeClass", _CLASSES),
}
_EVERY = [
    pytest.param(case, stage, id=f"{case.name}, change {stage}" if stage else case.name)
    for case in CASES
    for stage in range(len(case.expected))
]


@pytest.fixture(scope="module")
def stages(plane: Laboratory, embedded: Laboratory) -> Iterator[Stages]:
    """How both laboratories look at every stage, the real one first."""
    labs = [Scraping(plane), Scraping(embedded)]

    def reach(stage: int) -> Sequence[Look]:
        at_once(lambda lab: lab.change(stage) if stage else lab.prepare(), labs)
        return settled(labs, lambda seen: not any(differences(case, stage, seen) for case in CASES))

    yield [reach(stage) for stage in STAGES]
    at_once(Scraping.clear, labs)


def differences(case: Case, stage: int, looks: Sequence[Look]) -> Sequence[str]:
    """What of a case is not as expected, or not the same on both laboratories."""
    real, ours = (look.of(case) for look in looks)
    wanted = case.outcome(stage)
    found = [] if real.outcome == wanted else [f"the control plane comes to {real.outcome}, not to {wanted}"]
    if case.name in REFUSED:
        return [*found, *_unrefused(case, ours)]
    return found + [
        f"{part}: {theirs} on the control plane, {getattr(ours, part)} on the embedded laboratory"
        for part, theirs in vars(real).items()
        if theirs != getattr(ours, part)
    ]


def _unrefused(case: Case, ours: Shown) -> Sequence[str]:
    field, _why = REFUSED[case.name]
    place = "{namespace}/{name}".format(**case.body["metadata"])
    says = (
        f'"{place}" was rejected due to invalid configuration: '
        f"the laboratory's operator does not support {field}"
    )
    refused = ours.outcome == REJECTED and list(ours.events) == [("Warning", "InvalidConfiguration", says)]
    return [] if refused else [f"the embedded laboratory does not refuse it: {ours}"]


@pytest.mark.parametrize(("case", "stage"), _EVERY)
def test_same(stages: Stages, case: Case, stage: int) -> None:
    assert differences(case, stage, stages[stage]) == []


def test_same_for_all(stages: Stages) -> None:
    real, ours = stages[-1]
    assert ours.common == real.common
    assert ours.status == real.status
    assert [one["status"] for one in real.status["conditions"]] == ["True", "True"]


def test_what_is_refused_is_a_case() -> None:
    assert REFUSED.keys() <= {case.name for case in CASES}
