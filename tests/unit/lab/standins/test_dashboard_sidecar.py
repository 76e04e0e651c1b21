"""The sidecar writes dashboards, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from lab.standins.dashboards import files


def config_map(folder: str | None = None, **data: str) -> dict[str, Any]:
    annotations = {"grafana_folder": folder} if folder else {}
    return {"metadata": {"namespace": "demo", "name": "one", "annotations": annotations}, "data": data}


@pytest.mark.parametrize(
    ("folder", "data", "expected"),
    [
        pytest.param(None, {"a.json": "{}"}, {"a.json": "{}"}, id="without a folder"),
        pytest.param("Aurora", {"a.json": "{}"}, {"Aurora/a.json": "{}"}, id="in a folder"),
        pytest.param("../x", {"a.json": "{}"}, {"__x/a.json": "{}"}, id="a folder is no way out"),
        pytest.param(None, {"a.json": "{", "b.json": "{}"}, {"b.json": "{}"}, id="invalid JSON is left out"),
        pytest.param(None, {"a.json": "[]"}, {}, id="a list is no dashboard"),
    ],
)
def test_files(folder: str | None, data: dict[str, str], expected: dict[str, str]) -> None:
    assert files(config_map(folder, **data)) == expected
