"""Runs modules in this process, and sees every AWS call that they make."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import botocore.session
import pytest
from ansible.module_utils.testing import patch_module_args
from botocore.client import BaseClient

from lab.aws.weather import bad_weather
from lab.request_log import read as read_log
from lab.waiting import wait_until

HERE = Path(__file__).parent
REGION = "eu-central-1"
READING = ("Describe", "List", "Get")
# Get... by name, but it makes something new; a module in check mode has no use for it.
WRITING = frozenset({"GetRandomPassword"})


@dataclasses.dataclass(frozen=True)
class Call:
    """One call to AWS."""

    operation: str
    parameters: dict[str, t.Any]

    @property
    def mutating(self) -> bool:
        if self.operation == "ExecuteStatement":
            return not self.parameters["sql"].startswith("SELECT")
        return self.operation in WRITING or not self.operation.startswith(READING)


class Calls(list[Call]):
    """All calls to AWS that modules made, in order."""

    def __init__(self) -> None:
        super().__init__()
        #: What happens, by others, just before the first call of an operation.
        self.before: dict[str, Callable[[], object]] = {}

    @property
    def mutating(self) -> list[str]:
        return [call.operation for call in self if call.mutating]


Main = Callable[[], None]


class Runner:
    """Runs a module's main() as a task would."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def __call__(self, main: Main, *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The result of a run, which must not fail; a run in check mode must not change anything either."""
        result = self._run(main, check=check, **options)
        assert not result.get("failed"), result["msg"]
        if check:
            assert self.calls.mutating == []
        return result

    def failure(self, main: Main, *, check: bool = False, **options: t.Any) -> str:
        """What a run, which must fail, says."""
        result = self._run(main, check=check, **options)
        assert result.get("failed"), result
        return str(result["msg"])

    def matrix(self, main: Main, **options: t.Any) -> list[dict[str, t.Any]]:
        """Check, for real, check again, for real again: the first two are a change, the others are none."""
        results = [self(main, check=check, **options) for check in (True, False, True, False)]
        assert [result["changed"] for result in results] == [True, True, False, False]
        assert self.calls.mutating == [], "the last run was for real, and nothing was to be done"
        return results

    def _run(self, main: Main, *, check: bool, **options: t.Any) -> dict[str, t.Any]:
        self.calls.clear()
        output = io.StringIO()
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), contextlib.redirect_stdout(output), pytest.raises(SystemExit):
            main()
        result: dict[str, t.Any] = json.loads(output.getvalue())
        result.pop("invocation", None)
        return result


@pytest.fixture(scope="session", autouse=True)
def read_service_models_once() -> Iterator[None]:
    """botocore reads megabytes of JSON for every client; here one loader remembers them for all."""
    with pytest.MonkeyPatch.context() as patch:
        loader = botocore.session.create_loader()
        patch.setattr(botocore.session, "create_loader", lambda _path: loader)
        yield


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    seen = Calls()
    make = BaseClient._make_api_call

    def record(self: BaseClient, operation_name: str, api_params: dict[str, t.Any]) -> t.Any:
        # A module's calls, not those of a laboratory that other tests have running in threads.
        if threading.current_thread() is threading.main_thread():
            if act := seen.before.pop(operation_name, None):
                act()
            seen.append(Call(operation_name, api_params))
        return make(self, operation_name, api_params)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return seen


@pytest.fixture
def run(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Runner:
    # Tests of roles import Ansible's controller side into this process; a module runs without it.
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)
    return Runner(calls)


@dataclasses.dataclass(frozen=True)
class Laboratory:
    """The laboratory's AWS, and an administrator's own view of it."""

    url: str
    key: str
    secret: str
    authority: str
    state: str

    def weather(self, **shares: float) -> contextlib.AbstractContextManager[None]:
        """Throttle, and lose answers to, these shares of all requests."""
        return bad_weather(Path(self.state), seed=1, **shares)

    def done(self, action: str) -> int:
        """How often something was done: requests that AWS has answered, or would have, with a success."""
        return sum(one["action"] == action and one["status"] == 200 for one in read_log(self._log))

    @property
    def _log(self) -> Path:
        return Path(self.state) / "aws-requests.jsonl"

    def client(self, service: str) -> t.Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )


@pytest.fixture(scope="session")
def laboratory() -> Iterator[Laboratory]:
    # Not pytest's own directory: the database server's user cannot enter it.
    state = Path(tempfile.mkdtemp(prefix="lab-plugins-"))
    state.chmod(0o711)
    process = subprocess.Popen(
        [sys.executable, str(HERE / "aws_process.py"), str(state)],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line, "the laboratory's AWS did not start"
        yield Laboratory(**json.loads(line))
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()
        shutil.rmtree(state)


@pytest.fixture
def aws(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    """The laboratory's AWS, to which modules go by themselves."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", laboratory.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", laboratory.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", laboratory.secret)
    return laboratory


@dataclasses.dataclass(frozen=True)
class Cluster:
    """An Aurora cluster of the laboratory."""

    cluster_id: str
    arn: str
    admin_secret_arn: str
    endpoint: str
    rds: t.Any

    def describe(self) -> dict[str, t.Any]:
        return described(self.rds, self.cluster_id)


def described(rds: t.Any, cluster_id: str) -> dict[str, t.Any]:
    clusters: list[dict[str, t.Any]] = rds.describe_db_clusters(DBClusterIdentifier=cluster_id)["DBClusters"]
    return clusters[0]


@pytest.fixture(scope="session")
def shared_cluster(laboratory: Laboratory) -> Cluster:
    """A provisioned cluster with one member and the Data API, made without the modules under test."""
    rds = laboratory.client("rds")
    common = {"DBClusterIdentifier": "shared", "Engine": "aurora-postgresql"}
    rds.create_db_cluster(
        **common,
        MasterUsername="dbadmin",
        ManageMasterUserPassword=True,
        DatabaseName="app",
        EnableHttpEndpoint=True,
        ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 4},
    )
    settled(rds, "shared")
    rds.create_db_instance(DBInstanceIdentifier="shared-1", DBInstanceClass="db.serverless", **common)
    settled(rds, "shared")
    cluster = described(rds, "shared")
    secret_arn = cluster["MasterUserSecret"]["SecretArn"]
    return Cluster("shared", cluster["DBClusterArn"], secret_arn, cluster["Endpoint"], rds)


def settled(rds: t.Any, cluster_id: str) -> None:
    """Wait for a cluster and its members."""

    def probe() -> bool:
        instances = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [cluster_id]}])
        states = {instance["DBInstanceStatus"] for instance in instances["DBInstances"]}
        return states | {described(rds, cluster_id)["Status"]} == {"available"}

    wait_until(probe, what=f"{cluster_id} to be available", timeout=30)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test gives to anything."""
    digest = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:10]
    return f"t{digest}"
