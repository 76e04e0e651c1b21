# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation and resource policy of a secret: touched only where the task gives them. Plain data only."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from collections.abc import Mapping

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

RULES = {
    "automatically_after_days": "AutomaticallyAfterDays",
    "schedule_expression": "ScheduleExpression",
    "duration": "Duration",
}
Document = Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Rotation:
    """When, and by which function, AWS rotates a secret. In a wish, None = leave as it is."""

    enabled: bool
    lambda_arn: str | None = None
    automatically_after_days: int | None = None
    schedule_expression: str | None = None
    duration: str | None = None

    @classmethod
    def from_option(cls, option: Mapping[str, t.Any]) -> Rotation:
        return cls(**{field.name: option[field.name] for field in dataclasses.fields(cls)})

    @classmethod
    def from_described(cls, described: Mapping[str, t.Any]) -> Rotation:
        rules = described.get("RotationRules") or {}
        return cls(
            bool(described.get("RotationEnabled")),
            described.get("RotationLambdaARN"),
            **{name: rules.get(key) for name, key in RULES.items()},
        )

    def differs(self, current: Rotation) -> bool:
        """Whether a wish is more than what is there."""
        if not self.enabled:
            return current.enabled
        given = [field.name for field in dataclasses.fields(self) if getattr(self, field.name) is not None]
        return any(getattr(self, name) != getattr(current, name) for name in given)

    def after(self, current: Rotation) -> Rotation:
        """What will be there."""
        given = {name: value for name, value in dataclasses.asdict(self).items() if value is not None}
        # One schedule takes the place of the other.
        for one, other in (
            ("automatically_after_days", "schedule_expression"),
            ("schedule_expression", "automatically_after_days"),
        ):
            if one in given and other not in given:
                given[other] = None
        return dataclasses.replace(current, **given)

    def request(self, *, at_once: bool) -> dict[str, t.Any]:
        """Of RotateSecret. A secret that RDS owns has no function."""
        rules = {key: getattr(self, name) for name, key in RULES.items() if getattr(self, name) is not None}
        request: dict[str, t.Any] = {"RotateImmediately": at_once}
        if self.lambda_arn:
            request["RotationLambdaARN"] = self.lambda_arn
        if rules:
            request["RotationRules"] = rules
        return request

    def shown(self) -> dict[str, t.Any] | None:
        """For a diff; None where nobody rotates."""
        if not self.enabled:
            return None
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}


@dataclasses.dataclass(frozen=True)
class SafeguardsWish:
    """What the task says about them; None = leave as it is. An empty policy takes it away."""

    rotation: Rotation | None = None
    rotate_immediately: bool = False
    resource_policy: Document | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, t.Any]) -> SafeguardsWish:
        rotation = options.get("rotation")
        return cls(
            Rotation.from_option(rotation) if rotation else None,
            bool(rotation and rotation["rotate_immediately"]),
            options.get("resource_policy"),
        )


@dataclasses.dataclass(frozen=True)
class Safeguards:
    """As AWS has them. `resource_policy` is only read where the task names it."""

    rotation: Rotation = dataclasses.field(default_factory=lambda: Rotation(False))
    resource_policy: Document = dataclasses.field(default_factory=dict)

    @classmethod
    def from_answers(cls, described: Mapping[str, t.Any], policy: str | None) -> Safeguards:
        return cls(Rotation.from_described(described), json.loads(policy) if policy else {})


@dataclasses.dataclass(frozen=True)
class SafeguardsPlan:
    """What is to be set, and the same for people."""

    rotation: Rotation | None = None
    at_once: bool = False
    resource_policy: Document | None = None
    changes: Mapping[str, tuple[t.Any, t.Any]] = dataclasses.field(default_factory=dict)


def plan_safeguards(wish: SafeguardsWish, current: Safeguards) -> SafeguardsPlan:
    """What differs."""
    changes: dict[str, tuple[t.Any, t.Any]] = {}
    rotation, policy = wish.rotation, wish.resource_policy
    if rotation is not None and rotation.differs(current.rotation):
        changes["rotation"] = (current.rotation.shown(), rotation.after(current.rotation).shown())
    else:
        rotation = None
    if policy is not None and _policies_differ(current.resource_policy, policy):
        changes["resource_policy"] = (current.resource_policy or None, policy or None)
    else:
        policy = None
    return SafeguardsPlan(rotation, wish.rotate_immediately, policy, changes)


def _policies_differ(current: Document, wanted: Document) -> bool:
    if not current or not wanted:
        return bool(current) != bool(wanted)
    return bool(compare_policies(current, wanted))
