# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an external secret is not in sync. PRIVATE: it may change at any time.

The condition of an ExternalSecret is generic ("could not get secret data from provider"). The cause is in the
events, which the controller's recorder drops after a burst and the API server forgets after an hour. So what
can be checked without them comes first, and what cannot be known without them is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets import (
    documents,
    events,
    stores,
    targets,
    templates,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    SECRETS_MANAGER,
    Case,
    Cause,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._times import in_utc

_SLOW = "External Secrets is slow, stopped or overloaded: look at its pods and its log"
_THAW = "Change that setting, or delete the Secret, which is then written anew"


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
        return Cause(f"{what}; with {seen.frozen} it is not synced again", _THAW)
    return Cause(what, _SLOW)


def _not_refreshed(case: Case) -> Cause | None:
    after = case.sight.wanted.after
    if case.failed or after is None or case.seen.synced_version != after:
        return None
    what = f"{case.title} was not synced since a refresh was asked for"
    if case.seen.frozen:
        return Cause(f"{what}; with {case.seen.frozen} it is not synced again", _THAW)
    return Cause(what, _SLOW)


def _too_old(case: Case) -> Cause | None:
    changed = case.sight.wanted.not_before
    if case.failed or changed is None or not case.seen.read_before(changed):
        return None
    what = (
        f"{case.title} was last synced at {case.seen.refresh_time}, before what it reads changed "
        f"({in_utc(changed)}): Secret {case.seen.secret} has the former values"
    )
    if case.seen.frozen:
        return Cause(f"{what}; with {case.seen.frozen} it is not synced again", _THAW)
    return Cause(what, f"To have it synced anew: {_force_sync(case)}")


def _by_elimination(case: Case) -> Cause | None:
    """AWS was asked, secrets and keys are there: what is left is the right to read them."""
    asked = case.aws and case.account_name and "could not get secret data" in case.failed
    if not asked or not documents.complete(case):
        return None
    cause = events.may_not_read(case, case.documents())
    return Cause(f"{cause.what}, as far as can be told: all else that was looked at is right", cause.remedy)


def _force_sync(case: Case) -> str:
    return (
        f"kubectl annotate externalsecret {case.seen.name} -n {case.namespace} --overwrite "
        "force-sync=$(date +%s)"
    )


def _unknown(case: Case) -> Cause | None:
    why = "; ".join(case.unseen) or "the event that says why is gone"
    if case.told:
        why = f"last event: {case.told[0]}"
    again = f"To have it tried again and told anew: {_force_sync(case)}"
    if "could not get secret data" in case.failed:
        return _unread(case, why, again)
    if "could not update secret" in case.failed:
        return Cause(
            f"External Secrets could not write Secret {case.seen.secret}; {why}",
            f"See that target.template names keys and functions that exist and makes a valid Secret. {again}",
        )
    return Cause(f"{case.title} is not synced ({case.seen.ready}); {why}", again)


def _unread(case: Case, why: str, again: str) -> Cause:
    what = f"External Secrets could not read {case.reads}"
    if not case.at.provider:
        return Cause(f"{what}; {why}", f"See that it exists, and who may read it. {again}")
    hint = "" if case.aws or case.at.service != SECRETS_MANAGER else "; look_in_aws: true looks there"
    return Cause(
        f"{what} as {case.role_in_words}; {why}",
        "See that the secret exists with all that is asked of it, and that the role may read it "
        f"({case.at.rights}){hint}. {again}",
    )


CHECKS: Sequence[Callable[[Case], Cause | None]] = (
    _absent,
    _deleting,
    stores.unnamed,
    stores.absent,
    stores.elsewhere,
    stores.not_admitted,
    stores.account_absent,
    stores.account_without_role,
    stores.malformed_role,
    targets.refused,
    _role_in_aws,
    _documents_in_aws,
    _told_by_events,
    _template,
    stores.not_ready,
    _not_looked_at,
    _stale,
    _not_refreshed,
    _too_old,
    targets.not_written,
    targets.keys,
    _by_elimination,
    _unknown,
)


def diagnose(case: Case) -> Cause:
    """The first check that finds something; the last one always does."""
    return next(cause for check in CHECKS if (cause := check(case)) is not None)
