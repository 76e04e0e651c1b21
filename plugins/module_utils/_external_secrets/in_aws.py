# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS says of a store's role and of the secrets that are read. PRIVATE: it may change at any time.

Values of secrets are dropped as soon as they are read: only the names of their keys are kept.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable

from ansible_collections.eks_observability.stack.plugins.module_utils._aws import (
    AwsError,
    aws_call,
    aws_lookup,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._eks.api import list_oidc_providers
from ansible_collections.eks_observability.stack.plugins.module_utils._eks.cluster import provider_of
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    SECRETS_MANAGER,
    AwsSeen,
    Case,
    Document,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.explanation import (
    Trust,
    account_of,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.api import (
    describe_secret,
    read_secret,
)

Clients = Callable[[str, str], t.Any]
"""clients(service, region) -> a boto3 client."""


class LookError(AwsError):
    """AWS did not say what was asked."""


@aws_lookup(LookError, "read role {name}", "NoSuchEntity", "NoSuchEntityException")
def get_role(client: t.Any, name: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", client.get_role(RoleName=name)["Role"])


@aws_call(LookError, "learn whose credentials these are")
def own_account(client: t.Any) -> str:
    return str(client.get_caller_identity()["Account"])


def look(clients: Clients, case: Case) -> tuple[AwsSeen, list[str]]:
    """What AWS says, and what it did not tell."""
    unseen: list[str] = []
    try:
        own = own_account(clients("sts", case.at.region))
        if not case.at.ready:
            faults = _role_faults(clients, case, own, unseen)
            return AwsSeen(role_faults=faults or (), role_fits=faults == []), unseen
        return AwsSeen(documents=_documents(clients, case, own, unseen)), unseen
    except AwsError as error:
        return AwsSeen(), [*unseen, _sentence(error)]


def _sentence(error: AwsError) -> str:
    return f"{error.message}: {error.answer}"


def _role_faults(clients: Clients, case: Case, own: str, unseen: list[str]) -> list[str] | None:
    """What certainly keeps the account from becoming its role, None where that was not looked at."""
    if not case.role or not case.account_name or _is_foreign(case.role, own, unseen):
        return None
    if not case.issuer:
        unseen.append(f"the issuer of the cluster is not known ({case.issuer_unseen})")
        return None
    client = clients("iam", case.at.region)
    found = get_role(client, case.role.rpartition("/")[2])
    if found is None:
        return [f"the role {case.role} does not exist"]
    provider = provider_of(case.issuer, list_oidc_providers(client))
    if provider is None:
        return [f"IAM has no OIDC provider for {case.issuer}"]
    role = {"arn": found["Arn"], "assume_role_policy_document": found["AssumeRolePolicyDocument"]}
    cluster = {"issuer": case.issuer, "oidc_provider_arn": provider}
    return Trust(cluster, *case.account_name, role, case.at.account or {}).refusals()


def _is_foreign(role: str, own: str, unseen: list[str]) -> bool:
    """Whether a role is of another account, where a name means something else than here."""
    account = account_of(role)
    if account in ("", own):
        return False
    unseen.append(f"AWS was not looked at: {role} is of account {account}, and the credentials are of {own}")
    return True


def _documents(clients: Clients, case: Case, own: str, unseen: list[str]) -> dict[str, Document]:
    """What the store keeps of what is asked for, by name; the role that reads is in its account."""
    if case.at.service != SECRETS_MANAGER:
        unseen.append(f"{case.at.keeper} was not looked at, only Secrets Manager would have been")
        return {}
    if _is_foreign(str(case.at.provider.get("role") or case.role), own, unseen):
        return {}
    manager = clients("secretsmanager", case.at.region)
    found: dict[str, Document] = {}
    for name in dict.fromkeys(case.document_of(source) for source in case.sources):
        try:
            found[name] = _document(manager, name, unseen)
        except AwsError as error:
            unseen.append(f"{_sentence(error)} (region {case.at.region})")
    return found


def _document(manager: t.Any, name: str, unseen: list[str]) -> Document:
    found = describe_secret(manager, name)
    if found is None:
        return Document()
    stages = frozenset(stage for each in found.get("VersionIdsToStages", {}).values() for stage in each)
    deleting = "DeletedDate" in found
    shape, readable, is_json = None, False, False
    if stages and not deleting:
        try:
            value = read_secret(manager, name)
            shape, is_json = _shape_of(value or {})
            readable = value is not None
        except AwsError as error:
            unseen.append(_sentence(error))
        except RecursionError:
            unseen.append(f"secret {name} nests too deep to be looked at")
    return Document(
        exists=True,
        deleting=deleting,
        versions=stages,
        readable=readable,
        shape=shape,
        is_json=is_json,
        tags=frozenset(tag["Key"] for tag in found.get("Tags", [])),
    )


def _shape_of(value: dict[str, t.Any]) -> tuple[t.Any, bool]:
    try:
        return _without_values(json.loads(value.get("SecretString") or value.get("SecretBinary") or "")), True
    except ValueError:
        return None, False


def _without_values(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _without_values(inner) for key, inner in value.items()}
    return [_without_values(inner) for inner in value] if isinstance(value, list) else None
