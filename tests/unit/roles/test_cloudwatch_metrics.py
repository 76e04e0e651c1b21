"""What is asked of CloudWatch is what panels and alerts show: it is billed by the metric."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parents[3] / "roles"
VARS = yaml.safe_load((ROLES / "cloudwatch_exporter/vars/main/metrics.yml").read_text())
POLICY = yaml.safe_load((ROLES / "cloudwatch_exporter/vars/main/aws.yml").read_text())
EXPORTED: list[dict[str, Any]] = [
    *VARS["__cloudwatch_exporter_member_metrics"],
    *VARS["__cloudwatch_exporter_cluster_metrics"],
]


def series_of(metric: dict[str, Any]) -> set[str]:
    """Names that YACE makes: a capital letter is set apart after a small one only."""
    name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", metric["name"]).lower()
    return {f"aws_rds_{name}_{statistic.lower()}" for statistic in metric["statistics"]}


def used_in(pattern: str) -> set[str]:
    return {name for path in ROLES.glob(pattern) for name in re.findall(r"aws_rds_\w+", path.read_text())}


def test_all_that_is_used_is_asked_for_and_nothing_else() -> None:
    used = used_in("prometheus_rules/files/*.yml") | used_in("grafana_dashboards/files/*.json")
    assert set().union(*map(series_of, EXPORTED)) == used


def test_all_that_is_asked_for_is_proven() -> None:
    profile = yaml.safe_load((ROLES.parent / "profiles/yace.yml").read_text())
    proven = {each["name"] for each in profile["expect"] if each["name"].startswith("aws_")}
    assert proven == set().union(*map(series_of, EXPORTED))


def test_the_policy_has_four_actions() -> None:
    (statement,) = POLICY["__cloudwatch_exporter_policy"]["Statement"]
    assert sorted(statement["Action"]) == [
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:ListMetrics",
        "tag:GetResources",
    ]


def test_a_member_without_values_stays_a_series_without_a_value() -> None:
    """For alerts and proof: it is neither 0 nor, after three hours, gone."""
    (job,) = VARS["__cloudwatch_exporter_config"]["discovery"]["jobs"]
    assert not job["nilToZero"]
    assert not job["recentlyActiveOnly"]
