"""CloudWatch in the protocol of newer SDKs."""

from __future__ import annotations

import datetime
from typing import Any

import botocore.model
import pytest

from lab.aws import cbor

MEMBER = [{"Name": "DBInstanceIdentifier", "Value": "shared-1"}]


@pytest.fixture(scope="module")
def cloudwatch(aws: Any, shared: dict[str, Any]) -> Any:
    """A client that prefers CBOR, as other SDKs than Python's do."""
    aws.endpoint._sampler.sample()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.model, "PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", (cbor.PROTOCOL,))
        client = aws.client("cloudwatch")
        assert client.meta.service_model.resolved_protocol == cbor.PROTOCOL
    return client


def window() -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC)
    return {
        "StartTime": now - datetime.timedelta(minutes=5),
        "EndTime": now + datetime.timedelta(minutes=1),
    }


def test_list_of_metrics(cloudwatch: Any) -> None:
    found = cloudwatch.list_metrics(Namespace="AWS/RDS", MetricName="ACUUtilization")["Metrics"]
    assert {"Namespace": "AWS/RDS", "MetricName": "ACUUtilization", "Dimensions": MEMBER} in found


def test_data(cloudwatch: Any) -> None:
    metric = {"Namespace": "AWS/RDS", "MetricName": "FreeableMemory", "Dimensions": MEMBER}
    query = {"Id": "memory", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Minimum"}}
    (result,) = cloudwatch.get_metric_data(MetricDataQueries=[query], **window())["MetricDataResults"]
    age = datetime.datetime.now(datetime.UTC) - result["Timestamps"][0]
    assert (result["Id"], result["StatusCode"]) == ("memory", "Complete")
    assert result["Values"][0] > 2**30
    assert age < datetime.timedelta(minutes=10)


def test_statistics(cloudwatch: Any) -> None:
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="VolumeBytesUsed",
        Dimensions=[{"Name": "DBClusterIdentifier", "Value": "shared"}],
        Period=300,
        Statistics=["Average"],
        **window(),
    )
    assert answer["Datapoints"][0]["Average"] > 0


def test_refusals_have_their_code(aws: Any, cloudwatch: Any, refusal: Any) -> None:
    wrong = aws.client("cloudwatch", (aws.endpoint.credentials[0], "wrong"))
    assert refusal(wrong.list_metrics)[0] == "InvalidSignatureException"
    code, message = refusal(cloudwatch.describe_anomaly_detectors)
    assert (code, "cloudwatch:DescribeAnomalyDetectors" in message) == ("InvalidAction", True)


def test_the_other_protocol_is_still_spoken(aws: Any) -> None:
    assert aws.client("cloudwatch").meta.service_model.resolved_protocol == "json"
    assert aws.client("cloudwatch").list_metrics(Namespace="AWS/RDS")["Metrics"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a": [1, -1, 23, 24, 255, 256, 65536, 2**40, -(2**33)]}, id="whole numbers"),
        pytest.param([1.5, float("inf"), -0.25], id="floating point"),
        pytest.param({"text": "Größe", "long": "x" * 300, "yes": True, "no": False}, id="text and truth"),
        pytest.param({"at": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)}, id="time"),
    ],
)
def test_what_is_encoded_is_decoded(value: Any) -> None:
    assert cbor.decode(cbor.encode(value)) == value


def test_what_is_none_is_left_out() -> None:
    assert cbor.decode(cbor.encode({"a": None, "b": 1})) == {"b": 1}
