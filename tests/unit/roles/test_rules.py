"""The rules are well-formed, actionable, bound to their cluster, and fire when they should and only then."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import programs

ROOT = Path(__file__).parents[3]
FILES = {path.stem: path.read_text() for path in (ROOT / "roles/prometheus_rules/files").glob("*.yml")}
REPLACED = {
    "DB_CLUSTER": "db",
    "CONNECTIONS_RATIO": "0.8",
    "SLOW_STATEMENT_SECONDS": "1",
    "ACU_PERCENT": "90",
    "CPU_PERCENT": "80",
    "FREEABLE_BYTES": "268435456",
    "RUNBOOKS_URL": "https://runbooks.example.org",
}


def filled(text: str) -> str:
    for word, value in REPLACED.items():
        text = text.replace(word, value)
    return text


def rules_of(text: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(filled(text))["groups"] for rule in group["rules"]]


def alerts_of(text: str) -> list[str]:
    return [rule["alert"] for rule in rules_of(text) if "alert" in rule]


RULES = [rule for text in FILES.values() for rule in rules_of(text)]
ALERTS = [rule for rule in RULES if "alert" in rule]


@pytest.fixture(scope="module")
def promtool() -> Path:
    return programs.ensure(lambda line: None).promtool.path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_selector_is_bound_to_the_cluster(rule: dict[str, Any]) -> None:
    metrics = re.findall(r"\b(?:pg_\w+|aws_rds_\w+|aurora:[\w:]+|up)(?=\{|\)|\s|$)(\{[^}]*\})?", rule["expr"])
    assert metrics
    assert all('db_cluster="db"' in matchers for matchers in metrics)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_can_be_acted_on(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert {"summary", "description", "runbook_url"} == alert["annotations"].keys()
    assert alert["annotations"]["runbook_url"].endswith(f"/{alert['alert']}.md")


@pytest.mark.parametrize("name", FILES)
def test_every_alert_has_a_case_that_fires_and_one_that_does_not(name: str) -> None:
    cases = yaml.safe_load((ROOT / "tests/rules" / f"{name}.yml").read_text())["tests"]
    quiet = {test["alertname"] for test in cases[0]["alert_rule_test"]}
    loud = " ".join(str(case.get("promql_expr_test", "")) for case in cases[1:])
    assert set(alerts_of(FILES[name])) == quiet
    assert [alert for alert in alerts_of(FILES[name]) if alert not in loud] == []


@pytest.mark.parametrize("name", FILES)
def test_promtool_accepts_the_rules_and_their_cases(promtool: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "rules.yml").write_text(filled(FILES[name]))
    (tmp_path / "tests.yml").write_text((ROOT / "tests/rules" / f"{name}.yml").read_text())
    for command in (["check", "rules", "rules.yml"], ["test", "rules", "tests.yml"]):
        done = subprocess.run(
            [str(promtool), *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_has_a_runbook(alert: dict[str, Any]) -> None:
    assert (ROOT / "docs/runbooks" / f"{alert['alert']}.md").is_file()
