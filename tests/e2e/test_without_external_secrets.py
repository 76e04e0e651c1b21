"""A cluster without External Secrets: refused, or installed and removed with Helm. Runs last."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client, config

from tests.e2e.laboratory import Laboratory, Run, eventually

PLAYBOOK = "playbooks/external_secrets.yml"
GROUP = "external-secrets.io"
INSTALL = (
    "-e",
    json.dumps(
        {
            "external_secrets_install": True,
            "external_secrets_release_namespace": "eso",
            "external_secrets_chart_values": {"webhook": {"replicaCount": 3}},
        }
    ),
)


@pytest.fixture(scope="module")
def helm(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with a helm of our own; the laboratory's External Secrets loses its definitions."""
    directory = tmp_path_factory.mktemp("helm")
    definitions = lab.resource("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    found = [one.to_dict() for one in definitions.get().items if one.spec.group.endswith(GROUP)]
    keep = [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": one["metadata"]["name"]},
            "spec": one["spec"],
        }
        for one in found
    ]
    (directory / "definitions.json").write_text(json.dumps(keep))
    program = directory / "helm"
    script = Path(__file__).with_name("fake_helm.py")
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(script), str(directory)])} "$@"\n')
    program.chmod(0o755)
    for one in keep:
        definitions.delete(name=one["metadata"]["name"])
    eventually(lambda: not served(lab), "the end of the kinds")
    path = lab.environment["PATH"]
    lab.environment["PATH"] = f"{directory}:{path}"
    yield directory
    lab.environment["PATH"] = path


def served(lab: Laboratory) -> bool:
    """Not by the dynamic client, which remembers the kinds."""
    apis = client.ApisApi(config.new_client_from_config(lab.endpoints["kubeconfig"]))
    return GROUP in [one.name for one in apis.get_api_versions().groups]


def calls(helm: Path) -> list[str]:
    return (helm / "calls").read_text().splitlines()


def install(lab: Laboratory, *arguments: str) -> Run:
    return lab.play(PLAYBOOK, "--tags", "external_secrets_install", *INSTALL, *arguments)


def test_cluster_without_external_secrets_is_refused(lab: Laboratory, helm: Path) -> None:
    run = lab.play(PLAYBOOK, "--tags", "external_secrets_sync")
    assert run.code != 0
    assert f"does not serve {GROUP}/v1" in run.output
    assert "external_secrets_install: true" in run.output
    assert run.mutations == []
    assert not (helm / "calls").exists(), "helm is needed only where External Secrets is to be installed"


def test_check_installs_nothing(lab: Laboratory, helm: Path) -> None:
    run = lab.play(PLAYBOOK, *INSTALL, "--check")
    assert run.code == 0, run.output
    assert run.changed == {"aurora": 3}, run.output
    assert run.mutations == []
    assert not served(lab)


def test_release_has_pinned_chart_and_values_of_both(lab: Laboratory, helm: Path) -> None:
    run = install(lab)
    assert run.code == 0, run.output
    assert served(lab)
    (upgrade,) = [one for one in calls(helm) if "upgrade" in one]
    assert "--version=2.9.0 --repo=https://charts.external-secrets.io upgrade -i" in upgrade
    assert "--wait --timeout 300s" in upgrade
    values = json.loads((helm / "release.json").read_text())["values"]
    assert (values["leaderElect"], values["replicaCount"], values["webhook"]["replicaCount"]) == (True, 2, 3)


def test_second_run_changes_nothing(lab: Laboratory, helm: Path) -> None:
    run = install(lab)
    assert run.code == 0, run.output
    assert run.changed == {"aurora": 0}, run.output


def test_directory_is_a_chart_without_a_repository(lab: Laboratory, helm: Path) -> None:
    run = install(lab, "--check", "-e", "external_secrets_chart=/srv/charts/external-secrets")
    assert run.code == 0, run.output
    assert "--repo" not in [one for one in calls(helm) if "show chart" in one][-1]


def test_release_goes_with_the_last_object_and_its_namespace(lab: Laboratory, helm: Path) -> None:
    stores = lab.resource(f"{GROUP}/v1", "SecretStore")
    provider = {"aws": {"service": "SecretsManager", "region": "eu-central-1"}}
    body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "SecretStore",
        "metadata": {"name": "of-somebody-else"},
        "spec": {"provider": provider},
    }
    stores.create(body=body, namespace="default")
    stays = lab.play("playbooks/teardown.yml", *INSTALL, "-e", "confirm=aurora")
    assert stays.code == 0, stays.output
    assert "External Secrets stays for 1 objects, such as SecretStore/of-somebody-else" in stays.output
    assert served(lab)
    stores.delete(name="of-somebody-else", namespace="default")
    goes = lab.play("playbooks/teardown.yml", *INSTALL, "-e", "confirm=aurora")
    assert goes.code == 0, goes.output
    assert not served(lab)
    assert "eso" not in [one.metadata.name for one in lab.resource("v1", "Namespace").get().items]
