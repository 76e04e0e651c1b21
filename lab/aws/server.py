"""The AWS endpoint: starts moto's server with everything that the laboratory changes in it."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any, Protocol

import moto.moto_api._internal.urls
from moto import backends
from moto.server import ThreadedMotoServer

from lab.aws import cbor, oidc_providers, seed, tagging
from lab.aws.cloudwatch import Sampler
from lab.aws.data_api import DataApi
from lab.aws.iam import Gate
from lab.aws.patches import Patches
from lab.aws.rds import Rds
from lab.aws.rds_aurora import Aurora
from lab.aws.rds_clusters import rotate
from lab.aws.request_log import RequestLog
from lab.aws.secret_rotation import SecretRotation
from lab.aws.secrets import Secrets
from lab.aws.sts import WebIdentity
from lab.aws.weather import Weather
from lab.certificates import Authority
from lab.network import HOST, Network
from lab.programs import Program
from lab.settings import Settings

_one_at_a_time = threading.Lock()
_SERVICES = (
    *("cloudwatch", "ec2", "eks", "iam", "kms", "rds", "rdsdata"),
    *("resourcegroupstaggingapi", "secretsmanager", "sts"),
)


class Kubernetes(Protocol):
    """What AWS has to know of the EKS cluster's Kubernetes."""

    @property
    def server(self) -> str:
        """URL of its API."""

    @property
    def authority(self) -> Path:
        """Certificate that its clients need."""

    def jwks(self) -> dict[str, Any]:
        """Public keys of its service account tokens."""


class AwsEndpoint:
    """AWS on a free loopback port. moto keeps its state per process, so there is one at a time.

    An endpoint is started and stopped once.
    """

    def __init__(
        self,
        settings: Settings,
        authority: Authority,
        postgres: Program,
        kubernetes: Kubernetes,
        network: Network = HOST,
    ) -> None:
        self._settings = settings
        self._kubernetes = kubernetes
        self._patches = Patches()
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=network.port(), verbose=False)
        self._secrets = Secrets(settings)
        self._aurora = Aurora(settings, authority, postgres, self._secrets, network)
        self._sampler = Sampler(self._aurora)
        self._log: RequestLog | None = None
        self._data_api: DataApi | None = None
        self._running = False
        self.url = ""
        #: Access key id and secret access key of the administrator.
        self.credentials = ("", "")

    def start(self) -> None:
        """Seed the account and answer requests; raises what the first failing part raises."""
        if not _one_at_a_time.acquire(blocking=False):
            raise RuntimeError(
                "An AWS endpoint runs in this process already, and moto has room for one only."
            )
        self._running = True
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        # One line per request says less than the request log.
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        for service in _SERVICES:
            backends.get_backend(service).reset()
        self._log = RequestLog(self._settings.state / "aws-requests.jsonl")
        weather = Weather(self._settings.state)
        self._install(Gate(self._settings, self._log, weather))
        self.credentials = seed.create_administrator(self._settings)
        seed.create_eks_cluster(self._settings, self._kubernetes)
        self._aurora.start()
        self._server.start()
        self._sampler.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"

    def _install(self, gate: Gate) -> None:
        patches = self._patches
        gate.install(patches)
        gate.resources["secretsmanager"] = self._secrets.resource
        gate.resource_policies["secretsmanager"] = self._secrets.policy
        gate.resources["sts"] = lambda response, action: response._get_param("RoleArn") or "*"
        self._secrets.install(patches)
        SecretRotation(self._settings, lambda arn: rotate(self._aurora, arn)).install(patches)
        oidc_providers.install(patches)
        cbor.install(patches)
        tagging.install(patches, self._aurora)
        WebIdentity(self._settings, self._kubernetes).install(patches)
        Rds(self._aurora).install(patches)
        self._data_api = DataApi(self._aurora, gate)
        self._data_api.install(patches)
        # moto's own control paths know no caller, and one of them tells all secrets.
        patches.attribute(moto.moto_api._internal.urls, "url_paths", {})
        # It would look at its own folders for each request.
        modules = tuple(backends.list_of_moto_modules())
        patches.attribute(backends, "list_of_moto_modules", lambda: modules)

    def stop(self) -> None:
        """Stop the servers and take back all patches."""
        if self.url:
            self._sampler.stop()
            self._server.stop()
        if self._data_api:
            self._data_api.stop()
        self._aurora.stop()
        self._patches.undo()
        if self._log:
            self._log.close()
        if self._running:
            self._running = False
            _one_at_a_time.release()
