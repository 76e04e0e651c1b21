"""The way of two stacks, from nothing to converged."""

from __future__ import annotations

from dataclasses import dataclass

from tests.e2e.laboratory import Run

TWO_STACKS = ("inventories/lab", "tests/e2e/two_stacks.yml")


@dataclass(frozen=True)
class Journey:
    """What the tests look back at."""

    nothing: set[tuple[str, ...]]
    empty_check: Run
    first: Run
    second: Run
    converged_check: Run

    @property
    def runs(self) -> list[Run]:
        return [self.empty_check, self.first, self.second, self.converged_check]
