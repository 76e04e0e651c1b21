"""The gate that every request passes: who signed it, and whether IAM lets them."""

from __future__ import annotations

import hmac
import io
import json
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from moto.core import errors
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model, utcnow
from moto.iam.access_control import CreateAccessKeyFailure, IAMPolicy, create_access_key
from moto.iam.exceptions import NotFoundException
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.sts.models import sts_backends

from lab.aws import policies
from lab.aws.faults import Fault, fault
from lab.aws.patches import Patches
from lab.aws.request_log import RequestLog, is_mutating
from lab.aws.weather import Weather
from lab.settings import Settings

PARTITION = "aws"
_BODY = "lab.body"
_LOST = "lab.lost"
_UNSIGNED = {"AssumeRoleWithWebIdentity"}
_ALWAYS_ALLOWED = {"sts:GetCallerIdentity"}
_GLOBAL = {"iam", "sts"}
#: Services whose actions have another prefix in policies than moto's name.
_PREFIXES = {"resourcegroupstaggingapi": "tag"}
#: Code of an error in the three ways in which services write it: EC2, query (XML) and JSON.
_CODES = {
    "denied": ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException"),
    "unknown key": ("AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"),
    "signature": ("AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException"),
    "expired": ("RequestExpired", "ExpiredToken", "ExpiredTokenException"),
    "unsigned": ("AuthFailure", "MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    "throttled": ("RequestLimitExceeded", "Throttling", "ThrottlingException"),
}

#: The ARN on which a request acts, where policies of the laboratory name single resources.
ResourceOf = Callable[[Any, str], str]
#: The policy of the resource on which a request acts; None where it has none.
PolicyOf = Callable[[Any], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Caller:
    """Who signed a request, and the policies that speak for them."""

    arn: str
    documents: list[Mapping[str, Any]]
    #: Of an assumed role, the role; else the same as `arn`.
    principal: str

    def may(self, action: str, resource: str, context: policies.Context | None = None) -> policies.Verdict:
        """What the caller's policies say about `action` on `resource`."""
        keys = {"aws:PrincipalArn": [self.principal], **(context or {})}
        return policies.decide(self.documents, action, resource, keys)


@dataclass(frozen=True)
class _Signature:
    """The Authorization header of signature version 4."""

    key_id: str
    region: str
    service: str
    headers: list[str]
    value: str

    @classmethod
    def parse(cls, header: str) -> _Signature | None:
        parts = dict(part.strip().partition("=")[::2] for part in header.partition(" ")[2].split(","))
        scope = parts.get("Credential", "").split("/")
        if len(scope) != 5:
            return None
        return cls(
            scope[0],
            scope[2],
            scope[3],
            parts.get("SignedHeaders", "").split(";"),
            parts.get("Signature", ""),
        )


class Gate:
    """Authenticates, authorises and logs the requests of one endpoint."""

    def __init__(self, settings: Settings, log: RequestLog, weather: Weather) -> None:
        self._settings = settings
        self._log = log
        self._weather = weather
        self.resources: dict[str, ResourceOf] = {}
        self.resource_policies: dict[str, PolicyOf] = {}
        # moto walks through users and roles, also while another request adds one.
        self._identities = threading.RLock()

    def install(self, patches: Patches) -> None:
        """Put the gate in front of all services."""
        patches.around(DomainDispatcherApplication, "__call__", _keep_body)
        patches.around(BaseResponse, "call_action", self._call_action)
        # Every service knows these codes, but no model lists them, of which moto would warn.
        codes = [code for family in _CODES.values() for code in family]
        patches.attribute(errors, "COMMON_ERROR_CODES", [*errors.COMMON_ERROR_CODES, *codes, "InvalidAction"])
        patches.attribute(BaseResponse, "get_current_account", lambda response: self._settings.account)

    def _call_action(self, original: Callable[[Any], Any], response: Any) -> Any:
        action = response._get_action() or ""
        caller: Caller | None = None
        try:
            if self._weather.throttles():
                raise _refusal(response, "throttled", "Rate exceeded")
            if action not in _UNSIGNED:
                caller = self._authenticate(response)
                self._authorize(response, caller, action)
            response.lab_caller = caller
            with self._identities if response.service_name in _GLOBAL else nullcontext():
                answer = original(response)
        except ServiceException as error:
            _status, headers, body = response.serialized(ActionResult(error))
            status = 400 if _protocol(response) == "json" else 403
            answer = status, {**headers, "status": str(status)}, body
        except NotImplementedError:
            unknown = fault("InvalidAction", f"The laboratory has no {response.service_name}:{action}.")
            answer = response.serialized(ActionResult(unknown))
        sql = response._get_param("sql") if response.service_name == "rds-data" else None
        self._log.write(response.service_name, action, caller.arn if caller else None, int(answer[0]), sql)
        if is_mutating(action, sql) and self._weather.loses_answer():
            response.normalized_request.environ[_LOST] = True
        return answer

    def _authenticate(self, response: Any) -> Caller:
        signature = _Signature.parse(response.headers.get("Authorization", ""))
        if signature is None:
            raise _refusal(response, "unsigned", "Request is missing Authentication Token")
        invalid = _refusal(response, "unknown key", "The security token included in the request is invalid.")
        try:
            with self._identities:
                key = create_access_key(self._settings.account, PARTITION, signature.key_id, response.headers)
                documents = [IAMPolicy(policy)._policy_json for policy in key.collect_policies()]
        except (CreateAccessKeyFailure, NotFoundException) as error:
            raise invalid from error
        if not hmac.compare_digest(_sign(response, signature, key.create_credentials()), signature.value):
            raise _refusal(
                response,
                "signature",
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method.",
            )
        session = sts_backends[self._settings.account][PARTITION].get_assumed_role_from_access_key(
            signature.key_id
        )
        if session and session.expiration < utcnow():
            raise _refusal(response, "expired", "The security token included in the request is expired")
        if signature.region != self._settings.region and response.service_name not in _GLOBAL:
            # As in a region that the account has not enabled.
            raise _refusal(
                response,
                "unknown key",
                f"The security token included in the request is invalid in {signature.region}: "
                f"the laboratory is in {self._settings.region}.",
            )
        return Caller(key.arn, documents, str(session.role_arn) if session else key.arn)

    def _authorize(self, response: Any, caller: Caller, action: str) -> None:
        resource_of = self.resources.get(response.service_name)
        resource = resource_of(response, action) if resource_of else "*"
        prefix = _PREFIXES.get(response.service_name, response.service_name)
        self.require(response, caller, f"{prefix}:{action}", resource)

    def require(self, response: Any, caller: Caller, action: str, resource: str) -> None:
        """Raise what AWS answers when the caller may not do `action` on `resource`."""
        verdict = caller.may(action, resource)
        shut_out = self._shuts_out(response, caller, action, resource)
        if (verdict is policies.Verdict.ALLOW and not shut_out) or action in _ALWAYS_ALLOWED:
            return
        if verdict is policies.Verdict.NOTHING:
            reason = f"because no identity-based policy allows the {action} action"
        else:
            kind = "a resource" if shut_out else "an identity"
            reason = f"with an explicit deny in {kind}-based policy"
        on = "" if resource == "*" else f" on resource: {resource}"
        raise _refusal(
            response, "denied", f"User: {caller.arn} is not authorized to perform: {action}{on} {reason}"
        )

    def _shuts_out(self, response: Any, caller: Caller, action: str, resource: str) -> bool:
        """Whether the resource's own policy denies it to a caller of the same account."""
        policy_of = self.resource_policies.get(response.service_name)
        policy = policy_of(response) if policy_of else None
        if policy is None:
            return False
        context = {"aws:PrincipalArn": [caller.principal]}
        return policies.denies(policy, action, resource, caller.principal, context)


def _keep_body(original: Callable[..., Any], app: Any, environ: dict[str, Any], start_response: Any) -> Any:
    # moto parses a form and forgets its bytes, but the signature is over the bytes.
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ[_BODY] = body
    environ["wsgi.input"] = io.BytesIO(body)
    if "HTTP_AUTHORIZATION" not in environ and not _may_be_unsigned(body):
        return _refuse_unsigned(environ, start_response)
    answer = original(app, environ, start_response)
    if environ.get(_LOST):
        # The server takes this for a client that has gone, and would wait for its next request.
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError("an answer is lost")
    return answer


def _may_be_unsigned(body: bytes) -> bool:
    form = parse_qs(body.decode(errors="replace"))
    return bool(_UNSIGNED.intersection(form.get("Action", [])))


def _refuse_unsigned(environ: Mapping[str, Any], start_response: Any) -> list[bytes]:
    # Without a signature moto cannot tell the service, and takes S3.
    message = "Request is missing Authentication Token"
    _of_ec2, query, json_code = _CODES["unsigned"]
    if "HTTP_X_AMZ_TARGET" in environ:
        text = json.dumps({"__type": json_code, "message": message})
        kind = "application/x-amz-json-1.1"
    else:
        error = f"<Error><Type>Sender</Type><Code>{query}</Code><Message>{message}</Message></Error>"
        text, kind = f"<ErrorResponse>{error}</ErrorResponse>", "text/xml"
    start_response("403 Forbidden", [("Content-Type", kind), ("Content-Length", str(len(text)))])
    return [text.encode()]


def _sign(response: Any, signature: _Signature, credentials: Any) -> str:
    query = f"?{response.parsed_url.query}" if response.parsed_url.query else ""
    headers = {name: response.headers[name] for name in signature.headers if name in response.headers}
    request = AWSRequest(
        method=response.method,
        url=response.raw_path + query,
        data=response.normalized_request.environ[_BODY],
        headers=headers,
    )
    request.context["timestamp"] = response.headers.get("X-Amz-Date", "")
    signer = SigV4Auth(credentials, signature.service, signature.region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


def _protocol(response: Any) -> str:
    model = get_service_model(response.boto3_service_name)
    return str(response.determine_response_protocol(model))


def _refusal(response: Any, kind: str, message: str) -> Fault:
    ec2, query, json_code = _CODES[kind]
    return fault({"ec2": ec2, "query": query}.get(_protocol(response), json_code), message)
