# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a store and its service account from working. PRIVATE: it may change at any time."""

from __future__ import annotations

import re

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets import events
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
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.selectors import mismatch

_ROLE = re.compile(r"arn:[\w-]+:iam::\d{12}:role/.+")
_CONTROLLER = "default"


def unnamed(case: Case) -> Cause | None:
    if case.at.wanted and not case.at.reference.name:
        return Cause(f"{case.title} names no store", "Set secretStoreRef.name")
    return None


def absent(case: Case) -> Cause | None:
    if case.at.wanted and case.at.store is None and case.at.store_known:
        place = "" if case.at.reference.clustered else f" in namespace {case.namespace}"
        return Cause(
            f"{case.at.reference} does not exist{place}",
            f"Create it, or correct secretStoreRef of {case.seen.name}",
        )
    return None


def elsewhere(case: Case) -> Cause | None:
    spec = (case.at.store or {}).get("spec") or {}
    controller = spec.get("controller") or _CONTROLLER
    if case.seen.ready is None and controller != _CONTROLLER:
        return Cause(
            f"{case.title} has no status: no controller has looked at it, as {case.at.reference} is for "
            f"controller {controller}",
            "Run External Secrets with that controller class, or remove spec.controller of the store",
        )
    return None


def not_admitted(case: Case) -> Cause | None:
    conditions = ((case.at.store or {}).get("spec") or {}).get("conditions") or []
    if not case.at.reference.clustered or not conditions:
        return None
    # Without the namespace's labels, a selector is taken to fit.
    return None if any(_admits(one, case) for one in conditions) else events.not_admitted(case)


def _admits(condition: Object, case: Case) -> bool:
    selector = condition.get("namespaceSelector")
    return (
        case.namespace in (condition.get("namespaces") or [])
        or any(_may_fit(one, case.namespace) for one in condition.get("namespaceRegexes") or [])
        or (selector is not None and (case.labels is None or mismatch(selector, case.labels) is None))
    )


def _may_fit(expression: str, name: str) -> bool:
    """Whether an expression of Go fits; one that Python does not read, or reads otherwise, is taken to."""
    try:
        return "[:" in expression or re.search(expression, name) is not None
    except re.error:
        return True


def account_absent(case: Case) -> Cause | None:
    if case.account_name and case.at.account is None and case.at.account_known:
        return Cause(
            f"{case.account}, which {case.at.reference} uses, does not exist",
            "Create it in that namespace, or correct serviceAccountRef of the store",
        )
    return None


def account_without_role(case: Case) -> Cause | None:
    if case.account_name and case.at.account_known and not case.role:
        return Cause(
            f"{case.account} has no annotation {ROLE_ANNOTATION}",
            "Annotate it with the ARN of the IAM role that may read the secret",
        )
    return None


def malformed_role(case: Case) -> Cause | None:
    if case.account_name and case.role and not _ROLE.fullmatch(case.role):
        return Cause(
            f"The annotation {ROLE_ANNOTATION} of {case.account} is {case.role}, which is not the ARN of an "
            "IAM role",
            "Write it as arn:aws:iam::<account>:role/<name>",
        )
    return None


def not_ready(case: Case) -> Cause | None:
    if case.at.ready:
        return None
    condition = case.at.condition
    if condition is None:
        return Cause(
            f"{case.at.reference} has no status: no controller has looked at it",
            "See whether External Secrets runs and watches this namespace",
        )
    what = f"{case.at.reference} is not ready ({condition})" + "".join(f"; {why}" for why in case.unseen)
    if case.aws and case.aws.role_fits:
        return Cause(
            f"{what}, although nothing is seen that keeps {case.account} from becoming {case.role_in_words}",
            "See that the pods of External Secrets reach sts in the region of the store, and that a second "
            "role, if the store names one, trusts this one. The log of External Secrets says more",
        )
    if case.role:
        cause = events.cannot_become(case, "")
        return Cause(f"{what}; most likely, {cause.what}", cause.remedy)
    return Cause(what, f"Look at spec.provider of {case.at.reference}")
