"""The laboratory's daemon: starts all parts in order, keeps them, stops them in reverse."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from lab import control
from lab.network import private
from lab.processes import end_survivors
from lab.programs import Programs
from lab.settings import Settings
from lab.state import Record, State, process_identity, write_json, write_text

if TYPE_CHECKING:
    from lab.aws import AwsEndpoint
    from lab.standins import Standins

PROFILE = "lab"
log = logging.getLogger("lab")


class Supervisor:
    """Starts the parts of one laboratory and writes down how far it is."""

    def __init__(self, settings: Settings, programs: Programs) -> None:
        self._settings = settings
        self._programs = programs
        self._state = State(settings)
        self._record = Record(
            pid=os.getpid(),
            identity=process_identity(os.getpid()) or "",
            settings=dataclasses.asdict(settings),
        )
        self._state.write_record(self._record)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; then stop everything in order."""
        with contextlib.ExitStack() as running:
            running.callback(end_survivors, self._settings.state)
            self._start(running)
            threading.Event().wait()

    def failed(self, error: BaseException) -> None:
        """Write down why the start failed."""
        part = next((name for name, state in self._record.parts.items() if state == "starting"), "laboratory")
        self._record.parts[part] = "failed"
        self._record.failure = f"{part}: {error or type(error).__name__}"
        self._state.write_record(self._record)

    @contextlib.contextmanager
    def _part(self, name: str) -> Iterator[None]:
        self._record.parts[name] = "starting"
        self._state.write_record(self._record)
        log.info("%s: starting", name)
        yield
        self._record.parts[name] = "running"
        self._state.write_record(self._record)
        log.info("%s: running", name)

    def _start(self, running: contextlib.ExitStack) -> None:
        settings, programs = self._settings, self._programs
        with self._part("kubernetes"):
            # Imported here, as each takes long: whoever waits sees which part it is.
            from lab.certificates import Authority
            from lab.kubernetes import open_kubernetes
            from lab.network import open_network

            network = open_network(settings)
            authority = Authority.create(settings.state / "certificates")
            kubernetes = open_kubernetes(settings, authority, network, programs)
            kubernetes.start()
            running.callback(_stop, "kubernetes", kubernetes.stop)
        with self._part("aws"):
            from lab.aws import AwsEndpoint

            aws = AwsEndpoint(settings, authority, programs.postgres, kubernetes, network)
            aws.start()
            running.callback(_stop, "aws", aws.stop)
            config, credentials = _write_aws_files(settings, aws)
        with self._part("stand-ins"):
            from lab.standins import Standins

            standins = Standins(settings, kubernetes, programs, aws.url, network)
            standins.start()
            running.callback(_stop, "stand-ins", standins.stop)
        control.serve(settings.state, lambda: _live(settings, aws, standins))
        endpoints = {
            "aws_config_file": config,
            "aws_credentials_file": credentials,
            "aws_profile": PROFILE,
            "kubeconfig": kubernetes.kubeconfig,
            "region": settings.region,
            "account": settings.account,
            "eks_cluster": settings.eks_cluster,
            "postgres_major": programs.postgres.major,
            "exporter_version": programs.exporter.version,
            "database_ca_file": authority.certificate,
            "aws_url": aws.url,
            "kubernetes_url": kubernetes.server,
            "prometheus_url": standins.addresses().get("prometheus"),
            "logs": settings.logs,
            "state": settings.state,
            **_of_control_plane(settings, programs),
            "requests": {
                "aws": settings.state / "aws-requests.jsonl",
                "kubernetes": settings.state / "kubernetes-audit.jsonl",
            },
        }
        # Last: this file is the sign that everything is ready.
        write_json(settings.endpoints, endpoints)


def _of_control_plane(settings: Settings, programs: Programs) -> dict[str, Any]:
    """What tests and people need to install External Secrets by themselves."""
    plane = programs.control_plane
    if plane is None:
        return {}
    from lab.standins import operators

    return {
        "helm": plane.helm.path,
        "kubectl": plane.kubectl.path,
        "external_secrets_chart": operators.chart(plane),
        "external_secrets_values": operators.values_file(settings.state),
    }


def _stop(name: str, stop: Callable[[], None]) -> None:
    log.info("%s: stopping", name)
    try:
        stop()
    except Exception:
        # The other parts have to be stopped all the same; what this one left is ended by its marker.
        log.exception("%s: did not stop in order", name)


def _write_aws_files(settings: Settings, aws: AwsEndpoint) -> tuple[Path, Path]:
    directory = settings.state / "aws"
    directory.mkdir(mode=0o700, exist_ok=True)
    config, credentials = directory / "config", directory / "credentials"
    write_text(
        config, f"[profile {PROFILE}]\nregion = {settings.region}\nendpoint_url = {aws.url}\noutput = json\n"
    )
    key, secret = aws.credentials
    write_text(credentials, f"[{PROFILE}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
    return config, credentials


def _live(settings: Settings, aws: AwsEndpoint, standins: Standins) -> dict[str, Any]:
    """Addresses that come and go while the laboratory runs."""
    # moto has imported it already, and `lab status` must not.
    import boto3

    key, secret = aws.credentials
    rds = boto3.client(
        "rds",
        region_name=settings.region,
        endpoint_url=aws.url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )
    databases = {
        cluster["DBClusterIdentifier"]: (
            f"postgresql://{cluster['MasterUsername']}@{cluster['Endpoint']}:{cluster['Port']}"
            f"/{cluster.get('DatabaseName', 'postgres')}"
        )
        for cluster in rds.describe_db_clusters()["DBClusters"]
        if "Endpoint" in cluster
    }
    return {**standins.addresses(), "databases": databases}


def _interrupt(number: int, frame: FrameType | None) -> None:
    # A second signal must not disturb the orderly stop.
    _on_signal(signal.SIG_IGN)
    raise KeyboardInterrupt


def _on_signal(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)


def main() -> int:
    """Run the daemon of the laboratory that the environment names."""
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    _on_signal(_interrupt)
    settings = Settings.from_environment()
    if settings.kubernetes == "control-plane" and not private.inside():
        private.enter("lab.supervisor")
    programs = Programs.from_json(json.loads((settings.state / "programs.json").read_text()))
    supervisor = Supervisor(settings, programs)
    try:
        supervisor.run()
    except KeyboardInterrupt:
        log.info("stopped")
        return 0
    except Exception as error:
        _on_signal(signal.SIG_IGN)
        log.exception("the start failed")
        supervisor.failed(error)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # A thread that hangs in a part that failed must not keep the process.
    sys.stdout.flush()
    os._exit(code)
