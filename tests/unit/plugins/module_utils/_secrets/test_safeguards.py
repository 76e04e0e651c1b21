# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation and resource policy of a secret: touched only where the task gives them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.safeguards import (
    Rotation,
    Safeguards,
    SafeguardsWish,
    plan_safeguards,
)

FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:rotate"
DAYS = Rotation(True, FUNCTION, automatically_after_days=30)
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s:G", "Resource": "*"}],
}


@pytest.mark.parametrize(
    ("wish", "current", "changes"),
    [
        pytest.param(SafeguardsWish(), Safeguards(DAYS, POLICY), [], id="left out"),
        pytest.param(SafeguardsWish(DAYS), Safeguards(DAYS), [], id="rotation as it is"),
        pytest.param(
            SafeguardsWish(Rotation(True)), Safeguards(DAYS), [], id="what a rotation leaves out stays"
        ),
        pytest.param(SafeguardsWish(DAYS), Safeguards(), ["rotation"], id="first rotation"),
        pytest.param(
            SafeguardsWish(Rotation(True, schedule_expression="rate(10 days)")),
            Safeguards(DAYS),
            ["rotation"],
            id="another schedule",
        ),
        pytest.param(SafeguardsWish(Rotation(False)), Safeguards(DAYS), ["rotation"], id="no rotation"),
        pytest.param(SafeguardsWish(Rotation(False)), Safeguards(), [], id="no rotation, as it is"),
        pytest.param(
            SafeguardsWish(resource_policy=POLICY), Safeguards(), ["resource_policy"], id="first policy"
        ),
        pytest.param(
            SafeguardsWish(resource_policy={**POLICY, "Statement": POLICY["Statement"][0]}),
            Safeguards(resource_policy=POLICY),
            [],
            id="the same policy in other words",
        ),
        pytest.param(
            SafeguardsWish(resource_policy={}),
            Safeguards(resource_policy=POLICY),
            ["resource_policy"],
            id="no policy",
        ),
        pytest.param(SafeguardsWish(resource_policy={}), Safeguards(), [], id="no policy, as it is"),
    ],
)
def test_only_what_differs_is_a_change(wish: SafeguardsWish, current: Safeguards, changes: list[str]) -> None:
    assert list(plan_safeguards(wish, current).changes) == changes


def test_one_schedule_takes_the_place_of_the_other() -> None:
    after = Rotation(True, schedule_expression="rate(10 days)").after(DAYS)
    assert (after.lambda_arn, after.automatically_after_days) == (FUNCTION, None)


@pytest.mark.parametrize(
    ("rotation", "request_"),
    [
        pytest.param(
            DAYS,
            {
                "RotateImmediately": False,
                "RotationLambdaARN": FUNCTION,
                "RotationRules": {"AutomaticallyAfterDays": 30},
            },
            id="by a function",
        ),
        pytest.param(
            Rotation(True, automatically_after_days=7),
            {"RotateImmediately": False, "RotationRules": {"AutomaticallyAfterDays": 7}},
            id="by RDS",
        ),
    ],
)
def test_request(rotation: Rotation, request_: dict[str, t.Any]) -> None:
    assert rotation.request(at_once=False) == request_
