"""What a role makes of another role's inputs, known or not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.role_variables import role_value

LOGIN, ACCESS = "secrets_application_login", "postgres_exporter_database_access"


@pytest.mark.parametrize(
    ("facts", "users"),
    [
        pytest.param({}, [], id="the role alone"),
        pytest.param({LOGIN: True, ACCESS: "data_api"}, [LOGIN, ACCESS], id="defaults"),
        pytest.param({LOGIN: "false", ACCESS: "job"}, [], id="a Job, and a word from the command line"),
        pytest.param({LOGIN: False, ACCESS: "none"}, [], id="somebody else"),
        pytest.param({LOGIN: True, ACCESS: "job"}, [LOGIN], id="the application's login"),
        pytest.param({LOGIN: False, ACCESS: "data_api"}, [ACCESS], id="the exporter's login"),
        pytest.param(
            {LOGIN: False, ACCESS: "data_api", "postgres_exporter_mode": "cloudwatch_only"},
            [],
            id="no exporter",
        ),
    ],
)
def test_who_needs_the_data_api(facts: dict[str, Any], users: list[str]) -> None:
    assert role_value("aurora", "__aurora_data_api_users", facts) == users


@pytest.mark.parametrize(
    ("facts", "namespaces"),
    [
        pytest.param({"grafana_dashboards_namespace": "shown"}, ["shown"], id="the role alone"),
        pytest.param({"stack_namespace": "shop"}, ["shop"], id="all in one namespace"),
        pytest.param(
            {"stack_namespace": "shop", "grafana_dashboards_namespace": "shown"},
            ["shown", "shop"],
            id="dashboards elsewhere",
        ),
        pytest.param(
            {"stack_namespace": "shop", "external_secrets_namespace": "synced"},
            ["shop", "synced"],
            id="external secrets elsewhere",
        ),
    ],
)
def test_where_other_stacks_of_the_dashboards_are(facts: dict[str, Any], namespaces: list[str]) -> None:
    assert role_value("grafana_dashboards", "__grafana_dashboards_stack_namespaces", facts) == namespaces
