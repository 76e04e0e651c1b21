# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an external secret is not in sync. PRIVATE: it may change at any time.

The condition of an ExternalSecret is generic ("could not get secret data from provider"). The cause is in the
events, which the controller's recorder drops after a burst, so what can be checked without them comes first.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    ExternalSecret,
    Object,
    Sight,
    ready_condition,
)

ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
AUDIENCE_ANNOTATION = "eks.amazonaws.com/audience"
DEFAULT_AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True)
class Cause:
    """What is wrong, and what to do about it."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}."


@dataclass(frozen=True)
class Case:
    """What was read about an external secret that is not in sync; `messages` are of events, newest first."""

    namespace: str
    sight: Sight
    store: Object | None = None
    account: Object | None = None
    issuer: str | None = None
    messages: Sequence[str] = ()

    @property
    def seen(self) -> ExternalSecret:
        # It is there: the first of CHECKS has seen to it.
        return t.cast(ExternalSecret, self.sight.external_secret)

    @property
    def store_ready(self) -> bool:
        condition = ready_condition(self.store) if self.store else None
        return condition is not None and condition.true

    @property
    def account_name(self) -> tuple[str, str] | None:
        """Namespace and name of the service account that the store uses, None when it uses another way."""
        return service_account_of(self.store, self.namespace) if self.store else None

    @property
    def role(self) -> str:
        """ARN of the IAM role, empty when the service account names none."""
        return annotation(self.account, ROLE_ANNOTATION)

    @property
    def documents(self) -> str:
        """The secrets that the external secret reads, in words."""
        return f"secret {' or '.join(self.seen.documents) or '(none)'}"

    @property
    def trust(self) -> str:
        """What the trust policy of the role has to demand."""
        namespace, name = self.account_name or (self.namespace, "<service account>")
        issuer = (self.issuer or "<issuer of the cluster>").removeprefix("https://")
        audience = annotation(self.account, AUDIENCE_ANNOTATION) or DEFAULT_AUDIENCE
        return (
            f'"{issuer}:sub" = "system:serviceaccount:{namespace}:{name}" and "{issuer}:aud" = "{audience}", '
            f"with the IAM OIDC provider of that issuer as principal"
        )


def service_account_of(store: Object, namespace: str) -> tuple[str, str] | None:
    """Namespace and name of the service account in `serviceAccountRef` of an AWS store."""
    aws = ((store.get("spec") or {}).get("provider") or {}).get("aws") or {}
    reference = ((aws.get("auth") or {}).get("jwt") or {}).get("serviceAccountRef") or {}
    return (reference.get("namespace") or namespace, reference["name"]) if reference.get("name") else None


def annotation(found: Object | None, name: str) -> str:
    return str((((found or {}).get("metadata") or {}).get("annotations") or {}).get(name, ""))


def _absent(case: Case) -> Cause | None:
    if case.sight.external_secret is None:
        return Cause(
            f"ExternalSecret {case.namespace}/{case.sight.wanted.name} does not exist",
            "Apply it first, in this namespace",
        )
    return None


def _deleting(case: Case) -> Cause | None:
    if case.seen.deleting:
        return Cause(
            f"ExternalSecret {case.namespace}/{case.seen.name} is being deleted",
            "Wait until it is gone, look at its finalizers if it stays, then apply it again",
        )
    return None


def _store_absent(case: Case) -> Cause | None:
    if case.store is None:
        place = "" if case.seen.store_kind == "ClusterSecretStore" else f" in namespace {case.namespace}"
        return Cause(
            f"{case.seen.store_kind} {case.seen.store} does not exist{place}",
            f"Create it, or correct secretStoreRef of {case.seen.name}",
        )
    return None


def _account_absent(case: Case) -> Cause | None:
    if case.account_name and case.account is None:
        return Cause(
            f"ServiceAccount {'/'.join(case.account_name)} of store {case.seen.store} does not exist",
            "Create it in that namespace, or correct serviceAccountRef of the store",
        )
    return None


def _account_without_role(case: Case) -> Cause | None:
    if case.account_name and not case.role:
        return Cause(
            f"ServiceAccount {'/'.join(case.account_name)} has no annotation {ROLE_ANNOTATION}",
            "Annotate it with the ARN of the IAM role that may read the secret",
        )
    return None


Explain = Callable[[Case, re.Match[str]], Cause]


def _trust_refused(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"AWS does not let ServiceAccount {'/'.join(case.account_name or ())} become role {case.role}",
        f"The role has to exist and its trust policy has to demand {case.trust}",
    )


def _no_right(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"Role {case.role or 'of the store'} may not read {case.documents} (nor learn whether it exists)",
        "Allow secretsmanager:GetSecretValue and DescribeSecret on its ARN, and kms:Decrypt where a key "
        "of your own encrypts it",
    )


def _no_key(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"Role {case.role or 'of the store'} may not use the KMS key of {case.documents}",
        "Allow kms:Decrypt on that key, in the role's policy and in the key's policy",
    )


def _no_secret(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"Secrets Manager has no {case.documents}",
        "Compare remoteRef.key and extract.key with the names there, and the store's region with theirs",
    )


def _no_property(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"The document {match['document']} has no key {match['key']}",
        "Write that key into the document, or correct remoteRef.property",
    )


def _template(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"The template of {case.seen.name} cannot be applied ({match['detail'].strip()})",
        "Correct target.template.data; a key that the document lacks is an error there",
    )


EVENTS: Sequence[tuple[bool, re.Pattern[str], Explain]] = (
    # (says why the store is not ready, pattern, explanation)
    (True, re.compile(r"AssumeRoleWithWebIdentity|InvalidIdentityToken|sts:AssumeRole"), _trust_refused),
    (False, re.compile(r"AccessDenied\w*\b.*\bkms|access to KMS is not allowed", re.I | re.S), _no_key),
    (False, re.compile(r"AccessDenied|StatusCode: 403|not authorized to perform"), _no_right),
    (
        False,
        re.compile(r"ResourceNotFoundException|Secret does not exist|can't find the specified secret", re.I),
        _no_secret,
    ),
    (False, re.compile(r"key (?P<key>\S+) does not exist in secret (?P<document>\S+)"), _no_property),
    (False, re.compile(r"could not (?:apply|execute) template:?(?P<detail>.{0,300})", re.S), _template),
)


def _told_by_events(case: Case) -> Cause | None:
    """Only events that fit the conditions: an old event may tell of a fault that is gone."""
    if case.seen.ready is not None and case.seen.ready.true:
        return None
    for message in case.messages:
        for of_store, pattern, explain in EVENTS:
            match = pattern.search(message)
            # A store that is not ready explains all else; one that is ready may be so from before.
            if match and (of_store or case.store_ready):
                return explain(case, match)
    return None


def _store_not_ready(case: Case) -> Cause | None:
    if case.store_ready:
        return None
    condition = ready_condition(case.store or {})
    if condition is None:
        return Cause(
            f"{case.seen.store_kind} {case.seen.store} has no status: no controller has looked at it",
            "See whether External Secrets runs and watches this namespace",
        )
    advice = "Look at its provider settings (service, region, auth)"
    if case.role:
        advice = f"See that role {case.role} exists and that its trust policy demands {case.trust}"
    return Cause(f"{case.seen.store_kind} {case.seen.store} is not ready ({condition})", advice)


def _not_looked_at(case: Case) -> Cause | None:
    if case.seen.ready is None:
        return Cause(
            f"ExternalSecret {case.namespace}/{case.seen.name} has no status: no controller has looked at it",
            "See whether External Secrets runs and watches this namespace",
        )
    return None


def _stale(case: Case) -> Cause | None:
    seen = case.seen
    if seen.ready is not None and seen.ready.true and seen.synced_generation != str(seen.generation):
        return Cause(
            f"ExternalSecret {case.namespace}/{seen.name} was synced for generation "
            f"{seen.synced_generation or 'none'} of its spec, which is at generation {seen.generation} now",
            "External Secrets is slow, stopped or overloaded: look at its pods and its log",
        )
    return None


def _keys(case: Case) -> Cause | None:
    seen, secret = case.seen, case.sight.secret
    if seen.ready is None or not seen.ready.true:
        return None
    if secret is None:
        return Cause(
            f"ExternalSecret {case.namespace}/{seen.name} is ready, but Secret {seen.secret} does not exist",
            "Look at target.creationPolicy and at who deletes the Secret",
        )
    if case.sight.missing_keys:
        empty = [key for key in case.sight.missing_keys if key in secret.empty]
        return Cause(
            f"Secret {case.namespace}/{seen.secret} lacks {', '.join(case.sight.missing_keys)}"
            + (f" (empty: {', '.join(empty)})" if empty else "")
            + f"; it has {', '.join(sorted(secret.filled)) or 'no key'}",
            "Add the key to target.template.data (or to data), or to the document that it is read from",
        )
    return None


def _unknown(case: Case) -> Cause | None:
    said = f"; last event: {case.messages[0]}" if case.messages else ""
    return Cause(
        f"ExternalSecret {case.namespace}/{case.seen.name} is not synced ({case.seen.ready}{said})",
        f"See that the secret and its wanted properties exist and that role {case.role or '(none)'} may "
        f"read them (secretsmanager:GetSecretValue); kubectl describe externalsecret {case.seen.name} may "
        "say more",
    )


CHECKS: Sequence[Callable[[Case], Cause | None]] = (
    _absent,
    _deleting,
    _store_absent,
    _account_absent,
    _account_without_role,
    _told_by_events,
    _store_not_ready,
    _not_looked_at,
    _stale,
    _keys,
    _unknown,
)


def diagnose(case: Case) -> Cause:
    """The first check that finds something; the last one always does."""
    return next(cause for check in CHECKS if (cause := check(case)) is not None)
