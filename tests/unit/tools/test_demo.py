# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from tools import demo

PREFIX = "2026-11-23 17:00:00,000 p=42 u=someone n=ansible INFO| "


def test_the_recap_is_added_up_over_all_stacks_and_ignores_what_tasks_print() -> None:
    log = "\n".join(
        PREFIX + line
        for line in (
            "ok: [a] => msg: b : ok=9 changed=9",
            "PLAY RECAP ****",
            "a    : ok=5    changed=4    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0   ",
            "b    : ok=2    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   ",
        )
    )
    assert demo.recap(log) == {
        "ok": 7,
        "changed": 4,
        "unreachable": 0,
        "failed": 0,
        "skipped": 1,
        "rescued": 0,
        "ignored": 0,
    }


@pytest.mark.parametrize(
    ("request_line", "counted"),
    [
        pytest.param({"service": "rds", "user": "arn:aws:iam::1:user/x"}, True, id="AWS: a user"),
        pytest.param(
            {"service": "sts", "user": "arn:aws:sts::1:assumed-role/x/y"}, False, id="AWS: a pod's role"
        ),
        pytest.param({"service": "sts", "user": None}, False, id="AWS: unsigned"),
        pytest.param({"verb": "get", "user": "lab-admin"}, True, id="Kubernetes: a user"),
        pytest.param(
            {"verb": "get", "user": "system:node:lab"}, False, id="Kubernetes: a part of the cluster"
        ),
    ],
)
def test_only_the_playbooks_own_requests_count(request_line: dict[str, Any], counted: bool) -> None:
    assert demo.is_playbooks(request_line) is counted
