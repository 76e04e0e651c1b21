"""The profiles sample_app and yace, on pages as these programs write them."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.loading import load
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse
from ansible_collections.eks_observability.stack.plugins.plugin_utils import _profiles

SAMPLE_APP = """\
# TYPE app_build_info gauge
app_build_info{version="1.4.0"} 1
# TYPE app_db_queries_total counter
app_db_queries_total{operation="insert",status="ok"} 7
app_db_queries_total{operation="insert",status="error"} 0
# TYPE app_db_query_duration_seconds histogram
app_db_query_duration_seconds_bucket{operation="insert",status="ok",le="+Inf"} 7
app_db_query_duration_seconds_sum{operation="insert",status="ok"} 0.5
app_db_query_duration_seconds_count{operation="insert",status="ok"} 7
# TYPE app_db_rows_total counter
app_db_rows_total{operation="insert"} 7
# TYPE app_db_pool_connections gauge
app_db_pool_connections{state="in_use"} 1
app_db_pool_connections{state="idle"} 3
# TYPE app_db_pool_min_size gauge
app_db_pool_min_size 1
# TYPE app_db_pool_max_size gauge
app_db_pool_max_size 10
# TYPE app_db_pool_wait_seconds histogram
app_db_pool_wait_seconds_bucket{le="+Inf"} 0
app_db_pool_wait_seconds_sum 0
app_db_pool_wait_seconds_count 0
# TYPE app_db_pool_timeouts_total counter
app_db_pool_timeouts_total 0
# TYPE app_db_credentials_reloads_total counter
app_db_credentials_reloads_total 0
"""

YACE = """\
# TYPE yace_cloudwatch_requests_total counter
yace_cloudwatch_requests_total{api_name="GetMetricData"} 1
# TYPE yace_cloudwatch_getmetricdata_metrics_requested_total counter
yace_cloudwatch_getmetricdata_metrics_requested_total 11
# TYPE aws_rds_serverless_database_capacity_average gauge
aws_rds_serverless_database_capacity_average{dimension_DBInstanceIdentifier="orders-1"} 0.5
aws_rds_serverless_database_capacity_average{dimension_DBInstanceIdentifier="orders-2"} 2
# TYPE aws_rds_acuutilization_average gauge
aws_rds_acuutilization_average{dimension_DBInstanceIdentifier="orders-1"} 12.5
aws_rds_acuutilization_average{dimension_DBInstanceIdentifier="orders-2"} 50
# TYPE aws_rds_cpuutilization_average gauge
aws_rds_cpuutilization_average{dimension_DBInstanceIdentifier="orders-1"} 4
aws_rds_cpuutilization_average{dimension_DBInstanceIdentifier="orders-2"} 0
# TYPE aws_rds_freeable_memory_average gauge
aws_rds_freeable_memory_average{dimension_DBInstanceIdentifier="orders-1"} 1e+09
aws_rds_freeable_memory_average{dimension_DBInstanceIdentifier="orders-2"} 2e+09
# TYPE aws_rds_database_connections_average gauge
aws_rds_database_connections_average{dimension_DBInstanceIdentifier="orders-1"} 3
aws_rds_database_connections_average{dimension_DBInstanceIdentifier="orders-2"} 0
# TYPE aws_rds_volume_bytes_used_average gauge
aws_rds_volume_bytes_used_average{dimension_DBClusterIdentifier="orders"} 4e+07
"""
# Of paused instances AWS tells three metrics, which are 0, and no more.
PAUSED = re.sub(r"(?m)^(aws_rds_(?:serverless|acu|cpu).*) .*$", r"\1 0", YACE)
PAUSED = re.sub(r"(?m)^(aws_rds_(?:freeable|database).*) .*$", r"\1 NaN", PAUSED)
CLUSTER = {"db_cluster": "orders", "instances": ["orders-1", "orders-2"]}


def judged(name: str, text: str, **variables: t.Any) -> list[Check]:
    profile = load(_profiles.load(name, find=str), variables)
    return list(profile.judge(profile.pages(parse(text.encode()), None)))


def failed(checks: list[Check]) -> list[str]:
    return [check.id for check in checks if check.status == "fail"]


@pytest.mark.parametrize(
    ("name", "text", "variables"),
    [
        pytest.param("sample_app", SAMPLE_APP, {}, id="sample_app"),
        pytest.param(
            "sample_app", SAMPLE_APP, {"version": "1.4", "max_pool_size": 10}, id="with all variables"
        ),
        pytest.param("yace", YACE, CLUSTER, id="yace"),
        pytest.param("yace", PAUSED, {**CLUSTER, "pauses": True}, id="yace on a cluster that is paused"),
        pytest.param("yace", YACE, {**CLUSTER, "pauses": True}, id="yace on one that has resumed"),
    ],
)
def test_a_healthy_page_passes(name: str, text: str, variables: dict[str, t.Any]) -> None:
    assert {check.status for check in judged(name, text, **variables)} == {"pass"}


@pytest.mark.parametrize(
    ("old", "new", "ids"),
    [
        pytest.param("app_build_info", "other_build_info", ["version", "app_build_info"], id="another page"),
        pytest.param('"1.4.0"', '"1.3.9"', ["version"], id="an old image"),
        pytest.param("max_size 10", "max_size 50", ["size of the pool"], id="a pool that is too big"),
        pytest.param('state="idle"', 'state="waiting"', ["idle connections"], id="no idle connections"),
        pytest.param(
            "app_db_rows_total counter", "app_db_rows_total gauge", ["app_db_rows_total"], id="another type"
        ),
    ],
)
def test_a_fault_of_the_application_is_named(old: str, new: str, ids: list[str]) -> None:
    assert old in SAMPLE_APP
    assert failed(judged("sample_app", SAMPLE_APP.replace(old, new), version="1.4", max_pool_size=10)) == ids


@pytest.mark.parametrize(
    ("old", "new", "ids"),
    [
        pytest.param('"orders-2"} 2\n', '"orders-2"} NaN\n', ["capacity[orders-2]"], id="no datapoint"),
        pytest.param('"orders-1"} 4\n', '"other"} 4\n', ["cpu[orders-1]"], id="an instance is missing"),
        pytest.param('="orders"}', '="other"}', ["storage"], id="another cluster"),
        pytest.param(
            '"GetMetricData"} 1', '"GetMetricData"} 0', ["yace_cloudwatch_requests_total"], id="idle"
        ),
    ],
)
def test_a_fault_of_yace_is_named(old: str, new: str, ids: list[str]) -> None:
    assert old in YACE
    assert failed(judged("yace", YACE.replace(old, new), **CLUSTER)) == ids


def test_a_cluster_that_does_not_pause_has_all_values() -> None:
    assert failed(judged("yace", PAUSED, **CLUSTER)) == [
        *("memory[orders-1]", "memory[orders-2]", "connections[orders-1]", "connections[orders-2]")
    ]


def test_failed_requests_of_yace_are_a_warning() -> None:
    text = (
        YACE
        + '# TYPE yace_cloudwatch_request_errors counter\nyace_cloudwatch_request_errors{api_name="x"} 2\n'
    )
    (check,) = [check for check in judged("yace", text, **CLUSTER) if check.status != "pass"]
    assert (check.id, check.status) == ("yace_cloudwatch_request_errors", "warn")
    assert "cloudwatch:GetMetricData" in check.hint
