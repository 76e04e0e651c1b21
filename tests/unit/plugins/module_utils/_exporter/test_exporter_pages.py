"""The shipped profile on a page of every exporter that the registries give; `make profiles` made them.

The pages are those of exporters with the flags of the role postgres_exporter; before 0.15, without flags.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.loading import load
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Exposition
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.profile import Profile
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse
from ansible_collections.eks_observability.stack.plugins.plugin_utils import _profiles

from lab.programs.every import EXPORTERS
from lab.programs.wanted import version_key

PAGES = sorted((Path(__file__).parent / "pages").glob("*.prom"))
EXPORTERS_YML = Path(__file__).parents[4] / "profiles/exporters.yml"
RECORDED: dict[str, dict[str, list[str]]] = yaml.safe_load(EXPORTERS_YML.read_text(encoding="utf-8"))
GIVEN = _profiles.load("postgres_exporter", find=str)
ENABLED = ["stat_statements", "database_wraparound", "long_running_transactions", "postmaster"]


def profile(version: str, major: int, **variables: Any) -> Profile:
    return load(GIVEN, {"database": "app", "postgres_major": major, "exporter_version": version, **variables})


def of_the_role(version: str, major: int) -> Profile:
    if version_key(version) < (0, 15):
        return profile(version, major)
    checkpointer = ["stat_checkpointer"] if major >= 17 and version_key(version) >= (0, 17) else []
    return profile(
        version,
        major,
        collectors_enabled=ENABLED + checkpointer,
        collectors_disabled=["replication", "wal"],
    )


def judged(path: Path) -> tuple[list[Check], bool]:
    """The checks that did not pass, and whether the exporter is too old for this PostgreSQL."""
    version, _pg, major = path.stem.partition("-pg")
    wanted = of_the_role(version, int(major))
    pages = wanted.pages(parse(path.read_bytes()), None)
    too_old = int(major) >= 17 and version_key(version) < (0, 17)
    return [check for check in wanted.judge(pages) if check.status != "pass"], too_old


def test_there_is_a_page_of_every_exporter_before_and_after_postgres_17() -> None:
    assert {path.stem for path in PAGES} == {
        f"{version}-pg{major}" for version in EXPORTERS for major in (15, 17)
    }


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_are_judged_by_what_the_exporter_can_do(path: Path) -> None:
    unpassed, too_old = judged(path)
    assert [(check.id, check.status) for check in unpassed] == [("collectors", "fail")] * too_old
    assert ["0.17" in check.hint for check in unpassed] == [True] * too_old


@pytest.mark.parametrize("version", EXPORTERS)
def test_collectors_by_default_are_those_of_the_program(version: str) -> None:
    known = profile(version, 15).families.collectors.wanted(Exposition({}))
    assert sorted(known) == RECORDED[version]["by_default"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_the_profile_knows_and_the_exporter_has_is_asked_for(path: Path) -> None:
    version, _pg, major = path.stem.partition("-pg")
    page = parse(path.read_bytes())
    known = {name for row in GIVEN["families"] for name in row["names"] if page.has(name)}
    assert known - set(of_the_role(version, int(major)).families.required(page)) == set()
