# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change for a parameter group to become what the task asks for."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._groups.api import GroupError
from ansible_collections.eks_observability.stack.plugins.module_utils._groups.parameters import (
    Parameter,
    ParameterGroupWish,
    plan_parameters,
)


def parameter(name: str, value: str | None, data_type: str = "string", **more: t.Any) -> Parameter:
    return Parameter(
        name=name,
        value=value,
        chosen=more.get("chosen", True),
        static=more.get("static", False),
        data_type=data_type,
        modifiable=more.get("modifiable", True),
    )


PARAMETERS = {
    each.name: each
    for each in (
        parameter("shared_preload_libraries", "pgaudit,pg_cron", "list", static=True),
        parameter("log_lock_waits", "1", "boolean"),
        parameter("log_min_duration_statement", "1000", "integer"),
        parameter("autovacuum_vacuum_scale_factor", "0.10", "float"),
        parameter("pg_stat_statements.track", "TOP"),
        parameter("log_statement", None, chosen=False),
        parameter("track_activity_query_size", "4096", "integer", static=True),
        parameter("server_version", "17", modifiable=False),
    )
}


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        pytest.param("shared_preload_libraries", "pg_cron", None, id="list: an item that is there"),
        pytest.param("shared_preload_libraries", "pg_cron,pgaudit", None, id="list: the order is not ours"),
        pytest.param(
            "shared_preload_libraries",
            ["pg_stat_statements"],
            "pgaudit,pg_cron,pg_stat_statements",
            id="list: added, the others stay",
        ),
        pytest.param("log_lock_waits", True, None, id="boolean: the same"),
        pytest.param("log_lock_waits", "on", None, id="boolean: the same in other words"),
        pytest.param("log_lock_waits", False, "0", id="boolean: off is a value"),
        pytest.param("log_min_duration_statement", 1000, None, id="number: the same"),
        pytest.param("log_min_duration_statement", 0, "0", id="number: 0 is a value"),
        pytest.param("autovacuum_vacuum_scale_factor", 0.1, None, id="number: the same in other digits"),
        pytest.param("pg_stat_statements.track", "ALL", "ALL", id="text: another"),
        pytest.param("log_statement", "ddl", "ddl", id="text: the first"),
        pytest.param("log_statement", "", "", id="text: empty is a value"),
    ],
)
def test_only_what_differs_is_set(name: str, value: t.Any, wanted: str | None) -> None:
    planned = plan_parameters(ParameterGroupWish("demo", parameters={name: value}), PARAMETERS)
    assert planned.set == ({} if wanted is None else {name: wanted})
    assert list(planned.changes) == ([] if wanted is None else [name])


@pytest.mark.parametrize(
    ("name", "reset"),
    [
        pytest.param("pg_stat_statements.track", True, id="chosen by somebody"),
        pytest.param("log_statement", False, id="the default already"),
    ],
)
def test_null_goes_back_to_the_default(name: str, reset: bool) -> None:
    planned = plan_parameters(ParameterGroupWish("demo", parameters={name: None}), PARAMETERS)
    assert planned.reset == ((name,) if reset else ())
    assert planned.set == {}


def test_what_waits_for_a_reboot_is_told_by_aws() -> None:
    wish = ParameterGroupWish("demo", parameters={"track_activity_query_size": 8192, "log_lock_waits": False})
    planned = plan_parameters(wish, PARAMETERS)
    assert planned.static == ("track_activity_query_size",)
    assert PARAMETERS["track_activity_query_size"].request("8192")["ApplyMethod"] == "pending-reboot"
    assert PARAMETERS["log_lock_waits"].request("0")["ApplyMethod"] == "immediate"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param(
            "log_lock_wait", "no parameter of this name. Did you mean log_lock_waits", id="a slip of the pen"
        ),
        pytest.param("server_version", "AWS lets nobody change it", id="fixed by AWS"),
    ],
)
def test_a_parameter_that_cannot_be_set_is_refused(name: str, words: str) -> None:
    with pytest.raises(GroupError, match=words):
        plan_parameters(ParameterGroupWish("demo", parameters={name: "1"}), PARAMETERS)
