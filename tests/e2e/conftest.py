"""One laboratory for all end-to-end tests, and the journey of two stacks on it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.laboratory import Journey, Laboratory

INVENTORIES = ("inventories/lab", "tests/e2e/two_stacks.yml")


@pytest.fixture(scope="session")
def lab() -> Iterator[Laboratory]:
    state = Path(tempfile.mkdtemp(prefix="eo-e2e-"))
    shutil.rmtree(state)
    laboratory = Laboratory(state)
    laboratory.command("up")
    yield laboratory
    laboratory.command("down")


@pytest.fixture(scope="session")
def journey(lab: Laboratory) -> Journey:
    return Journey(
        empty_check=lab.play("site.yml", "--check", "--diff", "-v", inventories=INVENTORIES),
        first=lab.play("site.yml", "--diff", "-v", inventories=INVENTORIES),
        second=lab.play("site.yml", inventories=INVENTORIES),
        converged_check=lab.play("site.yml", "--check", "--diff", "-v", inventories=INVENTORIES),
    )
