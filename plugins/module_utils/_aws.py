# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One way to call AWS: retried, and failing in sentences. PRIVATE: it may change at any time."""

from __future__ import annotations

import contextlib
import functools
import inspect
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

with contextlib.suppress(ImportError):  # AnsibleAWSModule reports the missing library before any call.
    from botocore import exceptions as botocore_exceptions

Arguments = t.ParamSpec("Arguments")
Answer = t.TypeVar("Answer")

# amazon.aws knows the others; these are the spellings that it does not.
RETRIED_CODES = ("ThrottlingException", "RequestThrottled", "InternalServiceError")
# How often a request is made whose connection is cut; botocore repeats each of them, too.
CUT_CONNECTIONS = 4

LOG_IN = "Set AWS_PROFILE to a profile that can log in, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
NO_CREDENTIALS = f"Could not reach AWS without credentials. {LOG_IN}"
# What to do, by the code of AWS's answer or the class of botocore's error.
HINTS = {
    "NoCredentialsError": NO_CREDENTIALS,
    "PartialCredentialsError": NO_CREDENTIALS,
    "CredentialRetrievalError": NO_CREDENTIALS,
    "TokenRetrievalError": NO_CREDENTIALS,
    "UnauthorizedSSOTokenError": NO_CREDENTIALS,
    "ExpiredToken": NO_CREDENTIALS,
    "ExpiredTokenException": NO_CREDENTIALS,
    "InvalidClientTokenId": NO_CREDENTIALS,
    "UnrecognizedClientException": NO_CREDENTIALS,
    "EndpointConnectionError": "Could not reach AWS. Check network, region, and endpoint if one is set.",
    "HttpEndpointNotEnabledException": (
        "The Data API of this cluster is off. Switch it on (aurora_data_api: true), or do without it: "
        "secrets_application_login: false, and postgres_exporter_database_access: job or none."
    ),
}


class AwsError(AnsibleAWSError):  # type: ignore[misc]  # amazon.aws has no type information
    """A call that AWS refused (`exception` is its answer), or a wish that cannot be met (it is None)."""

    message: str
    exception: Exception | None

    @property
    def code(self) -> str | None:
        """AWS's error code, such as DBClusterNotFoundFault."""
        return _code(self.exception)

    @property
    def answer(self) -> str:
        """What AWS said, in its words."""
        return str(self.exception or self.message)


def _code(problem: BaseException | None) -> str | None:
    response: Mapping[str, t.Any] = getattr(problem, "response", None) or {}
    code = response.get("Error", {}).get("Code")
    return None if code is None else str(code)


def aws_call(
    error: type[AwsError], description: str
) -> Callable[[Callable[Arguments, Answer]], Callable[Arguments, Answer]]:
    """Retry a function that makes one AWS call; when it is refused, raise `error`: "Failed to <description>".

    `description` may name the function's arguments: "describe cluster {cluster_id}". A request whose
    connection was cut may have been carried out: who makes a change looks again at what a refusal means.
    """

    def decorate(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
        signature = inspect.signature(function)
        retry = AWSRetry.jittered_backoff(
            retries=8, delay=1, max_delay=20, catch_extra_error_codes=list(RETRIED_CODES)
        )
        retried = t.cast("Callable[Arguments, Answer]", retry(_unbroken(function)))

        @functools.wraps(function)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
            try:
                return retried(*args, **kwargs)
            except (botocore_exceptions.ClientError, botocore_exceptions.BotoCoreError) as problem:
                what = description.format(**signature.bind(*args, **kwargs).arguments)
                raise error(message=f"Failed to {what}", exception=problem) from problem

        return call

    return decorate


def _unbroken(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Make a call again whose connection was cut."""

    @functools.wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        for _attempt in range(CUT_CONNECTIONS - 1):
            with contextlib.suppress(botocore_exceptions.ConnectionClosedError):
                return function(*args, **kwargs)
        return function(*args, **kwargs)

    return call


def aws_lookup(
    error: type[AwsError], description: str, *expected: str
) -> Callable[[Callable[Arguments, Answer]], Callable[Arguments, Answer | None]]:
    """As aws_call, but one of the codes `expected` is no error: the answer is None.

    Such as that what is looked for is not there; or that what is to be made is there already, which a request
    whose answer was lost has made.
    """

    def decorate(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer | None]:
        checked: Callable[Arguments, Answer] = aws_call(error, description)(function)

        @functools.wraps(function)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer | None:
            try:
                return checked(*args, **kwargs)
            except error as problem:
                if problem.code in expected:
                    return None
                raise

        return call

    return decorate


def same_key(wish: str, current: str | None) -> bool:
    """Whether two names mean one KMS key.

    AWS answers a key's ARN, whatever it was asked for; where an alias points, the answer does not say.
    """
    return "alias/" in wish or wish == current or str(current).endswith(f"/{wish}")


class Failing(t.Protocol):
    """What `fail` needs of an AnsibleAWSModule."""

    def fail_json(self, *, msg: str, **details: t.Any) -> t.NoReturn: ...

    def fail_json_aws_error(self, exception: Exception) -> t.NoReturn: ...


def fail(module: Failing, error: AwsError) -> t.NoReturn:
    """End the module with what was tried, what came back and, where it is known, what to do."""
    hint = HINTS.get(error.code or type(error.exception).__name__)
    if hint:
        module.fail_json(msg=f"{error.message}: {error.answer.rstrip('.')}. {hint}")
    module.fail_json_aws_error(error)
