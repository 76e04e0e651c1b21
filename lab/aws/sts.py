"""AssumeRoleWithWebIdentity: the token of a service account against provider, signature and trust policy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from moto.iam.models import iam_backends
from moto.sts.responses import TokenResponse

from lab.aws import policies
from lab.aws.faults import fault
from lab.aws.iam import PARTITION
from lab.aws.patches import Patches
from lab.settings import Settings

_ACTION = "sts:AssumeRoleWithWebIdentity"


class Issuer(Protocol):
    """Whoever signs the tokens of the laboratory's EKS cluster."""

    def jwks(self) -> dict[str, Any]:
        """Its public keys."""


class WebIdentity:
    """Exchanges tokens of one issuer for the credentials of roles."""

    def __init__(self, settings: Settings, issuer: Issuer) -> None:
        self._settings = settings
        self._issuer = issuer

    def install(self, patches: Patches) -> None:
        """Make moto's STS check what it is given."""
        patches.around(TokenResponse, "assume_role_with_web_identity", self._with_web_identity)
        patches.around(TokenResponse, "assume_role", self._assume_role)

    def _with_web_identity(self, original: Callable[[Any], Any], response: Any) -> Any:
        self.check(response._get_param("RoleArn"), response._get_param("WebIdentityToken"))
        return original(response)

    def _assume_role(self, original: Callable[[Any], Any], response: Any) -> Any:
        role_arn, caller = response._get_param("RoleArn"), response.lab_caller
        context = {"aws:PrincipalArn": [caller.arn]}
        account = f"arn:{PARTITION}:iam::{self._settings.account}:root"
        principals = [("AWS", caller.arn), ("AWS", account), ("AWS", self._settings.account)]
        trust = self._trust_policy(role_arn)
        if not any(policies.trusts(trust, "sts:AssumeRole", principal, context) for principal in principals):
            raise fault(
                "AccessDenied",
                f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
            )
        return original(response)

    def check(self, role_arn: str, token: str) -> None:
        """Raise what AWS answers unless `token` may become `role_arn`."""
        claims = _claims(token)
        issuer = str(claims.get("iss", ""))
        name = issuer.removeprefix("https://")
        provider = self._provider(issuer, name)
        if issuer != self._settings.issuer or not self._is_signed(token):
            raise fault(
                "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"
            )
        if float(claims.get("exp", 0)) <= time.time():
            raise fault(
                "ExpiredTokenException", "Token expired: current date/time must be before the expiration"
            )
        audiences = [str(audience) for audience in policies.as_list(claims.get("aud"))]
        if not set(audiences) & set(provider.client_id_list):
            raise fault("InvalidIdentityToken", "Incorrect token audience")
        context = {f"{name}:sub": [str(claims.get("sub", ""))], f"{name}:aud": audiences}
        if not policies.trusts(self._trust_policy(role_arn), _ACTION, ("Federated", provider.arn), context):
            raise fault("AccessDenied", f"Not authorized to perform {_ACTION}")

    def _provider(self, issuer: str, name: str) -> Any:
        backend = iam_backends[self._settings.account][PARTITION]
        for provider in backend.open_id_providers.values():
            if provider.url.removeprefix("https://") == name:
                return provider
        raise fault("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")

    def _is_signed(self, token: str) -> bool:
        keys: Any = self._issuer.jwks()
        try:
            jws.deserialize_compact(token, KeySet.import_key_set(keys), algorithms=["RS256"])
        except (JoseError, ValueError):
            return False
        return True

    def _trust_policy(self, role_arn: str) -> Mapping[str, Any]:
        # A role that does not exist is refused like one that does not trust the caller.
        for role in iam_backends[self._settings.account][PARTITION].roles.values():
            if role.arn == role_arn:
                document: Mapping[str, Any] = json.loads(role.assume_role_policy_document)
                return document
        return {}


def _claims(token: str) -> dict[str, Any]:
    try:
        claims = json.loads(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError) as error:
        raise fault("InvalidIdentityToken", "The ID Token provided is not a valid JWT.") from error
    if not isinstance(claims, dict):
        raise fault("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    return claims
