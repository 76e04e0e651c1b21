"""Which cluster the laboratory uses, and a cluster that is already there."""

from __future__ import annotations

import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, watch

from lab.certificates import Authority
from lab.kubernetes import Kubernetes, open_kubernetes
from lab.kubernetes.kubeconfig import KubeconfigKubernetes
from lab.settings import Settings


def test_an_unknown_kind_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="LAB_KUBERNETES is 'minikube'; the laboratory knows"):
        open_kubernetes(replace(settings, kubernetes="minikube"), Authority.create(tmp_path))


class TestEmbedded:
    def test_start_and_stop_may_be_called_twice(self, settings: Settings, tmp_path: Path) -> None:
        server = open_kubernetes(replace(settings, state=tmp_path), Authority.create(tmp_path / "ca"))
        server.start()
        first = server.server
        server.start()
        assert server.server == first
        server.stop()
        server.stop()

    def test_stop_ends_watches(self, settings: Settings, tmp_path: Path) -> None:
        server = open_kubernetes(replace(settings, state=tmp_path), Authority.create(tmp_path / "ca"))
        server.start()
        with config.new_client_from_config(str(server.kubeconfig)) as library:
            stream = watch.Watch().stream(client.CoreV1Api(library).list_namespace)
            next(stream)
            started = time.monotonic()
            server.stop()
            assert time.monotonic() - started < 3

    def test_what_needs_a_running_server_says_so(self, settings: Settings, tmp_path: Path) -> None:
        server = open_kubernetes(replace(settings, state=tmp_path), Authority.create(tmp_path / "ca"))
        with pytest.raises(RuntimeError, match=r"call start\(\) first"):
            server.jwks()


class TestKubeconfig:
    @pytest.fixture
    def environ(self, kubernetes: Kubernetes, tmp_path: Path) -> dict[str, str]:
        """A user's kubeconfig with two contexts in two files, certificates beside it."""
        given = yaml.safe_load(kubernetes.kubeconfig.read_text())
        (tmp_path / "ca.crt").write_bytes(kubernetes.authority.read_bytes())
        given["clusters"][0]["cluster"] = {"server": kubernetes.server, "certificate-authority": "ca.crt"}
        other = {"contexts": [{"name": "prod", "context": {"cluster": "gone", "user": "gone"}}]}
        (tmp_path / "one").write_text(yaml.safe_dump(given))
        (tmp_path / "two").write_text(yaml.safe_dump(other))
        return {"KUBECONFIG": f"{tmp_path / 'one'}:{tmp_path / 'two'}"}

    def _open(self, tmp_path: Path, environ: Any, context: str | None) -> KubeconfigKubernetes:
        settings = Settings(state=tmp_path / "state", kubernetes="kubeconfig", context=context)
        return KubeconfigKubernetes(settings, environ)

    def test_the_chosen_context_is_used(self, tmp_path: Path, environ: Any, kubernetes: Kubernetes) -> None:
        cluster = self._open(tmp_path, environ, "lab")
        cluster.start()
        assert cluster.server == kubernetes.server
        assert cluster.authority.read_bytes() == kubernetes.authority.read_bytes()
        assert cluster.jwks() == kubernetes.jwks()
        assert cluster.kubeconfig_for("system:node:lab") == cluster.kubeconfig
        assert stat.S_IMODE(cluster.kubeconfig.stat().st_mode) == 0o600
        assert [item["name"] for item in yaml.safe_load(cluster.kubeconfig.read_text())["contexts"]] == [
            "lab"
        ]
        cluster.stop()

    @pytest.mark.parametrize(
        ("context", "said"),
        [
            pytest.param(None, "LAB_CONTEXT is not set.*contexts: lab, prod", id="it does not guess"),
            pytest.param("dev", "no context 'dev'.*contexts: lab, prod", id="a context that is missing"),
            pytest.param("prod", "refers to cluster gone, which is missing", id="a context that is broken"),
        ],
    )
    def test_refused(self, tmp_path: Path, environ: Any, context: str | None, said: str) -> None:
        with pytest.raises(RuntimeError, match=said):
            self._open(tmp_path, environ, context).start()

    def test_a_cluster_that_does_not_answer_is_named(self, tmp_path: Path, environ: Any) -> None:
        path = tmp_path / "one"
        given = yaml.safe_load(path.read_text())
        given["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
        path.write_text(yaml.safe_dump(given))
        with pytest.raises(RuntimeError, match=r"context lab at https://127\.0\.0\.1:1 does not answer"):
            self._open(tmp_path, environ, "lab").start()

    def test_no_kubeconfig(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError, match="contexts: none"):
            self._open(tmp_path, {"HOME": str(tmp_path)}, None).start()
