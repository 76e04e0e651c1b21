"""Rules and dashboards about metrics that a stack does not export are left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROLES = Path(__file__).parents[3] / "roles"
CASES = [
    pytest.param({}, True, False, id="by default"),
    pytest.param({"cloudwatch_exporter_enabled": True}, True, True, id="with CloudWatch"),
    pytest.param({"cloudwatch_exporter_enabled": "false"}, True, False, id="a word from the command line"),
    pytest.param(
        {"cloudwatch_exporter_enabled": True, "postgres_exporter_mode": "cloudwatch_only"},
        *(False, True),
        id="CloudWatch only",
    ),
    pytest.param(
        {"cloudwatch_exporter_enabled": True, "postgres_exporter_mode": "probe"},
        *(False, True),
        id="probes, between which there are no values",
    ),
    pytest.param({"postgres_exporter_mode": "probe"}, False, False, id="probes alone"),
    pytest.param({"postgres_exporter_mode": "cloudwatch_only"}, False, False, id="nothing at all"),
]


def rendered(role: str, name: str, given: dict[str, Any]) -> Any:
    """A variable of a role, where the inventory says what is given."""
    loader = DataLoader()
    variables = loader.load_from_file(str(ROLES / role / "vars/main.yml"), trusted_as_template=True)
    return Templar(loader=loader, variables=variables | given).template(variables[name])


@pytest.mark.parametrize(("given", "exporter", "cloudwatch"), CASES)
def test_rules(given: dict[str, Any], exporter: bool, cloudwatch: bool) -> None:
    expected = ["aurora.yml"] * exporter + ["cloudwatch.yml"] * cloudwatch
    assert rendered("prometheus_rules", "__prometheus_rules_files", given) == expected


@pytest.mark.parametrize(("given", "exporter", "cloudwatch"), CASES)
def test_dashboards(given: dict[str, Any], exporter: bool, cloudwatch: bool) -> None:
    assert rendered("grafana_dashboards", "__grafana_dashboards_with_exporter", given) is exporter
    assert rendered("grafana_dashboards", "__grafana_dashboards_with_cloudwatch", given) is cloudwatch
