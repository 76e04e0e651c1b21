# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function per call to Secrets Manager: no decisions here."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .. import _tags
from .._aws import AwsError, aws_call, aws_lookup

if t.TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

Answer = dict[str, t.Any]
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"


class SecretError(AwsError):
    """A call to Secrets Manager failed, or a secret cannot become what was asked for."""


@aws_lookup(SecretError, "describe secret {name}", "ResourceNotFoundException")
def describe_secret(client: SecretsManagerClient, name: str) -> Answer:
    return t.cast(Answer, client.describe_secret(SecretId=name))


@aws_lookup(SecretError, "read secret {name}", "ResourceNotFoundException")
def read_secret(client: SecretsManagerClient, name: str) -> Answer:
    """None where the secret is missing, or has no value yet."""
    return t.cast(Answer, client.get_secret_value(SecretId=name))


@aws_call(SecretError, "create secret {name}")
def create_secret(client: SecretsManagerClient, name: str, request: Mapping[str, t.Any]) -> Answer:
    return t.cast(Answer, client.create_secret(Name=name, **request))


@aws_call(SecretError, "write secret {name}")
def write_secret(client: SecretsManagerClient, name: str, text: str) -> Answer:
    return t.cast(Answer, client.put_secret_value(SecretId=name, SecretString=text))


def answered_at(answer: Answer) -> datetime:
    """When AWS answered, by its own clock: an answer to a write has no date, and a read may be behind."""
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(told) if told else datetime.now(UTC)


@aws_lookup(SecretError, "read the pending version of secret {name}", "ResourceNotFoundException")
def read_pending(client: SecretsManagerClient, name: str) -> Answer:
    return t.cast(Answer, client.get_secret_value(SecretId=name, VersionStage=PENDING))


@aws_call(SecretError, "write a pending version of secret {name}")
def write_pending(client: SecretsManagerClient, name: str, text: str) -> Answer:
    return t.cast(Answer, client.put_secret_value(SecretId=name, SecretString=text, VersionStages=[PENDING]))


@aws_call(SecretError, "move {stage} of secret {name}")
def move_stage(client: SecretsManagerClient, name: str, stage: str, request: Mapping[str, str]) -> None:
    client.update_secret_version_stage(SecretId=name, VersionStage=stage, **t.cast(t.Any, request))


@aws_call(SecretError, "set the rotation of secret {name}")
def rotate_secret(client: SecretsManagerClient, name: str, request: Mapping[str, t.Any]) -> None:
    client.rotate_secret(SecretId=name, **request)


@aws_call(SecretError, "end the rotation of secret {name}")
def cancel_rotation(client: SecretsManagerClient, name: str) -> None:
    client.cancel_rotate_secret(SecretId=name)


@aws_lookup(SecretError, "read the resource policy of secret {name}", "ResourceNotFoundException")
def read_policy(client: SecretsManagerClient, name: str) -> str:
    return client.get_resource_policy(SecretId=name).get("ResourcePolicy", "")


@aws_call(SecretError, "write the resource policy of secret {name}")
def write_policy(client: SecretsManagerClient, name: str, text: str) -> None:
    client.put_resource_policy(SecretId=name, ResourcePolicy=text, BlockPublicPolicy=True)


@aws_call(SecretError, "delete the resource policy of secret {name}")
def delete_policy(client: SecretsManagerClient, name: str) -> None:
    client.delete_resource_policy(SecretId=name)


@aws_call(SecretError, "change secret {name}")
def update_secret(client: SecretsManagerClient, name: str, request: Mapping[str, t.Any]) -> None:
    client.update_secret(SecretId=name, **request)


@aws_call(SecretError, "restore secret {name}")
def restore_secret(client: SecretsManagerClient, name: str) -> None:
    client.restore_secret(SecretId=name)


@aws_lookup(SecretError, "delete secret {name}", "ResourceNotFoundException")
def delete_secret(client: SecretsManagerClient, name: str, recovery_window_in_days: int) -> None:
    if recovery_window_in_days == 0:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    else:
        client.delete_secret(SecretId=name, RecoveryWindowInDays=recovery_window_in_days)


@aws_call(SecretError, "tag secret {name}")
def tag_secret(client: SecretsManagerClient, name: str, tags: Mapping[str, str]) -> None:
    client.tag_resource(SecretId=name, Tags=t.cast(t.Any, _tags.write(tags)))


@aws_call(SecretError, "remove tags of secret {name}")
def untag_secret(client: SecretsManagerClient, name: str, keys: list[str]) -> None:
    client.untag_resource(SecretId=name, TagKeys=keys)


@aws_call(SecretError, "generate a password")
def random_password(client: SecretsManagerClient, length: int, exclude_characters: str) -> str:
    return client.get_random_password(
        PasswordLength=length, ExcludeCharacters=exclude_characters, RequireEachIncludedType=True
    )["RandomPassword"]
