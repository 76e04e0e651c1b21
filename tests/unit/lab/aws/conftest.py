"""One AWS endpoint for all tests of it, with the machine's real PostgreSQL.

This directory is a package, so that its fixtures end with it: moto serves one endpoint at a time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from lab.aws import AwsEndpoint
from lab.certificates import Authority
from lab.programs import Program
from lab.settings import Settings
from lab.waiting import wait_until

TRANSITION_SECONDS = 0.1
SECRET_PASSWORD = "right-Password-1"


def find_postgres() -> Program | None:
    """The newest PostgreSQL of Debian's packages, or the one on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("postgres")
    candidates = [*found, *([Path(on_path)] if on_path else [])]
    if not candidates:
        return None
    text = subprocess.run([candidates[-1], "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\d+\.\d+", text)
    assert version
    return Program(candidates[-1], version[0])


class FakeKubernetes:
    """Signs tokens of service accounts, and does nothing else."""

    server = "https://127.0.0.1:6443"

    def __init__(self, settings: Settings, authority: Path) -> None:
        self.authority = authority
        self._issuer = settings.issuer
        self.key = RSAKey.generate_key(2048, {"kid": "test", "use": "sig", "alg": "RS256"})

    def jwks(self) -> dict[str, Any]:
        return KeySet([self.key]).as_dict(private=False)

    def token(self, subject: str = "system:serviceaccount:observability:aurora-access", **claims: Any) -> str:
        """A token; a claim of None is left out."""
        payload = {
            "iss": self._issuer,
            "sub": subject,
            "aud": ["sts.amazonaws.com"],
            "exp": int(time.time()) + 600,
            **claims,
        }
        present = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "test"}, present, self.key)


class Aws:
    """The endpoint and an administrator's view of it."""

    def __init__(self, settings: Settings, endpoint: AwsEndpoint, kubernetes: FakeKubernetes) -> None:
        self.settings = settings
        self.endpoint = endpoint
        self.kubernetes = kubernetes
        self._clients: dict[str, Any] = {}

    def client(self, service: str, credentials: tuple[str, ...] = (), **options: Any) -> Any:
        """A client of the administrator, or of whoever has `credentials` (key, secret, token)."""
        key, secret, *token = credentials or self.endpoint.credentials
        return boto3.client(
            service,
            **{"region_name": self.settings.region, "endpoint_url": self.endpoint.url, **options},
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token[0] if token else None,
        )

    def __getattr__(self, name: str) -> Any:
        """A kept client of the administrator: `aws.rds`, `aws.rds_data`."""
        service = name.replace("_", "-")
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return self._clients[service]

    def unsigned(self, service: str) -> Any:
        return self.client(service, config=Config(signature_version=UNSIGNED))

    def cluster(self, identifier: str) -> dict[str, Any]:
        return self.rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]

    def member(self, identifier: str) -> dict[str, Any]:
        return self.rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]

    def wait_cluster(self, identifier: str, status: str = "available") -> dict[str, Any]:
        """Wait for a status; any failure status ends it at once."""

        def probe() -> dict[str, Any] | None:
            cluster = self.cluster(identifier)
            assert cluster["Status"] not in {"failed", "incompatible-parameters"} - {status}
            return cluster if cluster["Status"] == status else None

        return wait_until(probe, what=f"{identifier} to be {status}", timeout=60, pause=0.02)

    def wait_member(self, identifier: str, status: str = "available") -> dict[str, Any]:
        def probe() -> dict[str, Any] | None:
            member = self.member(identifier)
            return member if member["DBInstanceStatus"] == status else None

        return wait_until(probe, what=f"{identifier} to be {status}", timeout=60, pause=0.02)

    def wait_gone(self, describe: Any, code: str) -> None:
        def probe() -> bool:
            try:
                describe()
            except ClientError as error:
                return error.response["Error"]["Code"] == code
            return False

        wait_until(probe, what=code, timeout=60, pause=0.02)

    def create(self, identifier: str, *, members: int = 0, **changes: Any) -> dict[str, Any]:
        """A cluster, available; a value of None leaves an argument out."""
        self.rds.create_db_cluster(**cluster_arguments(identifier, **changes))
        self.wait_cluster(identifier)
        for number in range(1, members + 1):
            self.rds.create_db_instance(
                DBInstanceIdentifier=f"{identifier}-{number}",
                DBClusterIdentifier=identifier,
                DBInstanceClass="db.serverless",
                Engine="aurora-postgresql",
                PromotionTier=number,
            )
            self.wait_member(f"{identifier}-{number}")
        return self.cluster(identifier)

    def secret(self, arn: str) -> dict[str, Any]:
        return json.loads(self.secretsmanager.get_secret_value(SecretId=arn)["SecretString"])

    def master(self, cluster: dict[str, Any]) -> dict[str, Any]:
        return self.secret(cluster["MasterUserSecret"]["SecretArn"])

    def login(self, cluster: dict[str, Any], user: str, password: str, **options: Any) -> Any:
        """A session in the cluster's database; verify-full is the default."""
        return psycopg.connect(
            **{
                "host": cluster["Endpoint"],
                "port": cluster["Port"],
                "user": user,
                "password": password,
                "dbname": "app",
                "sslmode": "verify-full",
                "sslrootcert": str(self.kubernetes.authority),
                "connect_timeout": 5,
                **options,
            }
        )

    def log(self) -> list[dict[str, Any]]:
        """All requests so far."""
        text = (self.settings.state / "aws-requests.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


def cluster_arguments(identifier: str, **changes: Any) -> dict[str, Any]:
    arguments = {
        "DBClusterIdentifier": identifier,
        "Engine": "aurora-postgresql",
        "MasterUsername": "dbadmin",
        "MasterUserPassword": SECRET_PASSWORD,
        "DatabaseName": "app",
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 2},
        **changes,
    }
    return {name: value for name, value in arguments.items() if value is not None}


def code_of(call: Any, **arguments: Any) -> tuple[str, str]:
    """Code and message of the error with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="session")
def refusal() -> Any:
    return code_of


@pytest.fixture(scope="session")
def arguments() -> Any:
    return cluster_arguments


@pytest.fixture(scope="session")
def postgres() -> Program:
    program = find_postgres()
    if program is None:
        pytest.skip("no PostgreSQL server on this machine")
    return program


@pytest.fixture(scope="package")
def aws(postgres: Program) -> Iterator[Aws]:
    # Not pytest's own directory: the server's user cannot enter it.
    state = Path(tempfile.mkdtemp(prefix="lab-aws-"))
    state.chmod(0o711)
    settings = Settings(state=state, transition_seconds=TRANSITION_SECONDS)
    authority = Authority.create(state / "certificates")
    kubernetes = FakeKubernetes(settings, authority.certificate)
    endpoint = AwsEndpoint(settings, authority, postgres, kubernetes)
    endpoint.start()
    try:
        yield Aws(settings, endpoint, kubernetes)
    finally:
        endpoint.stop()
        left = processes_of(state)
        shutil.rmtree(state)
    assert not left, f"stop() left processes: {left}"


def processes_of(state: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(state) in command and int(entry.name) != os.getpid():
                found.append(command)
    return found


@pytest.fixture(scope="package")
def network(aws: Aws) -> dict[str, Any]:
    """VPC, subnets and cluster security group of the EKS cluster, and a subnet group on them."""
    config = aws.eks.describe_cluster(name=aws.settings.eks_cluster)["cluster"]["resourcesVpcConfig"]
    aws.rds.create_db_subnet_group(
        DBSubnetGroupName="shared", DBSubnetGroupDescription="shared", SubnetIds=config["subnetIds"]
    )
    return {**config, "group": "shared"}


@pytest.fixture(scope="package")
def plain(aws: Aws, network: dict[str, Any]) -> dict[str, Any]:
    """A cluster without members, scaling or security groups of its own."""
    return aws.create("plain", ServerlessV2ScalingConfiguration=None, DBSubnetGroupName=network["group"])


@pytest.fixture(scope="package")
def shared(aws: Aws, network: dict[str, Any]) -> dict[str, Any]:
    """A cluster with a member, a managed password and the Data API, which tests only read."""
    return aws.create(
        "shared",
        members=1,
        MasterUserPassword=None,
        ManageMasterUserPassword=True,
        DBSubnetGroupName=network["group"],
        VpcSecurityGroupIds=[network["clusterSecurityGroupId"]],
        EnableHttpEndpoint=True,
    )
