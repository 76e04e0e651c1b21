"""RotateSecret and CancelRotateSecret: settings are kept and told, and RDS rotates what it owns.

The laboratory has no functions. It says so where AWS would run one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from moto.secretsmanager.models import FakeSecret, secretsmanager_backends
from moto.secretsmanager.responses import SecretsManagerResponse

from lab.aws.faults import fault
from lab.aws.patches import Patches
from lab.settings import Settings

_RULES = {"AutomaticallyAfterDays", "ScheduleExpression", "Duration"}
_DAYS = range(1, 1001)
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+")
_KEPT = "lab_rotation_rules"


class SecretRotation:
    """Rotation of the secrets of the laboratory's account and region."""

    def __init__(self, settings: Settings, rotate_owned: Callable[[str], None]) -> None:
        self._settings = settings
        self._rotate_owned = rotate_owned

    def install(self, patches: Patches) -> None:
        """Take the place of moto's, which runs functions in containers."""
        patches.around(SecretsManagerResponse, "rotate_secret", self._rotate)
        patches.around(FakeSecret, "to_dict", _with_rules)

    def _rotate(self, _original: Callable[[Any], Any], response: Any) -> str:
        secret = secretsmanager_backends[self._settings.account][self._settings.region].secrets.get(
            response._get_param("SecretId")
        )
        if secret is None:
            raise fault("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        rules = response._get_param("RotationRules") or {}
        function = response._get_param("RotationLambdaARN") or secret.rotation_lambda_arn
        _check_rules(rules)
        if not secret.owning_service:
            _check_function(function)
        at_once = response._get_param("RotateImmediately", True)
        if at_once and not secret.owning_service:
            raise fault(
                "InvalidRequestException",
                f"The laboratory runs no functions, so not {function}: set RotateImmediately to false.",
            )
        secret.rotation_requested = secret.rotation_enabled = True
        secret.rotation_lambda_arn = "" if secret.owning_service else function
        if rules:
            setattr(secret, _KEPT, rules)
            secret.auto_rotate_after_days = rules.get("AutomaticallyAfterDays", 0)
        if at_once:
            self._rotate_owned(secret.arn)
        return str(secret.to_short_dict())


def _check_rules(rules: dict[str, Any]) -> None:
    unknown = sorted(set(rules) - _RULES)
    if unknown:
        raise fault("InvalidParameterException", f"Unknown RotationRules: {json.dumps(unknown)}")
    days = rules.get("AutomaticallyAfterDays")
    if days is not None and days not in _DAYS:
        raise fault(
            "InvalidParameterException", "RotationRules.AutomaticallyAfterDays must be within 1-1000."
        )
    if days is not None and rules.get("ScheduleExpression"):
        raise fault(
            "InvalidParameterException",
            "You can't specify both AutomaticallyAfterDays and ScheduleExpression.",
        )


def _check_function(function: str) -> None:
    if not function:
        raise fault(
            "InvalidRequestException", "No Lambda rotation function ARN is associated with this secret."
        )
    if not _FUNCTION.fullmatch(function):
        raise fault("InvalidParameterException", f"Invalid Lambda function ARN: {function}")


def _with_rules(original: Callable[[Any], dict[str, Any]], secret: Any) -> dict[str, Any]:
    """moto forgets all rules but the days."""
    answer = original(secret)
    if secret.rotation_requested:
        rules = getattr(secret, _KEPT, {"AutomaticallyAfterDays": secret.auto_rotate_after_days})
        answer["RotationRules"] = rules
        if not answer["RotationLambdaARN"]:
            del answer["RotationLambdaARN"]
    return answer
