"""The AWS provider of External Secrets: from a store's service account to a secret's value.

Error texts are those of External Secrets 0.20 and of the AWS SDK for Go that it uses.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lab.standins.api.client import Api, ApiError
from lab.standins.api.kinds import CLUSTER_SECRET_STORE, NAMESPACE, SECRET_STORE, SERVICE_ACCOUNT
from lab.standins.api.label_selectors import matches
from lab.standins.api.objects import Object, is_ready, labels_of
from lab.standins.external_secrets import raw_json

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sts import STSClient

ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
AUDIENCE_ANNOTATION = "eks.amazonaws.com/audience"
DEFAULT_AUDIENCE = "sts.amazonaws.com"
#: The class of stores that a controller without a class of its own looks after.
OWN_CLASS = "default"
#: What these fields of a store would do, the laboratory does not; it refuses a store that has them.
UNSUPPORTED = ("role", "additionalRoles", "externalID", "sessionTags", "transitiveTagKeys")
UNSUPPORTED_PATH = re.compile(r"[*?#|@!{}\[\]()]")

#: The endpoint is on this machine: what fails once fails again.
_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)


class StoreError(Exception):
    """A store cannot be used, or a secret cannot be read from it."""


class NoSuchSecretError(StoreError):
    """The provider has no such secret."""

    def __init__(self) -> None:
        super().__init__("Secret does not exist")


class _AnswerError(StoreError):
    """AWS refused a request; `answer` is what it said."""

    def __init__(self, text: str, answer: ClientError) -> None:
        super().__init__(text)
        self.answer = answer


class Aws:
    """Clients of the AWS endpoint at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = boto3.Session()
        # Sessions are not safe for use by several threads; the clients that they make are.
        self._lock = threading.Lock()
        self._sts: dict[str, STSClient] = {}

    def sts(self, region: str) -> STSClient:
        """The token service, asked without a signature."""
        config = _CONFIG.merge(Config(signature_version=UNSIGNED))
        with self._lock:
            if region not in self._sts:
                self._sts[region] = self._session.client(
                    "sts", region_name=region, endpoint_url=self._url, config=config
                )
            return self._sts[region]

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
    _documents: dict[tuple[str, str, bool], str] = field(default_factory=dict)

    def validate(self) -> None:
        """Become the role. Raises StoreError. Whether that role may read any secret is not looked at."""
        self._credentials()

    def secret(self, reference: Mapping[str, Any]) -> str:
        """The value, or the property of it, that an ExternalSecret's remoteRef names. Raises StoreError.

        Bytes that are no UTF-8 are surrogates in it.
        """
        key, wanted = reference["key"], reference.get("property") or ""
        document = self._document(
            self.prefix + key,
            reference.get("version") or "AWSCURRENT",
            reference.get("metadataPolicy") == "Fetch",
        )
        if not wanted:
            return document
        if UNSUPPORTED_PATH.search(wanted):
            raise StoreError(f"the laboratory's External Secrets knows no query such as property {wanted}")
        value = raw_json.find(document, wanted)
        if value is None:
            raise StoreError(f"key {wanted} does not exist in secret {key}")
        return value

    def secret_map(self, reference: Mapping[str, Any]) -> dict[str, str]:
        """All keys of a JSON secret. Raises StoreError."""
        try:
            return raw_json.members(self.secret(reference))
        except ValueError as error:
            raise StoreError(f"unable to unmarshal secret {reference['key']}: {error}") from None

    def _document(self, key: str, version: str, tags: bool) -> str:
        if (key, version, tags) not in self._documents:
            fetch = self._fetch_tags if tags else self._fetch
            self._documents[key, version, tags] = fetch(key, version)
        return self._documents[key, version, tags]

    def _fetch(self, key: str, version: str) -> str:
        stage = {"VersionId": version[5:]} if version.startswith("uuid/") else {"VersionStage": version}
        try:
            answer = self._ask("GetSecretValue", lambda sm: sm.get_secret_value(SecretId=key, **stage))
        except _AnswerError as error:
            if _means_absent(error.answer):
                raise NoSuchSecretError from error
            raise
        if "SecretString" in answer:
            return str(answer["SecretString"])
        return bytes(answer["SecretBinary"]).decode(errors="surrogateescape")

    def _fetch_tags(self, key: str, _version: str) -> str:
        answer = self._ask("DescribeSecret", lambda client: client.describe_secret(SecretId=key))
        tags = {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}
        return json.dumps(tags, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _ask(self, action: str, request: Callable[[SecretsManagerClient], Any]) -> Any:
        operation = f"operation error Secrets Manager: {action}"
        try:
            client = self.aws.secrets_manager(self.region, self._credentials())
        except StoreError as error:
            raise StoreError(f"{operation}, get identity: get credentials: {error}") from error
        try:
            return request(client)
        except ClientError as error:
            raise _AnswerError(f"{operation}, {_go(error)}", error) from error
        except BotoCoreError as error:
            raise StoreError(f"{operation}, {error}") from error

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


def open_store(api: Api, aws: Aws, store: Object, namespace: str) -> StoreClient | None:
    """A client for `store`, of either kind, as used from `namespace`. Raises StoreError.

    None for a cluster store that belongs to no namespace yet: it reads as whoever uses it.
    """
    provider = (store["spec"].get("provider") or {}).get("aws") or {}
    reference = _account_of(provider)
    if store["kind"] == CLUSTER_SECRET_STORE.name:
        namespace = reference.get("namespace") or namespace
    if not namespace:
        return None
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


def _account_of(provider: Mapping[str, Any]) -> Mapping[str, Any]:
    unsupported = [name for name in UNSUPPORTED if provider.get(name)]
    if provider.get("service") != "SecretsManager":
        unsupported.append(f"service {provider.get('service', '')}")
    reference: Mapping[str, Any] | None = ((provider.get("auth") or {}).get("jwt") or {}).get(
        "serviceAccountRef"
    )
    if unsupported or not reference:
        raise StoreError(
            "the laboratory's External Secrets knows the service SecretsManager with "
            "auth.jwt.serviceAccountRef only" + (f", not {', '.join(unsupported)}" if unsupported else "")
        )
    return reference


def is_foreign(store: Object) -> bool:
    """Whether a store is for another controller than this."""
    return (store["spec"].get("controller") or OWN_CLASS) != OWN_CLASS


def get_store(api: Api, reference: Mapping[str, Any], namespace: str) -> Object | None:
    """The store that an ExternalSecret refers to, if there is one."""
    name = reference.get("name")
    if not name:
        return None
    if reference.get("kind") == CLUSTER_SECRET_STORE.name:
        return api.get(CLUSTER_SECRET_STORE, name)
    return api.get(SECRET_STORE, name, namespace)


def find_store(api: Api, reference: Mapping[str, Any], namespace: str) -> Object:
    """The store that an ExternalSecret refers to. Raises StoreError unless it may be used, and is ready."""
    name, kind = reference.get("name") or "", reference.get("kind") or SECRET_STORE.name
    store = get_store(api, reference, namespace)
    if store is None:
        group = "external-secrets.io"
        raise StoreError(f'could not get {kind} "{name}", {kind}.{group} "{name}" not found')
    if kind == CLUSTER_SECRET_STORE.name and not _admits(api, store, namespace):
        use = f'using cluster store "{name}" is not allowed from namespace "{namespace}"'
        raise StoreError(f"{use}: denied by spec.condition")
    if not is_ready(store):
        raise StoreError(f'{kind} "{name}" is not ready')
    return store


def _admits(api: Api, store: Object, namespace: str) -> bool:
    conditions = store["spec"].get("conditions") or []
    labels = labels_of(api.get(NAMESPACE, namespace) or {"metadata": {}}) if conditions else {}
    return not conditions or any(
        namespace in (condition.get("namespaces") or [])
        or any(re.search(pattern, namespace) for pattern in condition.get("namespaceRegexes") or [])
        or ("namespaceSelector" in condition and matches(condition["namespaceSelector"], labels))
        for condition in conditions
    )


def _means_absent(error: ClientError) -> bool:
    code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    # AWS's own answer for a secret that is scheduled for deletion has another code than the second one.
    return code == "ResourceNotFoundException" or (
        code == "InvalidParameterException" and "was marked for deletion" in text
    )


def _go(error: ClientError) -> str:
    metadata, details = error.response["ResponseMetadata"], error.response["Error"]
    status, request = metadata["HTTPStatusCode"], metadata.get("RequestId", "")
    answer = f"https response error StatusCode: {status}, RequestID: {request}"
    # The SDK for Go names errors of the service's model by their types alone; boto3 has classes for them.
    kind = "api error " if error.__class__ is ClientError else ""
    return f"{answer}, {kind}{details['Code']}: {details.get('Message', '')}"
