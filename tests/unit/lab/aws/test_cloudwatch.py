"""Metrics that follow the real load."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from lab.waiting import wait_until

INSTANCE = {
    *(
        "ServerlessDatabaseCapacity",
        "ACUUtilization",
        "CPUUtilization",
        "FreeableMemory",
        "DatabaseConnections",
    ),
}
MEMBER = [{"Name": "DBInstanceIdentifier", "Value": "shared-1"}]
CLUSTER = [{"Name": "DBClusterIdentifier", "Value": "shared"}]


@pytest.fixture(scope="module")
def sampled(aws: Any, shared: dict[str, Any]) -> None:
    """The sampler has been here."""
    aws.endpoint._sampler.sample()
    aws.endpoint._sampler.sample()


def newest(aws: Any, metric: str, dimensions: list[dict[str, str]]) -> float:
    now = datetime.datetime.now(datetime.UTC)
    points = aws.cloudwatch.get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName=metric,
        Dimensions=dimensions,
        StartTime=now - datetime.timedelta(minutes=5),
        EndTime=now + datetime.timedelta(minutes=1),
        Period=1,
        Statistics=["Average"],
    )["Datapoints"]
    return float(max(points, key=lambda point: point["Timestamp"])["Average"])


@pytest.mark.usefixtures("sampled")
class TestMetrics:
    @pytest.mark.parametrize(
        ("dimensions", "expected"),
        [
            pytest.param(MEMBER, INSTANCE, id="per member"),
            pytest.param(CLUSTER, INSTANCE | {"VolumeBytesUsed"}, id="per cluster"),
        ],
    )
    def test_list(self, aws: Any, dimensions: list[dict[str, str]], expected: set[str]) -> None:
        found = aws.cloudwatch.list_metrics(Namespace="AWS/RDS", Dimensions=dimensions)["Metrics"]
        names = {metric["MetricName"] for metric in found if metric["Dimensions"] == dimensions}
        assert names == expected

    def test_values(self, aws: Any) -> None:
        assert 0.5 <= newest(aws, "ServerlessDatabaseCapacity", MEMBER) <= 2.0
        assert 0 <= newest(aws, "CPUUtilization", MEMBER) <= 100
        assert 0 < newest(aws, "FreeableMemory", MEMBER) < 4 * 2**30
        assert newest(aws, "VolumeBytesUsed", CLUSTER) > 2**20

    def test_metric_data(self, aws: Any) -> None:
        now = datetime.datetime.now(datetime.UTC)
        query = {
            "Id": "acu",
            "MetricStat": {
                "Metric": {"Namespace": "AWS/RDS", "MetricName": "ACUUtilization", "Dimensions": MEMBER},
                "Period": 60,
                "Stat": "Average",
            },
        }
        (result,) = aws.cloudwatch.get_metric_data(
            MetricDataQueries=[query],
            StartTime=now - datetime.timedelta(minutes=5),
            EndTime=now + datetime.timedelta(minutes=1),
        )["MetricDataResults"]
        assert all(25 <= value <= 100 for value in result["Values"])
        assert result["Values"]

    def test_connections_are_counted(self, aws: Any, shared: dict[str, Any]) -> None:
        master = aws.master(shared)
        sessions = [aws.login(shared, master["username"], master["password"]) for _index in range(3)]

        def sample() -> float:
            aws.endpoint._sampler.sample()
            return newest(aws, "DatabaseConnections", MEMBER)

        try:
            wait_until(lambda: sample() >= 3, what="three connections", timeout=5)
        finally:
            for session in sessions:
                session.close()
