# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the Secret that an external secret writes. PRIVATE: it may change at any time."""

from __future__ import annotations

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    Case,
    Cause,
)

_POLICIES = {
    "Merge": "creationPolicy Merge adds to a Secret that is there: make it, or set creationPolicy: Owner",
    "None": "creationPolicy None writes no Secret: set creationPolicy: Owner",
}


def refused(case: Case) -> Cause | None:
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


def not_written(case: Case) -> Cause | None:
    reason = case.seen.ready.reason if case.seen.ready else ""
    if case.failed or case.sight.secret is not None:
        return None
    if reason == "SecretDeleted":
        return Cause(
            f"External Secrets has deleted Secret {case.seen.secret} (deletionPolicy Delete), because "
            f"{case.at.keeper} has no {case.documents()}",
            "Write the document, or correct its name",
        )
    if case.seen.target_kind != "Secret":
        return Cause(
            f"{case.title} writes a {case.seen.target_kind}, and there is no Secret {case.seen.secret}",
            "Look at that object yourself: only Secrets are looked at here",
        )
    policy = case.seen.creation_policy
    return Cause(
        f"{case.title} is ready, but Secret {case.seen.secret} does not exist",
        _POLICIES.get(policy, f"Look at target.creationPolicy ({policy}) and at who deletes the Secret"),
    )


def keys(case: Case) -> Cause | None:
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
