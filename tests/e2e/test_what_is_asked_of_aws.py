"""The policy in a role's README is what the role asks of AWS, no more and no less. Looks back at all runs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.e2e.journey import Journey
from tests.e2e.laboratory import ROOT, Laboratory

ROLES = ("aurora", "secrets", "irsa", "postgres_exporter")
# What AWS itself asks for in the name of whoever creates the cluster, and what only other options need.
UNSEEN: dict[str, set[str]] = {
    "aurora": {
        "kms:CreateGrant",
        "kms:DescribeKey",
        "rds:DescribeDBProxyTargets",
        "rds:DisableHttpEndpoint",
        "secretsmanager:CreateSecret",
        # The Data API reads it with the caller's rights.
        "secretsmanager:GetSecretValue",
        "secretsmanager:TagResource",
    },
    # Only where something fails.
    "secrets": {"rds-data:RollbackTransaction"},
    "postgres_exporter": {"rds-data:RollbackTransaction"},
}


def policy(role: str) -> dict[str, Any]:
    text = (ROOT / "roles" / role / "README.md").read_text()
    found = re.search(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, f"{role} has no policy in its README"
    return dict(json.loads(found[1]))


def actions(role: str) -> set[str]:
    listed = [statement["Action"] for statement in policy(role)["Statement"]]
    return {action for one in listed for action in ([one] if isinstance(one, str) else one)}


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_asks_for_is_in_its_policy(journey: Journey, lab: Laboratory, role: str) -> None:
    assert lab.asked[role]
    assert lab.asked[role] - actions(role) == set()


@pytest.mark.parametrize("role", ROLES)
def test_what_is_in_a_policy_is_asked_for(journey: Journey, lab: Laboratory, role: str) -> None:
    assert actions(role) - lab.asked[role] == UNSEEN.get(role, set())


@pytest.mark.parametrize("role", ROLES)
def test_a_policy_names_what_it_is_about(role: str) -> None:
    """Whatever changes something, or reads a secret, is for the stack's resources alone."""
    for statement in policy(role)["Statement"]:
        reading = all(
            re.match(r"\w+:(Describe|List|Get(?!SecretValue))", one) for one in _listed(statement["Action"])
        )
        assert statement["Resource"] != "*" or reading, statement


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
