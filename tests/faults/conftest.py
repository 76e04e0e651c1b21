"""Two stacks on a laboratory, whose links are broken and healed one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.journey import TWO_STACKS
from tests.e2e.laboratory import Laboratory, started


@pytest.fixture(scope="session")
def lab() -> Iterator[Laboratory]:
    with started("faults") as laboratory:
        built = laboratory.play("site.yml", inventories=TWO_STACKS)
        assert built.code == 0, built.output
        yield laboratory
