# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a service account cannot assume an IAM role, field by field, before anybody tries.

This module util is private to the collection. Plain data in, plain data out: nothing here talks to AWS.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .policies import ASSUME, AUDIENCE, ROLE_ANNOTATION, issuer_key, subject

AUDIENCE_ANNOTATION = "eks.amazonaws.com/audience"
KNOWN_OPERATORS = ("StringEquals", "StringLike")


class Fault(t.NamedTuple):
    """What is wrong with a trust."""

    text: str
    refuses: bool = True
    """Whether the role cannot be assumed for it; else others can, too, or it cannot be told."""


@dataclasses.dataclass(frozen=True)
class Trust:
    """A service account and the role that it is to assume.

    role is an entry of iam_role_info's C(iam_roles), account a ServiceAccount object; either may be empty.
    """

    cluster: t.Mapping[str, t.Any]
    namespace: str
    service_account: str
    role: t.Mapping[str, t.Any]
    account: t.Mapping[str, t.Any]

    def faults(self) -> list[str]:
        """Why the account cannot assume the role, or who else can; an empty list when all is right."""
        return [fault.text for fault in self._judged(AUDIENCE)]

    def refusals(self) -> list[str]:
        """Why a token for the audience that the account itself names can certainly not assume the role.

        As faults, without what makes a trust too wide and without conditions that cannot be judged here.
        """
        annotations = (self.account.get("metadata") or {}).get("annotations") or {}
        judged = self._judged(annotations.get(AUDIENCE_ANNOTATION, AUDIENCE))
        return [fault.text for fault in judged if fault.refuses]

    def _judged(self, audience: str) -> list[Fault]:
        if not self.account:
            return [Fault(f"the service account {self.namespace}/{self.service_account} does not exist")]
        if not self.role:
            return [Fault("the IAM role does not exist")]
        cluster, arn = self.cluster, self.role["arn"]
        found = _annotation_faults(arn, self.account["metadata"].get("annotations") or {})
        found += _provider_faults(cluster, audience)
        statements = _listed(self.role["assume_role_policy_document"]["Statement"])
        claims = {"sub": subject(self.namespace, self.service_account), "aud": audience}
        found += _denials(statements, cluster)
        reasons = [_statement_fault(statement, cluster, claims, arn) for statement in statements]
        against = [reason for reason in reasons if reason is not None]
        if len(against) == len(reasons):
            words = ", or ".join(dict.fromkeys(reason.text for reason in against))
            refuses = all(reason.refuses for reason in against)
            found.append(Fault(f"the trust policy does not admit it: {words}", refuses))
        return found + [wide for statement in statements for wide in _too_wide(statement, cluster, claims)]


def _annotation_faults(role_arn: str, annotations: t.Mapping[str, str]) -> list[Fault]:
    found = []
    annotation = annotations.get(ROLE_ANNOTATION)
    if annotation != role_arn:
        other = ""
        if annotation and account_of(annotation) != account_of(role_arn):
            other = f" (account {account_of(annotation) or 'missing'} instead of {account_of(role_arn)})"
        said = f"its annotation {ROLE_ANNOTATION} is {annotation or 'missing'}, not {role_arn}{other}"
        found.append(Fault(said))
    audience = annotations.get(AUDIENCE_ANNOTATION, AUDIENCE)
    if audience != AUDIENCE:
        found.append(Fault(f"its annotation {AUDIENCE_ANNOTATION} is {audience}, not {AUDIENCE}", False))
    return found


def _provider_faults(cluster: t.Mapping[str, t.Any], audience: str) -> list[Fault]:
    arn = cluster["oidc_provider_arn"]
    if arn is None:
        return [Fault(f"IAM has no OIDC provider for the issuer {cluster['issuer']}")]
    audiences = cluster.get("oidc_client_ids")
    if audiences is not None and audience not in audiences:
        taken = ", ".join(audiences) or "nobody"
        return [Fault(f"the OIDC provider {arn} takes tokens for {taken}, not {audience}")]
    return []


def _denials(statements: t.Sequence[t.Mapping[str, t.Any]], cluster: t.Mapping[str, t.Any]) -> list[Fault]:
    return [
        Fault("the trust policy has a Deny for it")
        for statement in statements
        if statement.get("Effect") == "Deny"
        and _is_about(statement, cluster)
        and not statement.get("Condition")
    ]


def _is_about(statement: t.Mapping[str, t.Any], cluster: t.Mapping[str, t.Any]) -> bool:
    actions = _listed(statement.get("Action"))
    principal = statement.get("Principal")
    federated = _listed(principal.get("Federated")) if isinstance(principal, dict) else _listed(principal)
    return any(_like(action, ASSUME) for action in actions) and (
        "*" in federated or cluster["oidc_provider_arn"] in federated
    )


def _statement_fault(
    statement: t.Mapping[str, t.Any],
    cluster: t.Mapping[str, t.Any],
    claims: t.Mapping[str, str],
    role_arn: str,
) -> Fault | None:
    """Why one statement of a trust policy does not admit a token with these claims, or None when it does."""
    actions = _listed(statement.get("Action"))
    if statement.get("Effect") != "Allow" or not any(_like(action, ASSUME) for action in actions):
        return Fault(f"no statement allows {ASSUME}")
    principal = statement.get("Principal")
    federated = _listed(principal.get("Federated")) if isinstance(principal, dict) else []
    if cluster["oidc_provider_arn"] not in federated:
        return Fault(_federated_fault(federated, cluster, role_arn))
    unknown = sorted(set(statement.get("Condition") or {}) - set(KNOWN_OPERATORS))
    if unknown:
        return Fault(f"it has conditions that cannot be judged here ({', '.join(unknown)})", False)
    key = issuer_key(cluster["issuer"])
    found = [_claim_fault(statement, f"{key}:{claim}", wanted) for claim, wanted in claims.items()]
    # What refuses is said before what only lacks.
    first = sorted(filter(None, found), key=lambda fault: not fault.refuses)[:1]
    strange = sorted(set(_keys(statement)) - {f"{key}:{claim}" for claim in claims})
    if strange and not first:
        said = f"it asks for {', '.join(strange)}, too, which the token does not carry"
        return Fault(said, any(name.startswith(f"{key}:") for name in strange))
    return first[0] if first else None


def _federated_fault(federated: list[str], cluster: t.Mapping[str, t.Any], role_arn: str) -> str:
    wanted = str(cluster["oidc_provider_arn"])
    fault = f"Principal.Federated is {', '.join(federated) or 'missing'}, not {wanted}"
    foreign = sorted({account_of(arn) for arn in federated} - {account_of(role_arn)})
    of = f" (of account {', '.join(foreign)}, the role's is {account_of(role_arn)})" if foreign else ""
    return fault + of


def _claim_fault(statement: t.Mapping[str, t.Any], key: str, wanted: str) -> Fault | None:
    exact, patterns = (_condition(statement, operator, key) for operator in KNOWN_OPERATORS)
    if exact is None and patterns is None:
        # IAM takes any value then.
        return Fault(f"the condition {key} is missing; it must be {wanted}", False)
    if exact is not None and wanted not in exact:
        wild = [value for value in exact if _is_pattern(value)]
        if any(_like(value, wanted) for value in wild):
            return Fault(
                f"the condition {key} is {', '.join(wild)}, but StringEquals takes * and ? as they are: write"
                f" {wanted}"
            )
        return Fault(f"the condition {key} is {', '.join(exact)}, not {wanted}")
    if patterns is not None and not any(_like(pattern, wanted) for pattern in patterns):
        return Fault(f"the condition {key} is {', '.join(patterns)}, not {wanted}")
    return None


def _too_wide(
    statement: t.Mapping[str, t.Any], cluster: t.Mapping[str, t.Any], claims: t.Mapping[str, str]
) -> t.Iterator[Fault]:
    """Patterns that admit others as well. Only for statements that are about this cluster."""
    if statement.get("Effect") != "Allow" or not _is_about(statement, cluster):
        return
    key = issuer_key(cluster["issuer"])
    for claim, wanted in claims.items():
        for pattern in _condition(statement, "StringLike", f"{key}:{claim}") or []:
            if _is_pattern(pattern) and _condition(statement, "StringEquals", f"{key}:{claim}") is None:
                yield Fault(
                    f"the trust policy admits others, too: the wildcard {pattern} in {key}:{claim} is wider"
                    f" than {wanted}",
                    False,
                )


def _condition(statement: t.Mapping[str, t.Any], operator: str, key: str) -> list[str] | None:
    """The values that an operator names for a condition key, None where it does not name the key."""
    keys = (statement.get("Condition") or {}).get(operator) or {}
    return _listed(keys[key]) if key in keys else None


def _keys(statement: t.Mapping[str, t.Any]) -> list[str]:
    return [key for keys in (statement.get("Condition") or {}).values() for key in keys]


def _is_pattern(value: str) -> bool:
    return "*" in value or "?" in value


def _like(pattern: str, value: str) -> bool:
    """Match * and ?, which are the only wildcards of IAM."""
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, value) is not None


def account_of(arn: str) -> str:
    """The account that an ARN is of, empty for what is none."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""


def _listed(value: t.Any) -> list[t.Any]:
    """IAM writes a list of one as its only element."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
