"""The master's password: given, or managed by RDS in Secrets Manager."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any

from lab.aws.faults import invalid_combination
from lab.aws.rds_aurora import Aurora
from lab.aws.rds_model import Cluster
from lab.aws.secrets import Login

Request = Mapping[str, Any]
#: As RDS: printable ASCII besides the characters that it refuses from others, too.
_PASSWORD_CHARACTERS = "".join(
    sorted(set(string.ascii_letters + string.digits + string.punctuation) - set("/@\"'\\"))
)


def first_login(aurora: Aurora, cluster: Cluster, request: Request) -> Login:
    """The login of a new cluster's master; a managed one gets its secret."""
    if not request.get("ManageMasterUserPassword"):
        return Login(cluster.master_username, request["MasterUserPassword"])
    login = Login(cluster.master_username, _random())
    _manage_secret(aurora, cluster, login, request.get("MasterUserSecretKmsKeyId"))
    return login


def _random() -> str:
    return "".join(secrets.choice(_PASSWORD_CHARACTERS) for _index in range(32))


def _manage_secret(aurora: Aurora, cluster: Cluster, login: Login, key: str | None) -> None:
    arn = aurora.secrets.create_managed(cluster.arn, login, key)
    cluster.master_secret = {
        "SecretArn": arn,
        "SecretStatus": "creating",
        "KmsKeyId": aurora.key_arn(key or "alias/aws/secretsmanager"),
    }


def plan_change(aurora: Aurora, cluster: Cluster, request: Request) -> Callable[[], None] | None:
    """What changes the master's password in the database; None when nothing does."""
    password, manage = request.get("MasterUserPassword"), request.get("ManageMasterUserPassword")
    managed = cluster.master_secret
    _check_password_change(request, managed is not None)
    if managed and manage is False:
        aurora.secrets.delete_managed(managed["SecretArn"])
        cluster.master_secret = None
    if password is not None:
        login = Login(cluster.master_username, password)
        return lambda: cluster.server.set_password(login)
    if not request.get("RotateMasterUserPassword") and not (manage and not managed):
        return None
    login = Login(cluster.master_username, _random())
    if managed is None:
        _manage_secret(aurora, cluster, login, request.get("MasterUserSecretKmsKeyId"))
        return lambda: cluster.server.set_password(login)
    managed["SecretStatus"] = "rotating"
    arn = managed["SecretArn"]

    def rotate() -> None:
        cluster.server.set_password(login)
        aurora.secrets.replace_managed(arn, login)

    return rotate


def _check_password_change(request: Request, managed: bool) -> None:
    password, manage = request.get("MasterUserPassword"), request.get("ManageMasterUserPassword")
    if managed and password is not None and manage is not False:
        raise invalid_combination(
            "You can't specify MasterUserPassword for this cluster when ManageMasterUserPassword is enabled."
        )
    if managed and manage is False and password is None:
        raise invalid_combination(
            "You must specify MasterUserPassword when ManageMasterUserPassword is turned off."
        )
    if request.get("RotateMasterUserPassword"):
        if not managed:
            raise invalid_combination(
                "You can't rotate the master user password: RDS doesn't manage it for this cluster."
            )
        if not request.get("ApplyImmediately"):
            raise invalid_combination("You must specify ApplyImmediately to rotate the master user password.")
