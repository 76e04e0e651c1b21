"""A Kubernetes API in this process, without etcd, for what the laboratory needs.

It keeps objects in memory, validates, defaults, merges and watches them as the real server does, and follows
the few controllers without which no client can work: namespaces, owners, definitions. Pods, Deployments,
endpoints and operators are the business of the stand-ins.

Declared differences from a real cluster: no authorization (every known user may do everything; the audit log
says who did), no limit and continue in lists (they are always whole), no protobuf, no tables, no rules in
CEL, no webhooks, no pod security, no quotas, no kinds but those of the table; Endpoints and EndpointSlices
may have loopback addresses, and the proxy goes there. The rest is in tests/conformance/differences.yml, where
all of it is compared with a real API server.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import yaml
from aiohttp import web

from lab.certificates import Authority
from lab.kubernetes.access import kubeconfig_path, write_kubeconfig
from lab.kubernetes.embedded.audit import Audit
from lab.kubernetes.embedded.call import Call
from lab.kubernetes.embedded.kinds import Kinds
from lab.kubernetes.embedded.lifecycle import Lifecycle
from lab.kubernetes.embedded.objects import Object, clone
from lab.kubernetes.embedded.server import Server
from lab.kubernetes.embedded.store import Store
from lab.kubernetes.embedded.strategy import Strategy
from lab.kubernetes.embedded.tokens import Tokens
from lab.kubernetes.embedded.verbs import Verbs
from lab.settings import ADMINISTRATOR, Settings

_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_HOSTS = ("127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
_DEFINITIONS = Path(__file__).with_name("crds")
_START_SECONDS = 20


class EmbeddedKubernetes:
    """The API server; `start` and `stop` may be called from any thread."""

    def __init__(self, settings: Settings, authority: Authority) -> None:
        self._settings = settings
        self._authority = authority
        self._kubeconfigs: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._finish: Callable[[], object] = _nothing
        self._tokens: Tokens | None = None
        self._server = ""

    @property
    def server(self) -> str:
        """URL of the API."""
        return self._server

    @property
    def authority(self) -> Path:
        """PEM file with the certificate that clients trust."""
        return self._authority.certificate

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the administrator."""
        return self.kubeconfig_for(ADMINISTRATOR)

    def start(self) -> None:
        """Serve; returns when requests are answered."""
        if self._thread:
            return
        ready: Future[str] = Future()
        thread = threading.Thread(target=self._run, args=(ready,), name="kubernetes-api", daemon=True)
        thread.start()
        self._server = ready.result(_START_SECONDS)
        self._thread = thread

    def stop(self) -> None:
        """End all requests and watches, and the server."""
        if self._thread:
            self._finish()
            self._thread.join()
            self._thread = None

    def kubeconfig_for(self, user: str) -> Path:
        """Kubeconfig of a user by name; the file is private, and made when it is asked for first."""
        with self._lock:
            if user not in self._kubeconfigs:
                path = kubeconfig_path(self._settings.state, user)
                token = self._known_tokens().token_of(user)
                write_kubeconfig(
                    path,
                    server=self.server,
                    authority=self.authority,
                    user=user,
                    credentials={"token": token},
                )
                self._kubeconfigs[user] = path
            return self._kubeconfigs[user]

    def jwks(self) -> Object:
        """The public keys of service-account tokens, as a JSON Web Key Set."""
        key_set: Object = clone(self._known_tokens().key_set)
        return key_set

    def _known_tokens(self) -> Tokens:
        if self._tokens is None:
            raise RuntimeError("The embedded Kubernetes API has not been started; call start() first.")
        return self._tokens

    def _run(self, ready: Future[str]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            if ready.done():
                raise
            # start() raises it in the thread that waits for it.
            ready.set_exception(error)

    async def _serve(self, ready: Future[str]) -> None:
        loop, finished = asyncio.get_running_loop(), asyncio.Event()
        self._finish = partial(loop.call_soon_threadsafe, finished.set)
        store, kinds = Store(), Kinds()
        verbs = Verbs(store, Strategy())
        self._tokens = Tokens(store, self._settings.issuer)
        audit = Audit(self._settings.state / "kubernetes-audit.jsonl")
        lifecycle = Lifecycle(store, kinds, verbs, self.authority.read_text(), loop.call_soon)
        seed(kinds, verbs)
        while not lifecycle.is_idle:
            # Namespaces are furnished and definitions established before the first request.
            await asyncio.sleep(0)
        runner = web.AppRunner(
            Server(store, kinds, verbs, self._tokens, audit).application,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.5,
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._ssl_context())
        await site.start()
        host, port = runner.addresses[0][:2]
        ready.set_result(f"https://{host}:{port}")
        try:
            await finished.wait()
        finally:
            await runner.cleanup()
            audit.close()

    def _ssl_context(self) -> ssl.SSLContext:
        issued = self._authority.issue("kubernetes", _HOSTS)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(issued.certificate, issued.key)
        return context


def _nothing() -> None:
    """There is no server to end."""


def seed(kinds: Kinds, verbs: Verbs) -> None:
    """What every cluster has, and the definitions of the operators."""
    for name in _NAMESPACES:
        verbs.create(
            Call(kinds.find("", "v1", "namespaces"), manager="kube-apiserver"), {"metadata": {"name": name}}
        )
    kind = kinds.find("apiextensions.k8s.io", "v1", "customresourcedefinitions")
    for path in sorted(_DEFINITIONS.glob("*.yaml")):
        for document in yaml.load(path.read_text(), yaml.CSafeLoader)["items"]:
            verbs.create(Call(kind, manager="helm"), document)
