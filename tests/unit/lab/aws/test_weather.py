"""Bad weather: requests are throttled, answers are lost after the deed, and both end with the file."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from lab.aws.weather import bad_weather

ONE_TRY = Config(retries={"total_max_attempts": 1})


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        pytest.param("rds", "describe_db_clusters", "Throttling", id="RDS"),
        pytest.param("iam", "list_roles", "Throttling", id="IAM"),
        pytest.param("secretsmanager", "list_secrets", "ThrottlingException", id="Secrets Manager"),
        pytest.param("ec2", "describe_vpcs", "RequestLimitExceeded", id="EC2"),
    ],
)
def test_a_throttled_request_has_the_code_of_its_service(
    aws: Any, service: str, call: str, code: str
) -> None:
    client = aws.client(service, config=ONE_TRY)
    with bad_weather(aws.settings.state, throttled=1), pytest.raises(ClientError) as refused:
        getattr(client, call)()
    assert refused.value.response["Error"]["Code"] == code
    getattr(client, call)()


def test_a_lost_answer_is_that_of_a_deed_that_was_done(aws: Any) -> None:
    manager = aws.client("secretsmanager", config=ONE_TRY)
    with bad_weather(aws.settings.state, lost=1), pytest.raises(ConnectionClosedError):
        manager.create_secret(Name="lost-and-found", SecretString="{}")
    assert manager.describe_secret(SecretId="lost-and-found")["Name"] == "lost-and-found"


def test_a_share_is_a_share(aws: Any) -> None:
    client, codes = aws.client("iam", config=ONE_TRY), []
    with bad_weather(aws.settings.state, throttled=0.5, seed=1):
        for _request in range(20):
            try:
                client.list_roles()
                codes.append("")
            except ClientError as error:
                codes.append(error.response["Error"]["Code"])
    assert 4 <= codes.count("Throttling") <= 16
