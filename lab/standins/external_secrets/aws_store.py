"""The AWS provider of External Secrets: from a store's service account to a secret's value.

Error texts are those of External Secrets 0.20 and of the AWS SDK for Go that it uses.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lab.standins.api.client import Api, ApiError
from lab.standins.api.kinds import CLUSTER_SECRET_STORE, SECRET_STORE, SERVICE_ACCOUNT
from lab.standins.api.objects import Object, is_ready

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sts import STSClient

ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
AUDIENCE_ANNOTATION = "eks.amazonaws.com/audience"
DEFAULT_AUDIENCE = "sts.amazonaws.com"


#: The endpoint is on this machine: what fails once fails again.
_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)


class StoreError(Exception):
    """A store cannot be used, or a secret cannot be read from it."""


class NoSuchSecretError(StoreError):
    """The provider has no such secret."""

    def __init__(self) -> None:
        super().__init__("Secret does not exist")


class Aws:
    """Clients of the AWS endpoint at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = boto3.Session()
        # Sessions are not safe for use by several threads; the clients that they make are.
        self._lock = threading.Lock()

    def sts(self, region: str) -> STSClient:
        """The token service, asked without a signature."""
        config = _CONFIG.merge(Config(signature_version=UNSIGNED))
        with self._lock:
            return self._session.client("sts", region_name=region, endpoint_url=self._url, config=config)

    def secrets_manager(self, region: str, credentials: Mapping[str, str]) -> SecretsManagerClient:
        """Secrets Manager, as the holder of `credentials`."""
        with self._lock:
            return self._session.client(
                "secretsmanager",
                region_name=region,
                endpoint_url=self._url,
                config=_CONFIG,
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"],
            )


@dataclass
class StoreClient:
    """What reads secrets for one store; knows who to be, and becomes that at the first use."""

    aws: Aws
    region: str
    role: str
    token: Callable[[], str]
    prefix: str = ""
    _documents: dict[tuple[str, str], str] = field(default_factory=dict)

    def validate(self) -> None:
        """Become the role. Raises StoreError. Whether that role may read any secret is not looked at."""
        self._credentials()

    def secret(self, reference: Mapping[str, Any]) -> str:
        """The value, or the property of it, that an ExternalSecret's remoteRef names. Raises StoreError."""
        key, wanted = reference["key"], reference.get("property") or ""
        document = self._document(self.prefix + key, reference.get("version") or "AWSCURRENT")
        if not wanted:
            return document
        found, value = _property(document, wanted)
        if not found:
            raise StoreError(f"key {wanted} does not exist in secret {key}")
        return value

    def secret_map(self, reference: Mapping[str, Any]) -> dict[str, str]:
        """All keys of a JSON secret. Raises StoreError."""
        try:
            document = json.loads(self.secret(reference))
        except ValueError as error:
            raise StoreError(f"unable to unmarshal secret {reference['key']}: {error}") from None
        if not isinstance(document, dict):
            kind = type(document).__name__
            raise StoreError(f"unable to unmarshal secret {reference['key']}: json: cannot unmarshal {kind}")
        return {key: _text(value) for key, value in document.items()}

    def _document(self, key: str, version: str) -> str:
        if (key, version) not in self._documents:
            self._documents[key, version] = self._fetch(key, version)
        return self._documents[key, version]

    def _fetch(self, key: str, version: str) -> str:
        stage = {"VersionId": version[5:]} if version.startswith("uuid/") else {"VersionStage": version}
        operation = "operation error Secrets Manager: GetSecretValue"
        try:
            client = self.aws.secrets_manager(self.region, self._credentials())
        except StoreError as error:
            raise StoreError(f"{operation}, get identity: get credentials: {error}") from error
        try:
            answer = client.get_secret_value(SecretId=key, **stage)
        except ClientError as error:
            if _means_absent(error):
                raise NoSuchSecretError from error
            raise StoreError(f"{operation}, {_go(error)}") from error
        except BotoCoreError as error:
            raise StoreError(f"{operation}, {error}") from error
        return answer["SecretString"] if "SecretString" in answer else answer["SecretBinary"].decode()

    def _credentials(self) -> dict[str, str]:
        cause = "failed to refresh cached credentials, failed to retrieve"
        try:
            token = self.token()
        except ApiError as error:
            text = "jwt from provide source, error creating service account token"
            raise StoreError(f"{cause} {text}: {error.message}") from error
        try:
            answer = self.aws.sts(self.region).assume_role_with_web_identity(
                RoleArn=self.role, RoleSessionName="external-secrets-provider-aws", WebIdentityToken=token
            )
        except ClientError as error:
            operation = "operation error STS: AssumeRoleWithWebIdentity"
            raise StoreError(f"{cause} credentials, {operation}, {_go(error)}") from error
        except BotoCoreError as error:
            raise StoreError(f"{cause} credentials, {error}") from error
        given = answer["Credentials"]
        return {key: str(given[key]) for key in ("AccessKeyId", "SecretAccessKey", "SessionToken")}


def open_store(api: Api, aws: Aws, store: Object, namespace: str) -> StoreClient:
    """A client for `store`, of either kind, as used from `namespace`. Raises StoreError."""
    provider = (store["spec"].get("provider") or {}).get("aws") or {}
    if provider.get("service") != "SecretsManager":
        raise StoreError(f"unknown AWS Provider Service: {provider.get('service', '')}")
    reference = ((provider.get("auth") or {}).get("jwt") or {}).get("serviceAccountRef")
    if not reference:
        raise StoreError(
            "the laboratory's External Secrets knows spec.provider.aws.auth.jwt.serviceAccountRef only"
        )
    if store["kind"] == CLUSTER_SECRET_STORE.name:
        namespace = reference.get("namespace") or namespace
    name = reference["name"]
    account = api.get(SERVICE_ACCOUNT, name, namespace)
    if account is None:
        raise StoreError(f'unable to create session: ServiceAccount "{name}" not found')
    annotations = account["metadata"].get("annotations") or {}
    role = annotations.get(ROLE_ANNOTATION)
    if not role:
        text = f"an IAM role must be associated with service account {name} (namespace: {namespace})"
        raise StoreError(f"unable to create session: {text}")
    audiences = [
        annotations.get(AUDIENCE_ANNOTATION) or DEFAULT_AUDIENCE,
        *(reference.get("audiences") or []),
    ]
    return StoreClient(
        aws=aws,
        region=provider["region"],
        role=role,
        token=lambda: api.token(namespace, name, audiences),
        prefix=provider.get("prefix") or "",
    )


def find_store(api: Api, reference: Mapping[str, Any], namespace: str) -> Object:
    """The store that an ExternalSecret refers to. Raises StoreError unless it is there and ready."""
    name, kind = reference["name"], reference.get("kind") or SECRET_STORE.name
    cluster = kind == CLUSTER_SECRET_STORE.name
    store = api.get(CLUSTER_SECRET_STORE, name) if cluster else api.get(SECRET_STORE, name, namespace)
    if store is None:
        group = "external-secrets.io"
        raise StoreError(f'could not get {kind} "{name}", {kind}.{group} "{name}" not found')
    if not is_ready(store):
        raise StoreError(f'{kind} "{name}" is not ready')
    return store


def _means_absent(error: ClientError) -> bool:
    code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    return code == "ResourceNotFoundException" or "marked for deletion" in text


def _go(error: ClientError) -> str:
    metadata, details = error.response["ResponseMetadata"], error.response["Error"]
    status, request = metadata["HTTPStatusCode"], metadata.get("RequestId", "")
    answer = f"https response error StatusCode: {status}, RequestID: {request}"
    return f"{answer}, api error {details['Code']}: {details.get('Message', '')}"


def _property(document: str, path: str) -> tuple[bool, str]:
    """A key as it is written, else a path of keys and list positions: the simple part of gjson."""
    try:
        value = json.loads(document)
    except ValueError:
        return False, ""
    for part in [path] if isinstance(value, dict) and path in value else path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return False, ""
    return True, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
