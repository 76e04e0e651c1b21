"""One laboratory for all end-to-end tests, and the journey of two stacks on it: nothing, built, built again, checked."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from laboratory import Laboratory, Run

INVENTORIES = ("inventories/lab", "tests/e2e/two_stacks.yml")


@dataclass(frozen=True)
class Journey:
    empty_check: Run
    first: Run
    second: Run
    converged_check: Run

    @property
    def runs(self) -> list[Run]:
        return [self.empty_check, self.first, self.second, self.converged_check]


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
