"""One laboratory for all end-to-end tests, and the journey of two stacks on it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.laboratory import HOSTILE, Journey, Laboratory

INVENTORIES = ("inventories/lab", "tests/e2e/two_stacks.yml")


@pytest.fixture(scope="session")
def lab() -> Iterator[Laboratory]:
    state = Path(tempfile.mkdtemp(prefix="stack-e2e-"))
    shutil.rmtree(state)
    laboratory = Laboratory(state)
    laboratory.command("up")
    yield laboratory
    laboratory.command("down")


@pytest.fixture(scope="session")
def journey(lab: Laboratory) -> Journey:
    """Passwords of `orders` were chosen by somebody, and the first run is killed half-way."""
    nothing = lab.everything()
    empty_check = lab.play("site.yml", "--check", "--diff", "-v", inventories=INVENTORIES)
    manager = lab.aws("secretsmanager")
    for name in ("orders-postgres-credentials", "orders-postgres-app-credentials"):
        manager.create_secret(Name=name, SecretString=json.dumps({"password": HOSTILE, "note": "not ours"}))
    lab.kill_at("Have the cluster and its members", "site.yml", inventories=INVENTORIES)
    return Journey(
        nothing=nothing,
        empty_check=empty_check,
        first=lab.play("site.yml", "--diff", "-v", inventories=INVENTORIES),
        second=lab.play("site.yml", inventories=INVENTORIES),
        converged_check=lab.play(
            "site.yml", "--check", "--diff", "-v", "--limit", "orders", inventories=INVENTORIES
        ),
    )
