"""One laboratory for all end-to-end tests, and the journey of two stacks on it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.journey import TWO_STACKS, Journey
from tests.e2e.laboratory import HOSTILE, Laboratory, started


@pytest.fixture(scope="session")
def lab() -> Iterator[Laboratory]:
    with started("e2e") as laboratory:
        yield laboratory


@pytest.fixture(scope="session")
def journey(lab: Laboratory) -> Journey:
    """Passwords of `orders` were chosen by somebody, and the first run is killed half-way."""
    nothing = lab.everything()
    empty_check = lab.play("site.yml", "--check", "--diff", "-v", inventories=TWO_STACKS)
    manager = lab.aws("secretsmanager")
    for name in ("orders-postgres-credentials", "orders-postgres-app-credentials"):
        manager.create_secret(Name=name, SecretString=json.dumps({"password": HOSTILE, "note": "not ours"}))
    lab.kill_at("Have the cluster and its members", "site.yml", inventories=TWO_STACKS)
    return Journey(
        nothing=nothing,
        empty_check=empty_check,
        first=lab.play("site.yml", "--diff", "-v", inventories=TWO_STACKS),
        second=lab.play("site.yml", inventories=TWO_STACKS),
        converged_check=lab.play(
            "site.yml", "--check", "--diff", "-v", "--limit", "orders", inventories=TWO_STACKS
        ),
    )
