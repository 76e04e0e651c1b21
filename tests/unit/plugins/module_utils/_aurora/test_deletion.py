"""Names of final snapshots."""

from __future__ import annotations

import datetime

from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.deletion import snapshot_name


def test_a_final_snapshot_is_named_by_the_time_in_utc() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moment = datetime.datetime(2026, 11, 22, 1, 15, 0, tzinfo=zone)
    assert snapshot_name("demo", moment) == "demo-final-20261121231500"
