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

from ansible_collections.eks_observability.stack.plugins.module_utils._aws import AwsError, aws_lookup
from ansible_collections.eks_observability.stack.plugins.module_utils._eks.api import list_oidc_providers
from ansible_collections.eks_observability.stack.plugins.module_utils._eks.cluster import provider_of
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    AwsSeen,
    Case,
    Document,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.explanation import faults
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


def look(clients: Clients, case: Case) -> tuple[AwsSeen, list[str]]:
    """What AWS says, and what it did not tell."""
    unseen: list[str] = []
    try:
        role_faults = [] if case.at.ready else _role_faults(clients("iam", case.at.region), case)
    except AwsError as error:
        role_faults = []
        unseen.append(_sentence(error))
    documents: dict[str, Document] = {}
    if case.at.ready:
        manager = clients("secretsmanager", case.at.region)
        for name in dict.fromkeys(case.document_of(source) for source in case.seen.sources):
            try:
                documents[name] = _document(manager, name, unseen)
            except AwsError as error:
                unseen.append(f"{_sentence(error)} (region {case.at.region})")
    return AwsSeen(role_faults, documents), unseen


def _sentence(error: AwsError) -> str:
    return f"{error.message}: {error.answer}"


def _role_faults(client: t.Any, case: Case) -> list[str]:
    if not case.role or not case.issuer or not case.account_name:
        return []
    found = get_role(client, case.role.rpartition("/")[2])
    if found is None:
        return [f"the role {case.role} does not exist"]
    provider = provider_of(case.issuer, list_oidc_providers(client))
    if provider is None:
        return [f"IAM has no OIDC provider for {case.issuer}"]
    role = {"arn": found["Arn"], "assume_role_policy_document": found["AssumeRolePolicyDocument"]}
    cluster = {"issuer": case.issuer, "oidc_provider_arn": provider}
    return faults(cluster, *case.account_name, role, case.at.account or {})


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
        except AwsError as error:
            unseen.append(_sentence(error))
        else:
            shape, is_json = _shape_of(value or {})
            readable = value is not None
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
