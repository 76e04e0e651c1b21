# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the events of External Secrets mean. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    Case,
    Cause,
    capitalized,
)

Explain = Callable[[Case, re.Match[str]], Cause]


def cannot_become(case: Case, detail: str) -> Cause:
    """The role cannot be assumed; `detail` says more, or nothing."""
    more = f": {detail}" if detail else ""
    if case.account_name is None:
        return Cause(
            f"External Secrets cannot become the role with which {case.at.reference} reads{more}",
            "Where a store names no service account (auth.jwt.serviceAccountRef), it is the role of the "
            "service account of External Secrets itself: correct that one, or name a service account",
        )
    return Cause(
        f"{case.account} cannot become {case.role_in_words}{more}",
        f"The role has to exist, and its trust policy has to demand {case.trust}",
    )


def may_not_read(case: Case, documents: str, denied: str = "") -> Cause:
    """`denied` is the action that AWS has refused, where that is told."""
    return Cause(
        f"{capitalized(case.role_in_words)} may not read {documents}",
        f"Allow {case.at.rights or denied or 'that'} on its ARN, and kms:Decrypt where a key of your own "
        "encrypts it",
    )


def no_secret(case: Case, documents: str) -> Cause:
    keeper = capitalized(case.at.keeper)
    if not case.at.provider:
        return Cause(
            f"{keeper} has no {documents}",
            "Compare remoteRef.key, extract.key and their version with what is there",
        )
    return Cause(
        f"{keeper} has no {documents} in region {case.at.region or '(of the store)'}",
        "Compare remoteRef.key, extract.key and their version with what is there, and the store's region",
    )


def deleting(documents: str) -> Cause:
    return Cause(
        f"{capitalized(documents)} is scheduled for deletion",
        "Restore it (aws secretsmanager restore-secret), or read another one",
    )


def no_property(document: str, key: str) -> Cause:
    return Cause(
        f"The document {document} has no key {key}",
        "Write that key into the document, or correct the property that is asked for",
    )


def no_object(document: str, detail: str) -> Cause:
    return Cause(
        f"The document {document} is not {detail}",
        "Read it with data, as one value, or write an object of keys and values into it",
    )


def template(case: Case, detail: str) -> Cause:
    return Cause(
        f"The template of {case.seen.name} cannot be applied ({detail})",
        "Correct target.template; a key that the document lacks is an error there",
    )


def _cannot_become(case: Case, match: re.Match[str]) -> Cause:
    said = re.search(r"(?:api error |RequestID: \S*, (?!api error))(.+)", match.string)
    return cannot_become(case, said[1] if said else "")


def _cannot_go_on(case: Case, match: re.Match[str]) -> Cause:
    role = case.at.provider.get("role") or "of the store"
    return Cause(
        f"{capitalized(case.role_in_words)} cannot assume role {role}, which {case.at.reference} names",
        "Allow the first sts:AssumeRole on the second, and let the second trust the first",
    )


def _no_key(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"{capitalized(case.role_in_words)} may not use the KMS key of {case.documents(match.string)}",
        "Allow kms:Decrypt on that key, in the role's policy and in the key's policy",
    )


def _may_not_read(case: Case, match: re.Match[str]) -> Cause:
    # IAM answers alike for what may not be read and for what is not there.
    denied = re.search(r"perform: (\w+:\w+)", match.string)
    documents = f"{case.documents(match.string)} (nor learn whether it exists)"
    return may_not_read(case, documents, denied[1] if denied else "")


def _unreachable(case: Case, match: re.Match[str]) -> Cause:
    detail = match["detail"].strip()
    if not case.at.provider:
        return Cause(
            f"{capitalized(case.at.keeper)} does not answer External Secrets ({detail})",
            "Correct its address in the store; if it is right, let the pods of External Secrets reach it "
            "(DNS, routes, network policies)",
        )
    service = case.at.rights.partition(":")[0] or "secretsmanager"
    return Cause(
        f"AWS does not answer External Secrets in region {case.at.region} ({detail})",
        f"Correct the region of {case.at.reference}; if it is right, let the pods of External Secrets "
        f"reach sts and {service} there (DNS, NAT or VPC endpoints, network policies)",
    )


def _throttled(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        "AWS throttles what External Secrets asks",
        "It tries again by itself; raise refreshInterval where many external secrets are read often",
    )


def _webhook(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"Secret {case.seen.secret} does not pass the admission webhook {match['name']}: "
        f"{match['detail'].strip(' :')}",
        "Give the Secret by target.template.metadata what that policy asks for, or repair the webhook",
    )


def _terminating(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"Namespace {match['name']} is being deleted",
        "Wait until it is gone and make it anew, or use another one",
    )


def _explicitly_denied(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"{capitalized(case.role_in_words)} may not read {case.documents(match.string)}, a Deny in the "
        f"{match['policy']} forbids it",
        "Take the role out of that Deny: no Allow elsewhere outweighs it",
    )


def _generator(case: Case, match: re.Match[str]) -> Cause:
    names = " or ".join(case.seen.generators)
    return Cause(
        f"Generator {names} gives nothing ({match['detail'].strip()})",
        f"Correct the generator, or generatorRef of {case.seen.name}",
    )


def _template_source(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"What templateFrom of {case.seen.name} names cannot be read ({match['detail'].strip()})",
        f"Create it in namespace {case.namespace} with that key, or correct templateFrom",
    )


def _other_region(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"AWS does not accept the credentials of {case.role_in_words} in region {case.at.region}",
        f"Correct the region of {case.at.reference}, or enable it in the account",
    )


def _decoding(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"The value of {case.documents(match.string)} is not what decodingStrategy {match['strategy']} "
        f"wants ({match['detail']})",
        "Correct the value, or set decodingStrategy: None",
    )


def _keys(case: Case, match: re.Match[str]) -> Cause:
    return unfit_keys(case.documents(match.string), match["detail"])


def unfit_keys(documents: str, detail: str) -> Cause:
    return Cause(
        f"The keys of {documents} cannot be those of a Secret ({detail})",
        "Rename them in the document, or set conversionStrategy or rewrite",
    )


def _refused(case: Case, match: re.Match[str]) -> Cause:
    return Cause(
        f"Kubernetes refuses Secret {match['name']}: {match['detail'].strip()}",
        "Correct keys, labels, annotations or type in target.template; a Secret's type cannot be changed",
    )


def _not_admitted(case: Case, match: re.Match[str]) -> Cause:
    return not_admitted(case)


def not_admitted(case: Case) -> Cause:
    return Cause(
        f"{case.at.reference} is not allowed from namespace {case.namespace}",
        "Add the namespace to spec.conditions of the store, or use a store of the namespace",
    )


_ABSENT = r"ResourceNotFoundException|Secret does not exist|can't find the specified secret"
_DENIED = r"AccessDenied|StatusCode: 403|not authorized to perform"
# Only what AWS says itself: a secret, and the random end of its ARN, may have "kms" in their names.
_NO_KEY = (
    r"Access to KMS is not allowed|perform: kms:|Service: AWSKMS\b|"
    r"ciphertext refers to a customer master key"
)
_TEMPLATE = r"could not (?:apply|execute) template:?(?P<detail>.{0,400})"


class Rule(t.NamedTuple):
    """How a message is explained that a pattern fits."""

    pattern: str
    explain: Explain
    of_aws: bool = False
    """Whether it is so for AWS alone."""


#: The first that matches explains, so what is special comes first. These may be told of a store, too.
_OF_STORES = (
    Rule(r"dial tcp:? ?(?P<detail>[^\n]{0,300})", _unreachable),
    Rule(r"ThrottlingException|TooManyRequests|Rate exceeded", _throttled, of_aws=True),
    Rule(r"operation error STS: AssumeRole,|perform: sts:AssumeRole on", _cannot_go_on, of_aws=True),
    Rule(r"AssumeRoleWithWebIdentity|InvalidIdentityToken", _cannot_become, of_aws=True),
)
_OF_SYNCS = (
    # What a webhook says, or why it does not answer, is its own affair; so it is with a generator.
    Rule(r'webhook "(?P<name>[^"]+)"(?P<detail>.{0,400})', _webhook),
    Rule(r"error using generator: (?P<detail>.{0,400})", _generator),
    *_OF_STORES,
    Rule(r"new content in namespace (?P<name>\S+) because it is being terminated", _terminating),
    Rule(r"is not allowed from namespace", _not_admitted),
    Rule(r"explicit deny in an? (?P<policy>[\w -]+?(?:policy|boundary))\b", _explicitly_denied, of_aws=True),
    Rule(_NO_KEY, _no_key, of_aws=True),
    Rule(r"UnrecognizedClientException|InvalidClientTokenId", _other_region, of_aws=True),
    Rule(_DENIED, _may_not_read, of_aws=True),
    Rule(
        r"(?:marked|scheduled) for deletion",
        lambda case, match: deleting(case.documents(match.string)),
        of_aws=True,
    ),
    Rule(_ABSENT, lambda case, match: no_secret(case, case.documents(match.string))),
    Rule(
        r"key (?P<key>\S+) does not exist in secret (?P<document>\S+)",
        lambda case, match: no_property(case.at.prefix + match["document"], match["key"]),
    ),
    Rule(
        r"unable to unmarshal secret (?P<document>\S+): (?P<detail>.+)",
        lambda case, match: no_object(
            case.at.prefix + match["document"], f"a JSON object ({match['detail']})"
        ),
    ),
    Rule(r"error applying decoding strategy (?P<strategy>\w+) to data: (?P<detail>.+)", _decoding),
    Rule(r"(?:error applying \w+ strategy \w+ to keys|invalid secret keys[^:]*): (?P<detail>.+)", _keys),
    Rule(r"error fetching templateFrom data: (?P<detail>.{0,400})", _template_source),
    Rule(_TEMPLATE, lambda case, match: template(case, match["detail"].strip())),
    Rule(r'Secret "(?P<name>[^"]+)" is invalid: (?P<detail>.+)', _refused),
    Rule(r'secrets "(?P<name>[^"]+)" is forbidden: (?P<detail>.+)', _refused),
)


def explained(case: Case) -> Cause | None:
    """What the newest event says that says anything; in 0.17 a store's condition says it, too."""
    condition = case.at.condition
    for message in (*case.told, *([condition.message] if condition and not case.at.ready else [])):
        here = case.about(message) if case.at.ready else case
        # With a store that is not ready nothing is read: what was said of reading is old.
        for rule in _OF_SYNCS if case.at.ready else _OF_STORES:
            match = re.search(rule.pattern, message, re.S)
            if match and (here.at.for_aws or not rule.of_aws):
                return rule.explain(here, match)
    return None
