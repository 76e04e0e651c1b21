"""The clients that have to work: the kubernetes library and Ansible's kubernetes.core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, dynamic, watch

from lab.kubernetes import Kubernetes


@pytest.fixture
def library(kubernetes: Kubernetes) -> Any:
    with config.new_client_from_config(str(kubernetes.kubeconfig)) as library:
        yield library


class TestLibrary:
    def test_typed(self, library: Any, namespace: str) -> None:
        core = client.CoreV1Api(library)
        body = client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"u": "x"})
        assert core.create_namespaced_secret(namespace, body).data == {"u": "eA=="}
        assert [item.metadata.name for item in core.list_namespaced_secret(namespace).items] == ["s"]
        assert core.delete_namespaced_secret("s", namespace)["status"] == "Success"

    def test_dynamic(self, library: Any, namespace: str, tmp_path: Path) -> None:
        cache = str(tmp_path / "discovery.json")
        monitors = dynamic.DynamicClient(library, cache_file=cache).resources.get(
            api_version="monitoring.coreos.com/v1", kind="ServiceMonitor"
        )
        body = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "ServiceMonitor",
            "metadata": {"name": "m"},
            "spec": {"selector": {}, "endpoints": []},
        }
        created = monitors.create(body=body, namespace=namespace)
        assert created.metadata.generation == 1
        applied = monitors.server_side_apply(body=body, namespace=namespace, field_manager="x")
        assert applied.metadata.name == "m"
        assert len(monitors.get(namespace=namespace).items) == 1

    def test_watch(self, library: Any, namespace: str) -> None:
        core = client.CoreV1Api(library)
        core.create_namespaced_config_map(namespace, {"metadata": {"name": "c"}})
        names = set()
        for event in watch.Watch().stream(core.list_namespaced_config_map, namespace, timeout_seconds=5):
            names.add((event["type"], event["object"].metadata.name))
            if ("ADDED", "c") in names:
                break
        assert ("ADDED", "c") in names

    def test_token(self, library: Any, namespace: str) -> None:
        body = client.AuthenticationV1TokenRequest(
            spec=client.V1TokenRequestSpec(audiences=["sts.amazonaws.com"], expiration_seconds=600)
        )
        core = client.CoreV1Api(library)
        answer = core.create_namespaced_service_account_token("default", namespace, body)
        assert answer.status.token.count(".") == 2


PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: first
      kubernetes.core.k8s: {definition: "{{ documents }}"}
      register: first
    - name: again, in check mode
      kubernetes.core.k8s: {definition: "{{ documents }}"}
      check_mode: true
      register: again
    - name: applied
      kubernetes.core.k8s: &applied
        definition: "{{ documents }}"
        apply: true
        server_side_apply: {field_manager: test, force_conflicts: true}
      register: applied
    - name: applied again, in check mode
      kubernetes.core.k8s: *applied
      check_mode: true
      register: applied_again
    - name: results
      ansible.builtin.copy:
        dest: "{{ results }}"
        mode: "0600"
        content: "{{ all_results | map(attribute='changed') | to_json }}"
      vars:
        all_results: "{{ [first, again, applied, applied_again] }}"
"""


class TestAnsible:
    def test_what_is_there_is_not_changed(
        self, kubernetes: Kubernetes, namespace: str, deployment: Any, tmp_path: Path, api: Any
    ) -> None:
        monitor = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "ServiceMonitor",
            "metadata": {"name": "m", "labels": {"release": "kube-prometheus-stack"}},
            "spec": {"selector": {"matchLabels": {"app": "d"}}, "endpoints": [{"port": "metrics"}]},
        }
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"u": "eA=="}}
        ports = [{"name": "metrics", "port": 9187}]
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "d"}, "spec": {"ports": ports}}
        documents = [secret, service, deployment, monitor]
        for item in documents:
            item["metadata"]["namespace"] = namespace
        (tmp_path / "play.yml").write_text(PLAY)
        results = tmp_path / "results.json"
        (tmp_path / "variables.yml").write_text(
            yaml.safe_dump(
                {
                    "documents": documents,
                    "results": str(results),
                    "ansible_python_interpreter": sys.executable,
                }
            )
        )
        run = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                "-i",
                "localhost,",
                "-e",
                "@variables.yml",
                "play.yml",
            ],
            cwd=tmp_path,
            env={**os.environ, "K8S_AUTH_KUBECONFIG": str(kubernetes.kubeconfig), "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        assert json.loads(results.read_text()) == [True, False, True, False]
        assert api.get(f"/api/v1/namespaces/{namespace}/secrets/s").body["data"] == {"u": "eA=="}
