"""A laboratory of Kubernetes, AWS and stand-ins, up once for all tests that need it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from lab import programs
from lab.aws import AwsEndpoint
from lab.certificates import Authority
from lab.kubernetes import open_kubernetes
from lab.settings import Settings
from lab.standins import Standins
from lab.standins.api.client import Api
from lab.standins.api.kinds import EVENT, NAMESPACE, SERVICE_ACCOUNT
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
    programs: programs.Programs
    credentials: dict[str, str] = field(repr=False)

    def aws(self, service: Any) -> Any:
        """A client as the account's administrator."""
        return boto3.client(
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

    def prometheus(self, path: str) -> Any:
        """What Prometheus answers."""
        url = f"{self.standins.addresses()['prometheus']}{path}"
        return json.loads(urllib3.request("GET", url).data)["data"]


def _policy(statement: Object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    try:
        found = programs.ensure(lambda line: None)
    except programs.ProgramsError as error:
        pytest.skip(f"needs the laboratory's programs: {error}")
    state: Path = tmp_path_factory.mktemp("lab")
    settings = Settings(state=state)
    authority = Authority.create(state / "authority")
    with contextlib.ExitStack() as stack:
        kubernetes = open_kubernetes(settings, authority)
        stack.callback(kubernetes.stop)
        kubernetes.start()
        aws = AwsEndpoint(settings, authority, found.postgres, kubernetes)
        stack.callback(aws.stop)
        aws.start()
        standins = Standins(settings, kubernetes, found, aws.url)
        stack.callback(standins.stop)
        standins.start()
        api = Api(kubernetes.kubeconfig, "test")
        api.ensure(NAMESPACE, {"metadata": {"name": NAMESPACE_NAME}})
        key, secret = aws.credentials
        credentials = {"aws_access_key_id": key, "aws_secret_access_key": secret}
        yield Lab(settings, api, standins, aws.url, found, credentials)
