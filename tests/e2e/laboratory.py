"""A private laboratory for the end-to-end tests, playbook runs on it, and independent looks."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode
from urllib.request import urlopen

import boto3
import psycopg
import yaml
from kubernetes import client, config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.resource import ResourceList
from urllib3.exceptions import HTTPError

from lab.aws.weather import bad_weather
from lab.request_log import read
from lab.settings import ADMINISTRATOR

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
RECAP = re.compile(
    r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)\s+.*failed=(?P<failed>\d+)", re.M
)
ROLE = re.compile(r"^TASK \[eks_observability\.stack\.(\w+) : ")
#: Every printable character of ASCII, letters beyond it, spaces at both ends, what templates would take for
#: theirs, and what an encoding of URLs would take for encoded.
HOSTILE = f" {''.join(map(chr, range(32, 127)))}éßžЖ漢字{{{{ x }}}}{{% y %}}${{z}}%40 "
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
#: Objects that come and go by themselves.
FLEETING = {"Event", "Lease"}

T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """One playbook run: what it printed, and the requests that reached the endpoints meanwhile."""

    code: int
    output: str
    aws: Sequence[Mapping[str, Any]]
    kubernetes: Sequence[Mapping[str, Any]]
    #: What each role asked of AWS, as `service:Action`.
    asked: Mapping[str, set[str]] = field(default_factory=dict)

    @property
    def changed(self) -> dict[str, int]:
        return {match["host"]: int(match["changed"]) for match in RECAP.finditer(self.output)}

    @property
    def mutations(self) -> list[str]:
        """The playbook's requests that changed something; the laboratory's controllers have other users."""
        aws = [f"{entry['service']}:{entry['action']}" for entry in self.aws if entry["mutating"]]
        return aws + self.writes(ADMINISTRATOR)

    def writes(self, user: str) -> list[str]:
        """What a user of Kubernetes wrote without `dryRun`."""
        return [
            f"{entry['verb']} {entry['resource']} {entry['name']}"
            for entry in self.kubernetes
            if entry["user"] == user and entry["verb"] in WRITES and not entry["dryRun"]
        ]


@contextmanager
def started(name: str) -> Iterator[Laboratory]:
    """A laboratory of its own, as long as it lasts."""
    state = Path(tempfile.mkdtemp(prefix=f"stack-{name}-"))
    # Only the name: what is there already is somebody's.
    state.rmdir()
    laboratory = Laboratory(state)
    laboratory.command("up")
    try:
        yield laboratory
    finally:
        laboratory.command("down")


class Laboratory:
    def __init__(self, state: Path, **environment: str) -> None:
        path = f"{BIN}:{os.environ['PATH']}"
        self.environment = {**os.environ, "LAB_STATE": str(state), "PATH": path, **environment}
        self.environment.pop("ANSIBLE_COLLECTIONS_PATH", None)
        self.state = state
        #: What each role has asked of AWS so far.
        self.asked: dict[str, set[str]] = {}

    def command(self, verb: str, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lab", verb, *options],
            cwd=ROOT,
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
        )

    @property
    def endpoints(self) -> dict[str, Any]:
        return dict(json.loads((self.state / "endpoints.json").read_text()))

    @property
    def psql(self) -> str:
        """The client that belongs to the laboratory's PostgreSQL."""
        report = self.command("status", "--json").stdout
        return str(json.loads(report)["psql"])

    def play(
        self,
        playbook: str,
        *arguments: str,
        inventories: Sequence[str] = ("inventories/lab",),
        kubeconfig: Path | None = None,
        during: Mapping[str, Callable[[], object]] | None = None,
        alone: bool = True,
    ) -> Run:
        """Run a playbook to its end, as the user of another kubeconfig where one is given.

        `during` says what happens in the middle: an act for each task, as soon as the task is named. Where
        another run goes on at the same time (not `alone`), nobody can say which asked AWS for what.
        """
        logs = {name: Path(path) for name, path in self.endpoints["requests"].items()}
        before = {name: path.stat().st_size if path.exists() else 0 for name, path in logs.items()}
        sources = [word for inventory in inventories for word in ("-i", inventory)]
        user = ["-e", json.dumps({"lab_kubeconfig": str(kubeconfig)})] if kubeconfig else []
        left, output, marks = dict(during or {}), "", [("", before["aws"])]
        with subprocess.Popen(
            [str(BIN / "ansible-playbook"), playbook, *sources, *user, *arguments],
            cwd=ROOT,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                output += line
                if line.startswith(("TASK ", "PLAY ")):
                    role = ROLE.match(line)
                    marks.append((role[1] if role else "", logs["aws"].stat().st_size))
                for task in [task for task in left if task in line]:
                    left.pop(task)()
        assert not left, f"the run never came to {', '.join(left)}:\n{output}"
        seen = {name: read(path, before[name]) for name, path in logs.items()}
        asked = self._asked(logs["aws"], marks) if alone else {}
        for role, actions in asked.items():
            self.asked.setdefault(role, set()).update(actions)
        return Run(process.returncode, output, seen["aws"], seen["kubernetes"], asked)

    def _asked(self, log: Path, marks: list[tuple[str, int]]) -> dict[str, set[str]]:
        """The user's requests by role: a task is named before it begins, so each has a part of the log."""
        asked: dict[str, set[str]] = {}
        for (role, begin), (_next, end) in pairwise([*marks, ("", log.stat().st_size)]):
            for entry in read(log, begin, end):
                if role and str(entry["user"]).endswith(f"user/{ADMINISTRATOR}"):
                    asked.setdefault(role, set()).add(f"{entry['service']}:{entry['action']}")
        return asked

    def weather(self, **shares: float) -> AbstractContextManager[None]:
        """Throttle, and lose answers to, these shares of all requests to AWS."""
        return bad_weather(self.state, seed=1, **shares)

    def kill_at(self, task: str, playbook: str, inventories: Sequence[str]) -> None:
        """Starts a run and kills it, with all its workers, as soon as it names the task."""
        sources = [word for inventory in inventories for word in ("-i", inventory)]
        with subprocess.Popen(
            [str(BIN / "ansible-playbook"), playbook, *sources],
            cwd=ROOT,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout
            seen = any(task in line for line in process.stdout)
            os.killpg(process.pid, signal.SIGKILL)
        assert seen, f"the run never came to {task!r}"

    # Independent looks: boto3, psycopg, the Kubernetes client, HTTP.

    def aws(self, service: str, region: str | None = None) -> Any:
        credentials = Path(self.endpoints["aws_credentials_file"]).read_text()
        keys = dict(re.findall(r"(aws_access_key_id|aws_secret_access_key)\s*=\s*(\S+)", credentials))
        return boto3.client(
            service,
            endpoint_url=self.endpoints["aws_url"],
            region_name=region or self.endpoints["region"],
            **keys,
        )

    @property
    def kubernetes(self) -> DynamicClient:
        return DynamicClient(config.new_client_from_config(self.endpoints["kubeconfig"]))

    def resource(self, api_version: str, kind: str) -> Any:
        return self.kubernetes.resources.get(api_version=api_version, kind=kind)

    def secret(self, name: str, namespace: str = "observability") -> dict[str, str]:
        core = client.CoreV1Api(config.new_client_from_config(self.endpoints["kubeconfig"]))
        data = core.read_namespaced_secret(name, namespace).data
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def document(self, name: str) -> dict[str, Any]:
        answer = self.aws("secretsmanager").get_secret_value(SecretId=name)
        return dict(json.loads(answer["SecretString"]))

    def master(self, cluster: str) -> psycopg.Connection[tuple[Any, ...]]:
        found = self.aws("rds").describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
        login = self.document(found["MasterUserSecret"]["SecretArn"])
        return self.login(
            found["Endpoint"], found["Port"], found["DatabaseName"], login["username"], login["password"]
        )

    def login(
        self, host: str, port: int, database: str, user: str, password: str
    ) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host=host, port=port, dbname=database, user=user, password=password, autocommit=True,
            sslmode="verify-full", sslrootcert=self.endpoints["database_ca_file"],
        )  # fmt: skip

    def prometheus(self, path: str, **query: str) -> Any:
        with urlopen(f"{self.endpoints['prometheus_url']}/api/v1/{path}?{urlencode(query)}") as answer:
            return json.load(answer)["data"]

    def everything(self) -> set[tuple[str, ...]]:
        """Every object on the cluster, and everything in the account that a stack could be made of."""
        return self._on_the_cluster() | self._in_the_account()

    def _on_the_cluster(self) -> set[tuple[str, ...]]:
        listable = [
            resource
            for resource in self.kubernetes.resources.search()
            if not isinstance(resource, ResourceList)
            and "list" in (resource.verbs or [])
            and resource.kind not in FLEETING
        ]
        return {
            (resource.kind, item.metadata.namespace or "", item.metadata.name)
            for resource in listable
            for item in resource.get().items
        }

    def _in_the_account(self) -> set[tuple[str, ...]]:
        rds, iam = self.aws("rds"), self.aws("iam")
        roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
        names = {
            "cluster": [one["DBClusterIdentifier"] for one in rds.describe_db_clusters()["DBClusters"]],
            "member": [one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]],
            "subnet group": [
                one["DBSubnetGroupName"] for one in rds.describe_db_subnet_groups()["DBSubnetGroups"]
            ],
            "parameter group": [
                one["DBClusterParameterGroupName"]
                for one in rds.describe_db_cluster_parameter_groups()["DBClusterParameterGroups"]
            ],
            "security group": [
                one["GroupName"] for one in self.aws("ec2").describe_security_groups()["SecurityGroups"]
            ],
            "role": roles,
            "policy": [one["PolicyName"] for one in iam.list_policies(Scope="Local")["Policies"]],
            "instance profile": [
                one["InstanceProfileName"] for one in iam.list_instance_profiles()["InstanceProfiles"]
            ],
            # Those in their recovery window are not listed.
            "secret": [one["Name"] for one in self.aws("secretsmanager").list_secrets()["SecretList"]],
        }
        return {(kind, name) for kind, found in names.items() for name in found}

    def secrets_in_use(self) -> list[str]:
        """Every value that no output may contain."""
        manager = self.aws("secretsmanager")
        names = [
            secret["ARN"]
            for page in manager.get_paginator("list_secrets").paginate()
            for secret in page["SecretList"]
        ]
        passwords = [self.document(name)["password"] for name in names]
        keys = re.findall(
            r"aws_secret_access_key\s*=\s*(\S+)", Path(self.endpoints["aws_credentials_file"]).read_text()
        )
        user = yaml.safe_load(Path(self.endpoints["kubeconfig"]).read_text())["users"][0]["user"]
        kubernetes = [user["token"]] if "token" in user else Path(user["client-key"]).read_text().split()
        assert passwords
        assert keys
        assert kubernetes
        return passwords + keys + [word for word in kubernetes if len(word) > 16]

    def answers(self) -> bool:
        """Whether the Kubernetes API is ready."""
        try:
            client.CoreV1Api(config.new_client_from_config(self.endpoints["kubeconfig"])).list_namespace()
        except (client.ApiException, HTTPError):
            return False
        return True


def eventually(probe: Callable[[], T], what: str, timeout: float = 30) -> T:
    """Asks until the answer is true; an AssertionError says what was last seen."""
    end = time.monotonic() + timeout
    while not (seen := probe()):
        assert time.monotonic() < end, f"{what} not within {timeout} s, last seen: {seen!r}"
        time.sleep(0.2)
    return seen
