"""Cluster, documents and trust are built while AWS throttles requests and loses answers."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.journey import TWO_STACKS, Journey
from tests.e2e.laboratory import Laboratory, Run

ROLES = ("--tags", "aurora,secrets,irsa", "--limit", "orders")
ONCE = {
    "rds:CreateDBCluster": 1,
    "rds:CreateDBInstance": 1,
    "rds:CreateDBSubnetGroup": 1,
    "rds:CreateDBClusterParameterGroup": 1,
    "ec2:CreateSecurityGroup": 1,
    "iam:CreateRole": 1,
}


@pytest.fixture(scope="module")
def stormy(journey: Journey, lab: Laboratory) -> Run:
    with lab.weather(throttled=0.3, lost=0.15):
        return lab.play("site.yml", *ROLES, inventories=TWO_STACKS)


def test_throttled_requests_and_lost_answers_fail_no_run(stormy: Run) -> None:
    assert stormy.code == 0, stormy.output
    assert any(entry["status"] >= 400 for entry in stormy.aws)


def test_nothing_is_made_twice(stormy: Run) -> None:
    done = Counter(f"{entry['service']}:{entry['action']}" for entry in stormy.aws if entry["status"] == 200)
    assert {action: done[action] for action in ONCE} == ONCE


def test_when_it_clears_up_nothing_is_left_to_do(stormy: Run, lab: Laboratory) -> None:
    again = lab.play("site.yml", *ROLES, inventories=TWO_STACKS)
    assert again.code == 0, again.output
    assert again.changed == {"orders": 0}, again.output
