"""The shipped profile against every version of the exporter that the registries give, on several majors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.programs.every import EXPORTERS, POSTGRES
from tests.profiles import record
from tests.profiles.exporters import Pair, Run

MAJORS = [version.split(".")[0] for version in POSTGRES]
PAIRS = [Pair(exporter, postgres) for postgres in MAJORS for exporter in EXPORTERS]


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_record(pair: Pair, run: Callable[[Pair], Run]) -> None:
    with run(pair).started() as exporter:
        verdict = exporter.judge(timeout=3)
        if pair.postgres in record.RECORDED:
            record.PAGES.mkdir(exist_ok=True)
            (record.PAGES / f"{pair}.prom").write_text(record.trimmed(exporter.page()))

def test_flags(exporters):
    record.write_flags({v: record.flags(p) for v,p in exporters.items()})
