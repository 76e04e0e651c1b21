"""What the tests of the stand-ins see of a laboratory that is up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import urllib3

from lab.programs import Programs
from lab.settings import Settings
from lab.standins import Standins
from lab.standins.api.client import Api
from lab.standins.api.kinds import EVENT, POD, SERVICE_ACCOUNT, Kind
from lab.waiting import wait_until

Object = dict[str, Any]
NAMESPACE_NAME = "demo"


@dataclass
class Lab:
    """What the tests see of the laboratory."""

    settings: Settings
    api: Api
    standins: Standins
    aws_url: str
    programs: Programs
    credentials: dict[str, str] = field(repr=False)

    def aws(self, service: str) -> Any:
        """A client as the account's administrator."""
        # The types of clients are known by the names of services, and which one is wanted is not.
        client: Any = boto3.client
        return client(
            service, region_name=self.settings.region, endpoint_url=self.aws_url, **self.credentials
        )

    def until(self, probe: Callable[[], Any], what: str, timeout: float = 10) -> Any:
        """Wait for something that the stand-ins do."""
        return wait_until(probe, what=what, timeout=timeout, pause=0.02)

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """(kind, reason, message) of what was said about the objects of a name."""
        return [
            (event["involvedObject"]["kind"], event["reason"], event["message"])
            for event in self.api.find(EVENT)
            if event["involvedObject"]["name"] == name
        ]

    def account(self, name: str, role: str | None = None) -> None:
        """Make a service account, with the role that it may have."""
        annotations = {"eks.amazonaws.com/role-arn": role} if role else {}
        metadata = {"name": name, "namespace": NAMESPACE_NAME, "annotations": annotations}
        self.api.ensure(SERVICE_ACCOUNT, {"metadata": metadata})

    def role(self, name: str, subject: str, secret: str) -> str:
        """Make a role that a service account may have and that may read a secret; returns its ARN."""
        issuer, account = self.settings.issuer.removeprefix("https://"), self.settings.account
        trust = {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{issuer}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{issuer}:sub": subject, f"{issuer}:aud": "sts.amazonaws.com"}},
        }
        resource = f"arn:aws:secretsmanager:{self.settings.region}:{account}:secret:{secret}-??????"
        reading = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": resource}
        iam = self.aws("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
        iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=_policy(reading))
        return f"arn:aws:iam::{account}:role/{name}"

    def get(self, kind: Kind, name: str) -> Any:
        """An object of the tests' namespace, or None."""
        return self.api.get(kind, name, NAMESPACE_NAME)

    def processes(self) -> list[int]:
        """Process ids of all containers."""
        statuses = [(pod.get("status") or {}).get("containerStatuses") or [] for pod in self.api.find(POD)]
        identities = [one.get("containerID", "") for status in statuses for one in status if one["started"]]
        return [int(identity.removeprefix("process://")) for identity in identities]

    def prometheus(self, path: str) -> Any:
        """What Prometheus answers."""
        url = f"{self.standins.addresses()['prometheus']}{path}"
        return json.loads(urllib3.request("GET", url).data)["data"]


def _policy(statement: Object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
