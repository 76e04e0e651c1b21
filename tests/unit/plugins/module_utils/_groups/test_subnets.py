# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change for a DB subnet group to become what the task asks for."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._groups.api import GroupError
from ansible_collections.eks_observability.stack.plugins.module_utils._groups.subnets import SubnetGroup, plan

CURRENT = SubnetGroup("demo", ("subnet-1", "subnet-2"), {"project": "demo", "aws:x": "y"})


@pytest.mark.parametrize(
    ("wish", "changes"),
    [
        pytest.param(SubnetGroup(None, None, None), [], id="left out"),
        pytest.param(
            SubnetGroup("demo", ("subnet-2", "subnet-1"), {"project": "demo"}), [], id="in another order"
        ),
        pytest.param(SubnetGroup("other", None, None), ["description"], id="description"),
        pytest.param(SubnetGroup(None, ("subnet-1", "subnet-3"), None), ["subnet_ids"], id="subnets"),
        pytest.param(SubnetGroup(None, None, {"team": "db"}), ["tags"], id="tags"),
        pytest.param(SubnetGroup(None, None, {}), ["tags"], id="no tags is a value"),
    ],
)
def test_only_what_differs_is_a_change(wish: SubnetGroup, changes: list[str]) -> None:
    assert list(plan(wish, CURRENT, purge_tags=True)) == changes


@pytest.mark.parametrize(("purge", "after"), [(True, {"aws:x": "y"}), (False, CURRENT.tags)])
def test_tags_of_others_are_only_purged_when_asked(purge: bool, after: t.Any) -> None:
    changes = plan(SubnetGroup(None, None, {}), CURRENT, purge_tags=purge)
    assert changes.get("tags", (None, CURRENT.tags))[1] == after


def test_a_new_group_needs_subnets() -> None:
    with pytest.raises(GroupError, match="needs a description and subnet_ids"):
        plan(SubnetGroup("demo", None, None), None, purge_tags=True)
