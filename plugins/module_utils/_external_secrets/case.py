# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read about an external secret that is not in sync. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    Condition,
    ExternalSecret,
    Object,
    SecretSeen,
    Sight,
    Source,
    StoreReference,
    ready_condition,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.policies import (
    AUDIENCE,
    ROLE_ANNOTATION,
    issuer_key,
    subject,
)

AUDIENCE_ANNOTATION = "eks.amazonaws.com/audience"
SECRETS_MANAGER, PARAMETER_STORE = "SecretsManager", "ParameterStore"
#: What a role needs to read what a service keeps.
_RIGHTS = {
    SECRETS_MANAGER: "secretsmanager:GetSecretValue and DescribeSecret",
    PARAMETER_STORE: "ssm:GetParameter",
}
NO_STORE = StoreReference("", "")
_PLACE = re.compile(r"spec\.data(?:From)?\[\d+\]")


@dataclass(frozen=True)
class Cause:
    """What is wrong, and what to do about it."""

    what: str
    remedy: str
    seen: str = ""
    """The conditions that it was concluded from, empty where there were none."""

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}." + (f"\n  Seen last: {self.seen}." if self.seen else "")


@dataclass(frozen=True)
class StoreSeen:
    """A store and the service account that it uses; without a kind, none is asked for."""

    reference: StoreReference = NO_STORE
    store: Object | None = None
    account: Object | None = None
    store_known: bool = True
    """Whether it could be looked at; if not, it may be there, ready or not, and for any provider."""
    account_known: bool = True

    @property
    def wanted(self) -> bool:
        return bool(self.reference.kind)

    @property
    def condition(self) -> Condition | None:
        return ready_condition(self.store) if self.store else None

    @property
    def ready(self) -> bool:
        """As far as is known."""
        known = self.wanted and self.store_known
        return not known or (self.condition is not None and self.condition.true)

    @property
    def provider(self) -> Object:
        """Its settings for AWS, empty for another provider."""
        return (((self.store or {}).get("spec") or {}).get("provider") or {}).get("aws") or {}

    @property
    def for_aws(self) -> bool:
        """Whether words of AWS are about it: of a store that nobody may look at, they tell what it is."""
        return bool(self.provider) or not self.store_known

    @property
    def service(self) -> str:
        """What of AWS it reads, empty for another provider."""
        return str(self.provider.get("service") or "")

    @property
    def keeper(self) -> str:
        """Who keeps what it reads, in words."""
        if not self.provider:
            return f"the provider of {self.reference}"
        return "Parameter Store" if self.service == PARAMETER_STORE else "Secrets Manager"

    @property
    def rights(self) -> str:
        """What its role needs to read, empty where that is not known."""
        return _RIGHTS.get(self.service, "")

    @property
    def prefix(self) -> str:
        """What it puts before the names of secrets."""
        return str(self.provider.get("prefix") or "")

    @property
    def region(self) -> str:
        return str(self.provider.get("region") or "")

    def account_name(self, namespace: str) -> tuple[str, str] | None:
        """Namespace and name of its service account, None when it uses another way."""
        reference = ((self.provider.get("auth") or {}).get("jwt") or {}).get("serviceAccountRef") or {}
        if not reference.get("name"):
            return None
        elsewhere = reference.get("namespace") if self.reference.clustered else None
        return elsewhere or namespace, reference["name"]


@dataclass(frozen=True)
class Document:
    """A secret in Secrets Manager without its values."""

    exists: bool = False
    deleting: bool = False
    versions: frozenset[str] = frozenset()
    readable: bool = False
    """Whether its shape could be read."""
    shape: t.Any = None
    """Objects and lists as they are, anything else as None."""
    is_json: bool = False
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AwsSeen:
    """What AWS says of role and secrets."""

    role_faults: Sequence[str] = ()
    """What certainly keeps the role from being assumed."""
    role_fits: bool = False
    """Whether the role was looked at, and nothing does."""
    documents: Mapping[str, Document] = field(default_factory=dict)
    """By name, prefix included."""


@dataclass(frozen=True)
class Case:
    """All that a diagnosis looks at. Nothing here asks anybody."""

    namespace: str
    sight: Sight
    at: StoreSeen = StoreSeen()
    """The store that is in trouble, or else the first."""
    stores: Sequence[StoreSeen] = ()
    """All that it reads from."""
    secret: SecretSeen | None = None
    labels: Mapping[str, str] | None = None
    """Of the namespace; None where they could not be read."""
    issuer: str | None = None
    issuer_unseen: str = ""
    """Why the issuer is not known."""
    told: Sequence[str] = ()
    """Warnings about it and its store since it is not in sync, the newest first."""
    aws: AwsSeen | None = None
    unseen: Sequence[str] = ()
    """What could not be looked at, and why."""

    @property
    def seen(self) -> ExternalSecret:
        # It is there: the first of all checks has seen to it.
        return t.cast(ExternalSecret, self.sight.external_secret)

    @property
    def title(self) -> str:
        return f"ExternalSecret {self.namespace}/{self.seen.name}"

    @property
    def failed(self) -> str:
        """What its condition says, empty unless it says that the sync failed."""
        return self.seen.ready.message if self.seen.ready and self.seen.failed else ""

    @property
    def conditions(self) -> str:
        """What the external secret and its store say of themselves."""
        seen = self.sight.external_secret
        told = [f"{self.title} {seen.ready or 'without a status'}"] if seen else []
        if self.at.store:
            told.append(f"{self.at.reference} {self.at.condition or 'without a status'}")
        return "; ".join(told)

    @property
    def account_name(self) -> tuple[str, str] | None:
        return self.at.account_name(self.namespace)

    @property
    def account(self) -> str:
        """The service account in words."""
        return f"ServiceAccount {'/'.join(self.account_name or (self.namespace, '(none)'))}"

    @property
    def role(self) -> str:
        """ARN of the IAM role, empty when the service account names none."""
        return annotation(self.at.account, ROLE_ANNOTATION)

    @property
    def role_in_words(self) -> str:
        return f"role {self.role}" if self.role else f"the role of {self.at.reference}"

    @property
    def sources(self) -> list[Source]:
        """Those of what is read that the store keeps."""
        return [source for source in self.seen.sources if source.store == self.at.reference]

    def document_of(self, source: Source) -> str:
        """Name of the secret that is read."""
        store = next((one for one in self.stores if one.reference == source.store), self.at)
        return store.prefix + source.key

    def about(self, message: str) -> Case:
        """The case, at the store that a message of External Secrets is about where it names a place."""
        place = _PLACE.search(message)
        named = {source.store for source in self.seen.sources if place and source.place == place[0]}
        return replace(self, at=next((one for one in self.stores if one.reference in named), self.at))

    def documents(self, message: str = "") -> str:
        """The secrets that are read, in words; the one that a message of External Secrets is about."""
        place = _PLACE.search(message)
        sources = [source for source in self.seen.sources if place and source.place == place[0]]
        names = dict.fromkeys(self.document_of(source) for source in sources or self.seen.sources)
        return f"secret {' or '.join(names) or '(none)'}"

    @property
    def reads(self) -> str:
        """All that is read or made anew, in words."""
        parts = [self.documents()] if self.seen.sources else []
        parts.extend(f"generator {one}" for one in self.seen.generators)
        return " and ".join(parts) or "what it searches for"

    @property
    def trust(self) -> str:
        """What the trust policy of the role has to demand."""
        namespace, name = self.account_name or (self.namespace, "<service account>")
        issuer = issuer_key(self.issuer or "<issuer of the cluster>")
        audience = annotation(self.at.account, AUDIENCE_ANNOTATION) or AUDIENCE
        return (
            f'"{issuer}:sub" = "{subject(namespace, name)}" and "{issuer}:aud" = "{audience}", '
            "with the IAM OIDC provider of that issuer as principal"
            + (f" (the issuer is not known here: {self.issuer_unseen})" if self.issuer_unseen else "")
        )


def capitalized(text: str) -> str:
    """As a sentence begins; names further on stay as they are."""
    return text[:1].upper() + text[1:]


def annotation(found: Object | None, name: str) -> str:
    return str((((found or {}).get("metadata") or {}).get("annotations") or {}).get(name, ""))
