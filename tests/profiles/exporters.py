"""Exporters as the role postgres_exporter runs them, and the judgement that it asks for."""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.eks_observability.stack.plugins.module_utils._database.model import RoleWish
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.verify import Verdict, verify
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError, Limits
from ansible_collections.eks_observability.stack.plugins.module_utils._http.url import UrlSource
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until
from ansible_collections.eks_observability.stack.plugins.modules.exporter_metrics import wish
from ansible_collections.eks_observability.stack.plugins.plugin_utils import _profiles

from lab.aws.secrets import Login
from lab.processes import Process
from lab.programs.model import Program
from lab.programs.wanted import version_key
from lab.waiting import wait_until as wait_for
from tests.profiles.databases import DATABASE, Database
from tests.role_variables import role_value

EXPORTER = Login("postgres_exporter", "Watch-and-tell-1")
#: Without pg_monitor.
BLIND = Login("blind_exporter", "See-nothing-1")
_PRINTABLE = string.ascii_letters + string.digits + string.punctuation
#: Every printable character, what URLs, connection strings and templates take apart, spaces at both ends.
HOSTILE = Login("hostile_exporter", f" p%40:/?#&+ \"é'\\{{{{ x }}}} {_PRINTABLE} ")
#: The oldest that the role runs. Older ones are judged, too: somebody else may have deployed them.
ROLE_SINCE = "0.15"


@dataclass(frozen=True)
class Pair:
    """A version of the exporter, and the major of the PostgreSQL that it watches."""

    exporter: str
    postgres: str

    def __str__(self) -> str:
        return f"{self.exporter}-pg{self.postgres}"

    @property
    def is_run_by_the_role(self) -> bool:
        """Whether the role takes this version."""
        return version_key(self.exporter) >= version_key(ROLE_SINCE)

    @property
    def is_too_old(self) -> bool:
        """Whether the exporter asks for columns that PostgreSQL 17 moved to other views or renamed."""
        return version_key(self.exporter) < (0, 17) and int(self.postgres) >= 17

    def role_value(self, name: str, **facts: Any) -> Any:
        """A variable of the role where this pair is wanted."""
        known = {
            "inventory_hostname": "aurora",
            "stack_region": "eu-west-1",
            "stack_namespace": "observability",
            "postgres_exporter_version": self.exporter,
            "aurora_result": {
                "cluster_id": "demo",
                "engine_version": f"{self.postgres}.1",
                "port": 5432,
                "database_name": DATABASE,
            },
            "__postgres_exporter_instance": {"instance_id": "demo", "endpoint": "demo.example.org"},
            "secrets_result": {"exporter": {"arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"}},
            "__postgres_exporter_ca_bundle": {"content": ""},
        }
        return role_value("postgres_exporter", name, known | facts)

    def arguments(self, port: int) -> list[str]:
        """What the exporter is called with. One that the role refuses gets none of its flags."""
        if not self.is_run_by_the_role:
            return [f"--web.listen-address=:{port}"]
        return list(self._container(postgres_exporter_port=port)["args"])

    def environment(self, uri: str, login: Login) -> dict[str, str]:
        """The environment of the role's container, with the values that its Secret would have."""
        secret = {"username": login.username, "password": login.password, "DATA_SOURCE_URI": uri}
        return {
            entry["name"]: secret[entry["valueFrom"]["secretKeyRef"]["key"]]
            for entry in self._container()["env"]
        }

    def variables(self) -> dict[str, Any]:
        """What the role tells the module exporter_metrics."""
        wanted: dict[str, Any] = {
            "postgres_major": int(self.postgres),
            "database": DATABASE,
            "exporter_version": self.exporter,
            "role": EXPORTER.username,
        }
        if self.is_run_by_the_role:
            for name in ("collectors_enabled", "collectors_disabled"):
                wanted[name] = self.role_value(f"__postgres_exporter_{name}")
        return wanted

    def _container(self, **facts: Any) -> dict[str, Any]:
        deployment = self.role_value("__postgres_exporter_deployment", **facts)
        container: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
        return container


def monitoring_role(pair: Pair) -> RoleWish:
    """The role in the database, as the role postgres_exporter wants it."""
    (options,) = pair.role_value("__postgres_exporter_roles")
    privileges = [{"schema": None, **each} for each in options["privileges"]]
    defaults = {"login": True, "purge_member_of": False}
    return RoleWish.from_options({**defaults, **options, "privileges": privileges})


def failed(verdict: Verdict) -> dict[str, str]:
    """What each failed check says, by its name."""
    return {check.id: str(check) for check in verdict.failures}


@dataclass(frozen=True)
class Exporter:
    """A running exporter."""

    pair: Pair
    source: UrlSource
    log: Path

    def judge(self, timeout: float = 20, **variables: Any) -> Verdict:
        """What the module exporter_metrics finds, told what the role tells it and `variables`."""
        params = {
            "profile": _profiles.load("postgres_exporter", find=str),
            "variables": self.pair.variables() | variables,
            "expect": [],
            "limits": {},
            "unsteady": [],
            "secrets": [EXPORTER.password],
            "stable_for": 1,
        }
        return verify(self.source, wish(params), functools.partial(wait_until, timeout=timeout, pause=0.2))

    def page(self) -> str:
        """What it says now."""
        return self.source.fetch("").body.decode()


@dataclass(frozen=True)
class Run:
    """How to run an exporter; what is left out is as the role has it."""

    pair: Pair
    program: Program
    database: Database
    directory: Path
    login: Login = EXPORTER
    #: Arguments after those of the role.
    more: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def started(self) -> Iterator[Exporter]:
        """Run it until the block ends."""
        port = _free_port()
        environment = self.environment or self.pair.environment(self.database.uri(), self.login)
        log = self.directory / f"{self.pair}.log"
        process = Process.start(
            str(self.pair),
            [str(self.program.path), *self.pair.arguments(port), *self.more],
            log=log,
            env=environment,
            cwd=self.directory,
        )
        limits = Limits(seconds=10)
        base = f"http://127.0.0.1:{port}"
        context = ssl.create_default_context()
        try:
            landing = UrlSource(base, context=context, headers={}, limits=limits)

            def answers() -> bool:
                if process.poll() is not None:
                    raise AssertionError(f"{self.pair} ended: {log.read_text()[-2000:]}")
                return landing.fetch("/").status == 200

            wait_for(answers, what=f"{self.pair}", timeout=20, tolerate=(FetchError,))
            metrics = UrlSource(f"{base}/metrics", context=context, headers={}, limits=limits)
            yield Exporter(self.pair, metrics, log)
        finally:
            process.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
