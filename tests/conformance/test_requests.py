"""The embedded API answers as a real API server does: the same requests, and all of the answers compared."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from tests.conformance.comparison import Declared, undeclared
from tests.conformance.scenarios import Verdict, declared, groups

DECLARED = declared()
IDS = [request.id for group in groups() for request in group.requests]


@pytest.fixture(params=["usual", "older"])
def verdict(request: pytest.FixtureRequest, verdicts: Mapping[str, Future[Verdict]]) -> Verdict:
    """What the API server of one version answered, and the embedded API."""
    return verdicts[request.param].result()


@pytest.mark.parametrize("request_id", IDS)
def test_same_answer(request_id: str, verdict: Verdict) -> None:
    left = undeclared(request_id, verdict.differences[request_id], verdict.known)
    assert not left, "\n".join(map(str, left))


@pytest.mark.parametrize("entry", DECLARED, ids=lambda entry: f"{entry.request} {entry.place}")
def test_declared_difference_is_there(entry: Declared, verdict: Verdict) -> None:
    """What is declared and has been mended must go, or it would hide the next fault."""
    if not entry.concerns(verdict.minor):
        pytest.skip(f"Kubernetes 1.{verdict.minor} does not have this difference")
    assert any(entry.covers(name, found) for name, all_ in verdict.differences.items() for found in all_)


def test_no_manifest_of_the_roles_causes_a_warning(verdict: Verdict) -> None:
    """In a namespace with the labels that the role irsa gives it, so also of what its pods might not do."""
    seen = {name: warnings for name, warnings in verdict.warnings.items() if name.startswith("roles: ")}
    assert len(seen) > 50
    assert {name: warnings for name, warnings in seen.items() if warnings} == {}


def test_a_warning_would_be_seen(verdict: Verdict) -> None:
    (warning,) = verdict.warnings["absent: warns of a Deployment whose Pods would do too much"]
    assert "would violate PodSecurity" in warning


def test_ids_are_unique() -> None:
    assert len(set(IDS)) == len(IDS)
