"""Dashboards are bare models for a sidecar: one datasource variable, units, words, no overlap."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest

FILES = sorted((Path(__file__).parents[3] / "roles/grafana_dashboards/files").glob("*.json"))
MODELS = {path.stem: json.loads(path.read_text()) for path in FILES}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, model in MODELS.items()
    for panel in model["panels"]
]
TYPES = {"stat", "gauge", "timeseries", "table", "bargauge", "heatmap", "state-timeline", "row"}
# What AWS tells of a paused cluster; the first three are 0, by which nothing can be divided.
OF_PAUSED = {
    "aws_rds_serverless_database_capacity_average",
    "aws_rds_acuutilization_average",
    "aws_rds_cpuutilization_average",
    "aws_rds_volume_bytes_used_average",
}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_model_is_bare_and_fixed(model: dict[str, Any]) -> None:
    assert {"uid", "title", "description", "schemaVersion", "panels", "templating"} <= model.keys()
    assert not {"dashboard", "__inputs", "id"} & model.keys()
    assert not model["editable"]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_panels_have_own_ids_and_do_not_overlap(model: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in model["panels"]]
    assert len(ids) == len(set(ids))
    cells = [
        cell
        for position in (panel["gridPos"] for panel in model["panels"])
        for cell in itertools.product(
            range(position["x"], position["x"] + position["w"]),
            range(position["y"], position["y"] + position["h"]),
        )
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _y in cells) < 24


@pytest.mark.parametrize("panel", PANELS)
def test_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["type"] in TYPES
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert all(
        source == DATASOURCE for source in [panel["datasource"], *(t["datasource"] for t in panel["targets"])]
    )


@pytest.mark.parametrize("panel", PANELS)
def test_panel_queries_are_promql_bound_to_the_variables(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        promql_parser.parse(target["expr"].replace("$__rate_interval", "5m"))
        assert 'db_cluster=~"$db_cluster"' in target["expr"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_may_be_empty_where_a_paused_cluster_leaves_it_so_and_nowhere_else(
    panel: dict[str, Any],
) -> None:
    expressions = [target["expr"] for target in panel["targets"]]
    used = {name for text in expressions for name in re.findall(r"aws_rds_\w+", text)}
    divides = any(re.search(r"/ .*aws_rds_acuutilization", text) for text in expressions)
    empty = divides or not used <= OF_PAUSED
    assert panel.get("expect") == ("may_be_empty" if empty else None)


@pytest.mark.parametrize("panel", PANELS)
def test_rates_look_back_over_two_scrapes_at_least(panel: dict[str, Any]) -> None:
    """At most a minute is between two scrapes, and a rate is over four steps, whatever the source says."""
    rates = [target for target in panel["targets"] if "$__rate_interval" in target["expr"]]
    assert all(target.get("interval") == "30s" for target in rates)
