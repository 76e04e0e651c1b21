"""A real control plane: etcd, kube-apiserver and kube-controller-manager as processes of this machine.

There is no scheduler, no proxy of cluster addresses and no name service: one node runs all pods, the API
server finds a Service's pods by itself, and pods are told the API server's address.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import urllib3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.certificates import Authority
from lab.kubernetes.access import kubeconfig_path, write_kubeconfig, write_private
from lab.kubernetes.control_plane.guard import Guarded
from lab.network import Network
from lab.network.private import NODE
from lab.programs import ControlPlane
from lab.settings import ADMINISTRATOR, Settings
from lab.waiting import wait_until

#: What may do everything. The operators are not among them: they have the rights of their own accounts.
_MASTERS = "system:masters"
_GROUPS = {"system:kube-controller-manager": ()}
_ETCD = "http://127.0.0.1:2379"
_AUDIENCE = "https://kubernetes.default.svc"
_SERVICES = "10.100.0.0/16"
_HOSTS = (NODE, "127.0.0.1", "localhost", "10.100.0.1", "kubernetes", "kubernetes.default", _AUDIENCE[8:])
_POLICY = Path(__file__).with_name("audit.yaml")
_START_SECONDS = 60.0


class ControlPlaneKubernetes:
    """The API server; its address is the same inside and outside of the private network."""

    def __init__(
        self, settings: Settings, authority: Authority, network: Network, programs: ControlPlane
    ) -> None:
        self._settings = settings
        self._authority = authority
        self._programs = programs
        self._port = network.port()
        self._servers: list[Guarded] = []
        self._kubeconfigs: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._directory = settings.state / "control-plane"
        self._http: urllib3.PoolManager | None = None

    @property
    def server(self) -> str:
        """URL of the API."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def authority(self) -> Path:
        """PEM file with the certificate that clients trust."""
        return self._authority.certificate

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the administrator."""
        return self.kubeconfig_for(ADMINISTRATOR)

    def start(self) -> None:
        """Start the servers; returns when the API is ready."""
        self._directory.mkdir(mode=0o700)
        self._write_signing_key()
        client = self._authority.issue_client("client-lab", "lab", (_MASTERS,))
        self._http = urllib3.PoolManager(
            ca_certs=str(self.authority),
            cert_file=str(client.certificate),
            key_file=str(client.key),
            retries=False,
            timeout=5,
        )
        self._launch("etcd", self._programs.etcd.path, self._etcd())
        self._launch("kube-apiserver", self._programs.kube_apiserver.path, self._api_server())
        wait_until(
            self._ready,
            what=f"the API server (log: {self._settings.logs / 'kube-apiserver.log'})",
            timeout=_START_SECONDS,
            tolerate=(urllib3.exceptions.HTTPError,),
        )
        manager = self._programs.kube_controller_manager.path
        self._launch("kube-controller-manager", manager, self._controller_manager())

    def stop(self) -> None:
        """End all servers, the API's clients first."""
        while self._servers:
            self._servers.pop().stop()

    def kubeconfig_for(self, user: str) -> Path:
        """Kubeconfig of a user by name; the file is private, and made when it is asked for first."""
        with self._lock:
            if user not in self._kubeconfigs:
                path = kubeconfig_path(self._settings.state, user)
                groups = _GROUPS.get(user, (_MASTERS,))
                issued = self._authority.issue_client(f"client-{path.stem}", user, groups)
                credentials = {
                    "client-certificate": str(issued.certificate),
                    "client-key": str(issued.key),
                }
                write_kubeconfig(
                    path, server=self.server, authority=self.authority, user=user, credentials=credentials
                )
                self._kubeconfigs[user] = path
            return self._kubeconfigs[user]

    def jwks(self) -> dict[str, Any]:
        """The public keys of service-account tokens, as the API server publishes them."""
        keys: dict[str, Any] = json.loads(self._get("/openid/v1/jwks").data)
        return keys

    def _ready(self) -> bool:
        return self._get("/readyz").status == 200

    def _get(self, path: str) -> urllib3.BaseHTTPResponse:
        if self._http is None:
            raise RuntimeError("The control plane has not been started; call start() first.")
        return self._http.request("GET", f"{self.server}{path}")

    def _launch(self, name: str, program: Path, options: dict[str, object]) -> None:
        flags = [f"--{option}={value}" for option, value in options.items()]
        self._servers.append(Guarded(name, [str(program), *flags], self._settings.logs / f"{name}.log"))

    def _write_signing_key(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(self._directory / "service-accounts.key", private.decode())

    def _etcd(self) -> dict[str, object]:
        return {
            "data-dir": self._directory / "etcd",
            "listen-client-urls": _ETCD,
            "advertise-client-urls": _ETCD,
            "listen-peer-urls": "http://127.0.0.1:2380",
            # What a laboratory keeps need not outlive the machine.
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }

    def _api_server(self) -> dict[str, object]:
        issued = self._authority.issue("kube-apiserver", _HOSTS)
        key = self._directory / "service-accounts.key"
        return {
            "etcd-servers": _ETCD,
            "bind-address": "0.0.0.0",
            "secure-port": self._port,
            "advertise-address": NODE,
            "tls-cert-file": issued.certificate,
            "tls-private-key-file": issued.key,
            "client-ca-file": self.authority,
            "authorization-mode": "Node,RBAC",
            "service-account-issuer": self._settings.issuer,
            "service-account-jwks-uri": f"https://{NODE}:{self._port}/openid/v1/jwks",
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "api-audiences": _AUDIENCE,
            "service-cluster-ip-range": _SERVICES,
            # Webhooks are called at their pods, as there is no proxy of cluster addresses.
            "enable-aggregator-routing": "true",
            "allow-privileged": "true",
            "audit-policy-file": _POLICY,
            "audit-log-path": self._settings.state / "kubernetes-audit.jsonl",
            "profiling": "false",
        }

    def _controller_manager(self) -> dict[str, object]:
        return {
            "kubeconfig": self.kubeconfig_for("system:kube-controller-manager"),
            "root-ca-file": self.authority,
            "service-account-private-key-file": self._directory / "service-accounts.key",
            "use-service-account-credentials": "true",
            "leader-elect": "false",
            "secure-port": "0",
            "profiling": "false",
        }
