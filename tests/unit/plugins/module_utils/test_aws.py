"""How calls to AWS are retried, and what is said when they fail."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import (
    AwsError,
    aws_call,
    aws_lookup,
    fail,
    same_key,
)
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError


class OrderError(AwsError):
    """An error of a service."""


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetOrder")


@aws_call(OrderError, "read order {number}")
def read(number: int, problems: list[Exception]) -> str:
    if problems:
        raise problems.pop(0)
    return "order"


@aws_lookup(OrderError, "find order {number}", "OrderNotFound")
def find(number: int, problem: Exception | None) -> str:
    if problem:
        raise problem
    return "order"


class Module:
    """Keeps what a module would say."""

    said: dict[str, t.Any]

    def fail_json(self, **said: t.Any) -> t.NoReturn:
        self.said = said
        raise SystemExit(1)

    def fail_json_aws_error(self, exception: Exception) -> t.NoReturn:
        self.said = {"msg": str(exception)}
        raise SystemExit(1)


def test_an_error_says_what_was_tried_on_what_and_what_came_back() -> None:
    with pytest.raises(OrderError) as raised:
        read(7, [refusal("AccessDenied", "not you")])
    assert str(raised.value) == (
        "Failed to read order 7: "
        "An error occurred (AccessDenied) when calling the GetOrder operation: not you"
    )
    assert raised.value.code == "AccessDenied"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("Throttling", id="as RDS says it"),
        pytest.param("ThrottlingException", id="as Secrets Manager says it"),
        pytest.param("RequestLimitExceeded", id="as EC2 says it"),
    ],
)
def test_throttling_is_retried(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    assert read(7, [refusal(code), refusal(code)]) == "order"
    assert len(pauses) == 2


def test_a_refusal_is_not_retried() -> None:
    problems: list[Exception] = [refusal("InvalidParameterValue"), refusal("Second")]
    with pytest.raises(OrderError):
        read(7, problems)
    assert len(problems) == 1


def test_a_lookup_answers_none_where_nothing_is() -> None:
    assert find(7, refusal("OrderNotFound")) is None
    assert find(7, None) == "order"


def test_a_lookup_hides_no_other_error() -> None:
    with pytest.raises(OrderError, match="find order 7"):
        find(7, refusal("AccessDenied"))


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        pytest.param(NoCredentialsError(), "Set AWS_PROFILE", id="no credentials"),
        pytest.param(refusal("ExpiredToken"), "Set AWS_PROFILE", id="a session that is over"),
        pytest.param(
            EndpointConnectionError(endpoint_url="http://x"), "Check network, region", id="no network"
        ),
        pytest.param(
            refusal("HttpEndpointNotEnabledException"), "secrets_application_login: false", id="no Data API"
        ),
        pytest.param(refusal("InvalidParameterValue", "0.3 is odd"), "0.3 is odd", id="AWS's own words"),
    ],
)
def test_a_failure_says_what_to_do(problem: Exception, hint: str) -> None:
    module = Module()
    with pytest.raises(SystemExit):
        fail(module, OrderError(message="Failed to read order 7", exception=problem))
    assert module.said["msg"].startswith("Failed to read order 7: ")
    assert hint in module.said["msg"]


ARN = "arn:aws:kms:eu-central-1:123456789012:key/1111-2222"


@pytest.mark.parametrize(
    ("wish", "current", "same"),
    [
        pytest.param(ARN, ARN, True, id="the ARN"),
        pytest.param("1111-2222", ARN, True, id="the id"),
        pytest.param("3333-4444", ARN, False, id="another id"),
        pytest.param("22", ARN, False, id="an ending is no id"),
        pytest.param("alias/aws/rds", ARN, True, id="an alias tells nothing"),
        pytest.param(ARN, None, False, id="no key yet"),
    ],
)
def test_names_of_one_key(wish: str, current: str | None, same: bool) -> None:
    assert same_key(wish, current) is same
