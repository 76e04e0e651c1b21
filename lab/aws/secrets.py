"""Secrets Manager: deletion windows, secrets that RDS owns, and the ARN that a policy has to name."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.secretsmanager.models import SecretsManagerBackend, SecretsStore, secretsmanager_backends
from moto.secretsmanager.responses import SecretsManagerResponse

from lab.aws import policies
from lab.aws.faults import fault
from lab.aws.patches import Patches
from lab.settings import Settings

_ROTATION_DAYS = 7
_NEEDS_LIVE = (
    "get_secret_value",
    "put_secret_value",
    "update_secret",
    "rotate_secret",
    "cancel_rotate_secret",
    "put_resource_policy",
    "delete_secret",
    "tag_resource",
    "untag_resource",
    "update_secret_version_stage",
)
_OWNER_ONLY = ("put_secret_value", "update_secret", "delete_secret", "update_secret_version_stage")


@dataclass(frozen=True)
class Login:
    """What a secret says about a database user."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.username!r}, ********)"


def _once_more(original: Callable[..., Any], store: Any, key: str) -> Any:
    """Each begins with a walk through all secrets, which fails when another request adds one meanwhile."""
    while True:
        try:
            return original(store, key)
        except RuntimeError:
            continue


class Secrets:
    """The secrets of the laboratory's account and region."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def _backend(self) -> Any:
        return secretsmanager_backends[self._settings.account][self._settings.region]

    def install(self, patches: Patches) -> None:
        """Make moto refuse what AWS refuses, and stand requests at the same time."""
        for method in ("__contains__", "__getitem__", "get", "pop"):
            patches.around(SecretsStore, method, _once_more)
        patches.attribute(SecretsStore, "values", lambda store: list(dict.values(store)))
        patches.around(SecretsManagerResponse, "create_secret", self._create)
        patches.around(SecretsManagerResponse, "put_resource_policy", _refuse_public)
        patches.around(SecretsManagerBackend, "update_secret_version_stage", _follow_current)
        for method in _NEEDS_LIVE:
            patches.around(SecretsManagerResponse, method, self._guard(method))

    def resource(self, response: Any, action: str) -> str:
        """The ARN that the policies of a request have to name."""
        identifier = response._get_param("SecretId")
        if identifier:
            secret = self._find(identifier)
            return str(secret.arn) if secret else self._arn(identifier)
        name = response._get_param("Name")
        # A new secret gets six random characters, which policies write as "-??????".
        return self._arn(f"{name}-000000") if action == "CreateSecret" else "*"

    def policy(self, response: Any) -> dict[str, Any] | None:
        """The policy of the secret on which a request acts."""
        secret = self._find(response._get_param("SecretId") or "")
        return dict(json.loads(secret.policy)) if secret and secret.policy else None

    def _arn(self, identifier: str) -> str:
        if identifier.startswith("arn:"):
            return identifier
        return f"arn:aws:secretsmanager:{self._settings.region}:{self._settings.account}:secret:{identifier}"

    def _find(self, identifier: str) -> Any:
        return self._backend.secrets.get(identifier)

    def _create(self, original: Callable[[Any], Any], response: Any) -> Any:
        existing = self._find(response._get_param("Name"))
        if existing and existing.is_deleted():
            raise fault(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled "
                "for deletion.",
            )
        return original(response)

    def _guard(self, method: str) -> Callable[[Callable[[Any], Any], Any], Any]:
        def guarded(original: Callable[[Any], Any], response: Any) -> Any:
            secret = self._find(response._get_param("SecretId"))
            if secret and secret.is_deleted() and not response._get_param("ForceDeleteWithoutRecovery"):
                raise fault(
                    "InvalidRequestException",
                    "You can't perform this operation on the secret because it was marked for deletion.",
                )
            if secret and secret.owning_service and method in _OWNER_ONLY:
                raise fault(
                    "InvalidRequestException",
                    f"You can't change this secret: it is managed by {secret.owning_service}.",
                )
            if secret and method == "get_secret_value":
                self._require_key(response.lab_caller, secret)
            return original(response)

        return guarded

    def _require_key(self, caller: Any, secret: Any) -> None:
        key = secret.kms_key_id or ""
        if not key.startswith("arn:"):
            return
        context = {
            "kms:ViaService": [f"secretsmanager.{self._settings.region}.amazonaws.com"],
            "kms:EncryptionContext:SecretARN": [secret.arn],
        }
        if caller.may("kms:Decrypt", key, context) is not policies.Verdict.ALLOW:
            raise fault("AccessDeniedException", "Access to KMS is not allowed")

    def create_managed(self, cluster_arn: str, login: Login, kms_key_id: str | None) -> str:
        """Create the secret that RDS owns for a cluster; returns its ARN."""
        secret = self._backend.create_managed_secret(
            service_name="rds",
            secret_id=f"rds!cluster-{uuid.uuid4()}",
            secret_string=_document(login),
            description=f"The secret associated with the primary RDS DB cluster: {cluster_arn}",
            kms_key_id=kms_key_id,
            tags=[{"Key": "aws:rds:primaryDBClusterArn", "Value": cluster_arn}],
        )
        secret.rotation_requested = secret.rotation_enabled = True
        secret.auto_rotate_after_days = _ROTATION_DAYS
        secret.next_rotation_date = int(time.time()) + _ROTATION_DAYS * 86400
        return str(secret.arn)

    def replace_managed(self, arn: str, login: Login) -> None:
        """Give a secret that RDS owns a new current version."""
        self._backend.put_secret_value(arn, _document(login), None, str(uuid.uuid4()), ["AWSCURRENT"])
        self._backend.secrets[arn].last_rotation_date = int(time.time())

    def delete_managed(self, arn: str) -> None:
        """Delete a secret that RDS owns, at once."""
        self._backend.delete_secret(arn, None, True)

    def login(self, arn: str) -> Login | None:
        """The login in the secret `arn`; None when it cannot be found or is being deleted.

        Raises ValueError when the document has no user name and password.
        """
        secret = self._find(arn)
        if secret is None or secret.is_deleted():
            return None
        document = json.loads(secret.versions[secret.default_version_id].get("secret_string") or "null")
        try:
            return Login(str(document["username"]), str(document["password"]))
        except (TypeError, KeyError) as error:
            raise ValueError(f"{arn} is no JSON object with username and password") from error


def _follow_current(original: Callable[..., Any], backend: Any, *, secret_id: str, **details: Any) -> Any:
    """moto moves the label, and goes on answering with the version that had it."""
    answer = original(backend, secret_id=secret_id, **details)
    secret = backend.secrets[secret_id]
    current = [key for key, version in secret.versions.items() if "AWSCURRENT" in version["version_stages"]]
    secret.set_default_version_id(current[0])
    return answer


def _refuse_public(original: Callable[[Any], Any], response: Any) -> Any:
    document = json.loads(response._get_param("ResourcePolicy"))
    for statement in policies.as_list(document.get("Statement")):
        everybody = statement.get("Principal") in ("*", {"AWS": "*"})
        if statement.get("Effect") == "Allow" and everybody and not statement.get("Condition"):
            raise fault(
                "PublicPolicyException",
                "You have attempted to attach a resource policy that lets the public in.",
            )
    return original(response)


def _document(login: Login) -> str:
    return json.dumps({"username": login.username, "password": login.password})
