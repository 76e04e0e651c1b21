# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an external secret is not in sync. PRIVATE: it may change at any time.

The condition of an ExternalSecret is generic ("could not get secret data from provider"). The cause is in the
events, which the controller's recorder drops after a burst and the API server forgets after an hour. So what
can be checked without them comes first, and what cannot be known without them is said to be unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets import (
    documents,
    events,
    templates,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    Case,
    Cause,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    Object,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.policies import (
    ROLE_ANNOTATION,
)

_ROLE = re.compile(r"arn:[\w-]+:iam::\d{12}:role/.+")
_CONTROLLER = "default"


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
            f"{case.title} is being deleted",
            "Wait until it is gone, look at its finalizers if it stays, then apply it again",
        )
    return None


def _without_store(case: Case) -> Cause | None:
    if not case.at.reference.name:
        return Cause(f"{case.title} names no store", "Set secretStoreRef.name")
    return None


def _store_absent(case: Case) -> Cause | None:
    if case.at.store is None:
        place = "" if case.at.reference.clustered else f" in namespace {case.namespace}"
        return Cause(
            f"{case.at.reference} does not exist{place}",
            f"Create it, or correct secretStoreRef of {case.seen.name}",
        )
    return None


def _store_elsewhere(case: Case) -> Cause | None:
    spec = (case.at.store or {}).get("spec") or {}
    controller = spec.get("controller") or _CONTROLLER
    if case.seen.ready is None and controller != _CONTROLLER:
        return Cause(
            f"{case.title} has no status: no controller has looked at it, as {case.at.reference} is for "
            f"controller {controller}",
            "Run External Secrets with that controller class, or remove spec.controller of the store",
        )
    return None


def _store_not_admitted(case: Case) -> Cause | None:
    conditions = ((case.at.store or {}).get("spec") or {}).get("conditions") or []
    if not case.at.reference.clustered or not conditions:
        return None
    # Without the namespace's labels, a selector is taken to fit.
    return None if any(_admits(one, case) for one in conditions) else events.not_admitted(case)


def _admits(condition: Object, case: Case) -> bool:
    selector = condition.get("namespaceSelector")
    return (
        case.namespace in (condition.get("namespaces") or [])
        or any(re.search(one, case.namespace) for one in condition.get("namespaceRegexes") or [])
        or (selector is not None and (case.labels is None or _selects(selector, case.labels)))
    )


def _selects(selector: Object, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _fulfilled(one, labels) for one in expressions
    )


def _fulfilled(expression: Object, labels: Mapping[str, str]) -> bool:
    value, listed = labels.get(expression["key"]), expression.get("values") or []
    return {
        "In": value in listed,
        "NotIn": value not in listed,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[expression["operator"]]


def _account_absent(case: Case) -> Cause | None:
    if case.account_name and case.at.account is None:
        return Cause(
            f"{case.account}, which {case.at.reference} uses, does not exist",
            "Create it in that namespace, or correct serviceAccountRef of the store",
        )
    return None


def _account_without_role(case: Case) -> Cause | None:
    if case.account_name and not case.role:
        return Cause(
            f"{case.account} has no annotation {ROLE_ANNOTATION}",
            "Annotate it with the ARN of the IAM role that may read the secret",
        )
    return None


def _malformed_role(case: Case) -> Cause | None:
    if case.account_name and not _ROLE.fullmatch(case.role):
        return Cause(
            f"The annotation {ROLE_ANNOTATION} of {case.account} is {case.role}, which is not the ARN of an "
            "IAM role",
            "Write it as arn:aws:iam::<account>:role/<name>",
        )
    return None


def _target(case: Case) -> Cause | None:
    """What the condition itself says, as these faults are not of the provider."""
    target = f"Secret {case.namespace}/{case.seen.secret}"
    if "owned by another" in case.failed or "take ownership" in case.failed:
        owner = (case.secret.controller if case.secret else "") or "another object"
        return Cause(
            f"{target} is owned by {owner}",
            f"Give {case.seen.name} another target.name, or remove that owner",
        )
    if "immutable" in case.failed:
        return Cause(f"{target} is immutable", "Delete it, and External Secrets writes it anew")
    if "could not delete secret" in case.failed:
        return Cause(
            f"External Secrets could not delete {target}, for which deletionPolicy Delete and the absence of "
            f"{case.documents()} ask (creationPolicy {case.seen.creation_policy})",
            "Set deletionPolicy: Retain, or creationPolicy: Owner",
        )
    return None


def _role_in_aws(case: Case) -> Cause | None:
    if case.at.ready or not case.aws or not case.aws.role_faults:
        return None
    return events.cannot_become(case, "; ".join(case.aws.role_faults))


def _documents_in_aws(case: Case) -> Cause | None:
    if not case.failed or not case.at.ready or not case.aws:
        return None
    return documents.fault(case, case.aws)


def _template(case: Case) -> Cause | None:
    known = documents.keys(case)
    if "could not update secret" not in case.failed or known is None:
        return None
    lacking = sorted(templates.keys_named(case.seen.templates) - known)
    return (
        events.template(case, f"it names {', '.join(lacking)}, and there is no such key") if lacking else None
    )


def _told_by_events(case: Case) -> Cause | None:
    return events.explained(case) if case.failed else None


def _store_not_ready(case: Case) -> Cause | None:
    if case.at.ready:
        return None
    condition = case.at.condition
    if condition is None:
        return Cause(
            f"{case.at.reference} has no status: no controller has looked at it",
            "See whether External Secrets runs and watches this namespace",
        )
    if case.role:
        cause = events.cannot_become(case, "")
        return Cause(f"{case.at.reference} is not ready ({condition}): {cause.what}", cause.remedy)
    return Cause(
        f"{case.at.reference} is not ready ({condition})",
        "Look at its provider settings (service, region, auth)",
    )


def _not_looked_at(case: Case) -> Cause | None:
    if case.seen.ready is None:
        return Cause(
            f"{case.title} has no status: no controller has looked at it",
            "See whether External Secrets runs and watches this namespace",
        )
    return None


def _stale(case: Case) -> Cause | None:
    seen = case.seen
    if case.failed or seen.synced_generation == str(seen.generation):
        return None
    what = (
        f"{case.title} was synced for generation {seen.synced_generation or 'none'} of its spec, which is at "
        f"generation {seen.generation} now"
    )
    if seen.frozen:
        return Cause(
            f"{what}; with {seen.frozen} it is not synced again",
            "Change that setting, or delete the Secret, which is then written anew",
        )
    return Cause(what, "External Secrets is slow, stopped or overloaded: look at its pods and its log")


def _not_refreshed(case: Case) -> Cause | None:
    after = case.sight.wanted.after
    if case.failed or after is None or case.seen.synced_version != after:
        return None
    return Cause(
        f"{case.title} was not synced since a refresh was asked for",
        "External Secrets is slow, stopped or overloaded: look at its pods and its log",
    )


def _not_written(case: Case) -> Cause | None:
    reason = case.seen.ready.reason if case.seen.ready else ""
    if case.failed or case.sight.secret is not None:
        return None
    if reason == "SecretDeleted":
        return Cause(
            f"External Secrets has deleted Secret {case.seen.secret} (deletionPolicy Delete), because "
            f"Secrets Manager has no {case.documents()}",
            "Write the document, or correct its name",
        )
    return Cause(
        f"{case.title} is ready, but Secret {case.seen.secret} does not exist",
        f"Look at target.creationPolicy ({case.seen.creation_policy}) and at who deletes the Secret",
    )


def _keys(case: Case) -> Cause | None:
    secret = case.sight.secret
    if case.failed or secret is None or not case.sight.missing_keys:
        return None
    empty = [key for key in case.sight.missing_keys if key in secret.empty]
    return Cause(
        f"Secret {case.namespace}/{case.seen.secret} lacks {', '.join(case.sight.missing_keys)}"
        + (f" (empty: {', '.join(empty)})" if empty else "")
        + f"; it has {', '.join(sorted(secret.filled)) or 'no key'}",
        "Add the key to target.template.data (or to data), or to the document that it is read from",
    )


def _by_elimination(case: Case) -> Cause | None:
    """AWS was asked, secrets and keys are there: what is left is the right to read them."""
    asked = case.aws and case.account_name and "could not get secret data" in case.failed
    if not asked or not documents.complete(case):
        return None
    cause = events.may_not_read(case, case.documents())
    return Cause(f"{cause.what}, as far as can be told: all else that was looked at is right", cause.remedy)


def _unknown(case: Case) -> Cause | None:
    why = "; ".join(case.unseen) or "the event that says why is gone"
    if case.told:
        why = f"last event: {case.told[0]}"
    force = f"kubectl annotate externalsecret {case.seen.name} -n {case.namespace} force-sync=$(date +%s)"
    again = f"To have it tried again and told anew: {force}"
    if "could not get secret data" in case.failed:
        hint = "" if case.aws else "; look_in_aws: true looks there"
        return Cause(
            f"External Secrets could not read {case.documents()} as {case.role_in_words.lower()}; {why}",
            "See that the secret exists with all that is asked of it, and that the role may read it "
            f"(secretsmanager:GetSecretValue){hint}. {again}",
        )
    if "could not update secret" in case.failed:
        return Cause(
            f"External Secrets could not write Secret {case.seen.secret}; {why}",
            f"See that target.template names keys and functions that exist and makes a valid Secret. {again}",
        )
    return Cause(f"{case.title} is not synced ({case.seen.ready}); {why}", again)


CHECKS: Sequence[Callable[[Case], Cause | None]] = (
    _absent,
    _deleting,
    _without_store,
    _store_absent,
    _store_elsewhere,
    _store_not_admitted,
    _account_absent,
    _account_without_role,
    _malformed_role,
    _target,
    _role_in_aws,
    _documents_in_aws,
    _told_by_events,
    _template,
    _store_not_ready,
    _not_looked_at,
    _stale,
    _not_refreshed,
    _not_written,
    _keys,
    _by_elimination,
    _unknown,
)


def diagnose(case: Case) -> Cause:
    """The first check that finds something; the last one always does."""
    return next(cause for check in CHECKS if (cause := check(case)) is not None)
