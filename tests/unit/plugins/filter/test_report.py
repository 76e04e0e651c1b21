# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.eks_observability.stack.plugins.filter.report import (
    chain_verdict,
    stack_summary,
    text_table,
)

PROVEN: dict[str, Any] = {
    "inventory_hostname": "aurora",
    "aurora_result": {"scaling": {"min_capacity": 0.5, "max_capacity": 2.0}},
    "external_secrets_result": {"exporter": {"secret": "aurora-credentials"}},
    "postgres_exporter_result": {
        "mode": "metrics",
        "metrics": [{"pg_up": 1.0, "required_families": {"present": 50, "required": 50}}],
        "targets": [{"up": 1, "targets": [{}]}],
    },
    "prometheus_rules_result": {"expected": 16, "healthy": 16, "alerts": 11},
    "grafana_dashboards_result": {"with_data": 12, "total": 12},
}


@pytest.mark.parametrize(
    ("column", "facts", "words"),
    [
        pytest.param("stack", {}, "aurora", id="the stack's name"),
        pytest.param("ACU range", {}, "0.5 to 2", id="whole numbers without a point"),
        pytest.param("secret synced", {}, "aurora-credentials", id="name of the Secret, never its data"),
        pytest.param("exporter login", {}, "ok", id="login"),
        pytest.param("targets up", {}, "1 of 1", id="targets"),
        pytest.param("metric families", {}, "50 of 50", id="families"),
        pytest.param("alerts loaded", {}, "11 of 11", id="alerts without recording rules"),
        pytest.param("panels with data", {}, "12 of 12", id="panels"),
        pytest.param(
            "alerts loaded",
            {"prometheus_rules_result": {"expected": 16, "healthy": 14, "alerts": 11}},
            "9 of 11",
            id="unhealthy",
        ),
    ],
)
def test_row_puts_results_into_words(column: str, facts: dict[str, Any], words: str) -> None:
    assert stack_summary({**PROVEN, **facts})[column] == words


MEMBERS: dict[str, Any] = {
    "mode": "metrics",
    "metrics": [
        {"pg_up": 1.0, "required_families": {"present": 50, "required": 50}},
        {"pg_up": 0.0, "required_families": {"present": 3, "required": 50}},
    ],
    "targets": [{"up": 1, "targets": [{}]}, {"up": 0, "targets": [{}]}],
}
CLOUDWATCH: dict[str, Any] = {"mode": "cloudwatch_only", "metrics": [], "targets": []}


@pytest.mark.parametrize(
    ("exporter", "words"),
    [
        pytest.param(MEMBERS, ["refused", "1 of 2", "53 of 100"], id="one of two members refuses the login"),
        pytest.param(CLOUDWATCH, ["none: CloudWatch", "0 of 0", "0 of 0"], id="CloudWatch only"),
    ],
)
def test_row_puts_all_exporters_into_words(exporter: dict[str, Any], words: list[str]) -> None:
    row = stack_summary({**PROVEN, "postgres_exporter_result": exporter})
    assert [row[name] for name in ("exporter login", "targets up", "metric families")] == words


def test_role_that_did_not_run_leaves_a_dash() -> None:
    row = stack_summary({"inventory_hostname": "orders"})
    assert set(row.values()) == {"orders", "-"}


def test_table_lines_up() -> None:
    lines = text_table([{"stack": "a", "up": "1"}, {"stack": "orders-long", "up": "-"}]).splitlines()
    assert lines == ["stack        up", "-----------  --", "a            1", "orders-long  -"]


def test_table_of_nothing_is_empty() -> None:
    assert text_table([]) == ""


LINKS = [
    {"link": "cluster", "role": "aurora"},
    {"link": "trust", "role": "irsa"},
    {"link": "exporter", "role": "postgres_exporter"},
]
TRUST = {"link": "trust", "task": "Verify | Refuse", "message": "It cannot assume the role."}
EXPORTER = {"link": "exporter", "task": "Verify | See", "message": "It is down."}


def test_verdict_of_a_run_that_stopped_at_the_first_broken_link() -> None:
    assert chain_verdict([TRUST], LINKS, "orders").splitlines() == [
        "The chain of orders is broken at: trust.",
        "Proven before it: cluster.",
        "",
        "trust, irsa : Verify | Refuse",
        "It cannot assume the role.",
        "To have this link as the inventory describes it: playbooks/irsa.yml",
        "",
        "Not looked at: exporter. With -e verify_all=true they are.",
    ]


def test_verdict_marks_what_may_only_follow_from_a_broken_link() -> None:
    lines = chain_verdict([TRUST, EXPORTER], LINKS, "orders", all_links=True).splitlines()
    assert lines[0] == "The chain of orders is broken at: trust, exporter."
    assert "trust, irsa : Verify | Refuse" in lines
    assert "exporter (perhaps only because of: trust), postgres_exporter : Verify | See" in lines
    assert not any(line.startswith("Not looked at") for line in lines)


def test_verdict_of_the_first_link() -> None:
    broken = {"link": "cluster", "task": "Result", "message": "No cluster."}
    assert "Proven before it" not in chain_verdict([broken], LINKS, "orders")
