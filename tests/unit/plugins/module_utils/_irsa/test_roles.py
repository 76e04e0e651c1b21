# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change for an IAM role to become what the task asks for."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa import providers
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.api import IamError
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.roles import Role, RoleWish, plan


def policy(*actions: str) -> dict[str, t.Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }


TRUST, READ = policy("sts:AssumeRoleWithWebIdentity"), policy("secretsmanager:GetSecretValue")
CURRENT = Role(
    arn="arn:aws:iam::123456789012:role/demo",
    path="/",
    trust_policy=TRUST,
    description="demo",
    max_session_duration=3600,
    permissions_boundary="arn:boundary",
    inline_policies={"read": READ},
    managed_policies=("arn:managed",),
    tags={"project": "demo", "aws:x": "y"},
)
# One row per option: a value that the role has, and one that it has not.
OPTIONS: list[tuple[str, t.Any, t.Any]] = [
    ("trust_policy", {**TRUST, "Statement": TRUST["Statement"][0]}, policy("sts:AssumeRole")),
    ("description", "demo", ""),
    ("max_session_duration", 3600, 7200),
    ("permissions_boundary", "arn:boundary", ""),
    ("inline_policies", {"read": READ}, {"read": policy("s3:GetObject")}),
    ("inline_policies", {"read": READ}, {}),
    ("inline_policies", {"read": READ}, {"read": READ, "more": READ}),
    ("managed_policies", ("arn:managed",), ()),
    ("managed_policies", ("arn:managed",), ("arn:managed", "arn:more")),
    ("tags", {"project": "demo"}, {"team": "db"}),
]


@pytest.mark.parametrize(("option", "same", "other"), OPTIONS)
def test_only_what_differs_is_a_change(option: str, same: t.Any, other: t.Any) -> None:
    assert plan(RoleWish("demo", **{option: same}), CURRENT) == {}
    assert list(plan(RoleWish("demo", **{option: other}), CURRENT)) == [option]


def test_what_is_left_out_stays() -> None:
    assert plan(RoleWish("demo"), CURRENT) == {}


def test_a_single_action_is_a_list_of_one() -> None:
    short = {**READ, "Statement": [{**READ["Statement"][0], "Action": "secretsmanager:GetSecretValue"}]}
    assert plan(RoleWish("demo", inline_policies={"read": short}), CURRENT) == {}


def test_a_policy_of_somebody_else_is_named() -> None:
    current = dataclasses.replace(CURRENT, inline_policies={"read": READ, "back-door": policy("*")})
    before, after = plan(RoleWish("demo", inline_policies={"read": READ}), current)["inline_policies"]
    assert (list(before), list(after)) == (["back-door"], [])


def test_tags_of_aws_stay() -> None:
    _before, after = plan(RoleWish("demo", tags={"team": "db"}), CURRENT)["tags"]
    assert after == {"aws:x": "y", "team": "db"}


@pytest.mark.parametrize(
    ("wish", "current", "words"),
    [
        pytest.param(
            RoleWish("demo", path="/teams/"), CURRENT, "its path is /, not /teams/", id="another path"
        ),
        pytest.param(RoleWish("demo"), None, "a new one needs a trust_policy", id="no trust policy"),
    ],
)
def test_what_cannot_be_done_is_refused(wish: RoleWish, current: Role | None, words: str) -> None:
    with pytest.raises(IamError, match=words):
        plan(wish, current)


@pytest.mark.parametrize(
    ("found", "changes"),
    [
        pytest.param({"ClientIDList": ["sts.amazonaws.com"]}, [], id="all is there"),
        pytest.param({"ClientIDList": ["other"]}, ["client_ids"], id="another audience: it stays"),
        pytest.param(
            {"ClientIDList": ["sts.amazonaws.com"], "Tags": [{"Key": "a", "Value": "b"}]},
            [],
            id="tags of others stay",
        ),
    ],
)
def test_nothing_is_taken_from_a_provider(found: dict[str, t.Any], changes: list[str]) -> None:
    planned = providers.plan(found, ["sts.amazonaws.com"], None)
    assert list(planned) == changes
    for before, after in planned.values():
        assert set(before) <= set(after)
