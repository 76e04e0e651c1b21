"""rotate.yml, killed twice on its way, and what it leaves of the old passwords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest
from kubernetes import client, config

from tests.e2e.journey import Journey
from tests.e2e.laboratory import Laboratory, Run

DOCUMENTS = {"aurora-postgres-credentials": "postgres_exporter", "aurora-postgres-app-credentials": "app"}
SECRETS = {
    "aurora-postgres-credentials": "aurora-credentials",
    "aurora-postgres-app-credentials": "aurora-app-credentials",
}
ROTATE = "playbooks/rotate.yml"
INVENTORIES = ("inventories/lab",)


@dataclass(frozen=True)
class Rotation:
    """Passwords by document, before and after each kill; the run that ended, and a look at all roles."""

    check: Run
    passwords: list[dict[str, str]]
    #: What was said, and done, of the Secrets that the first kill has left behind their documents.
    named: Run
    mended: Run
    synced: dict[str, str]
    pods: list[str]
    run: Run
    site: Run


@pytest.fixture(scope="module")
def rotation(journey: Journey, lab: Laboratory) -> Rotation:
    check = lab.play(ROTATE, "--check", "--diff")
    passwords, pods = [read(lab)], [pod(lab)]
    lab.kill_at("Verify | See the external secrets synced", ROTATE, INVENTORIES)
    passwords.append(read(lab))
    named = lab.play("playbooks/verify.yml", "-e", "external_secrets_timeout=0")
    mended = lab.play("site.yml", "--tags", "secrets,external_secrets,postgres_exporter")
    synced = {name: lab.secret(secret)["password"] for name, secret in SECRETS.items()}
    lab.kill_at("Exporters | Have exporter, service and monitor", ROTATE, INVENTORIES)
    passwords.append(read(lab))
    run = lab.play(ROTATE, "-v", "--diff")
    passwords.append(read(lab))
    pods.append(pod(lab))
    site = lab.play("site.yml", "--check")
    return Rotation(check, passwords, named, mended, synced, pods, run, site)


def read(lab: Laboratory) -> dict[str, str]:
    return {name: lab.document(name)["password"] for name in DOCUMENTS}


def pod(lab: Laboratory) -> str:
    return str(_exporter(lab).metadata.uid)


def _exporter(lab: Laboratory) -> Any:
    core = client.CoreV1Api(config.new_client_from_config(lab.endpoints["kubeconfig"]))
    selector = "app.kubernetes.io/instance=postgres-exporter"
    return core.list_namespaced_pod("observability", label_selector=selector).items[0]


def test_check_mode_rotates_nothing(rotation: Rotation) -> None:
    assert rotation.check.code == 0, rotation.check.output
    assert rotation.check.mutations == []


def test_secrets_that_were_left_behind_are_named(rotation: Rotation) -> None:
    assert rotation.named.code != 0, rotation.named.output
    told = " ".join(rotation.named.output.split())
    assert "is broken at: sync." in told
    for secret in SECRETS.values():
        assert f"Secret {secret} has the former values" in told
    assert rotation.named.mutations == []


def test_secrets_that_were_left_behind_are_mended_by_the_next_run_of_all(rotation: Rotation) -> None:
    assert rotation.mended.code == 0, rotation.mended.output
    assert rotation.synced == rotation.passwords[1]


def test_interrupted_anywhere_the_next_run_ends_well(rotation: Rotation) -> None:
    assert rotation.run.code == 0, rotation.run.output
    assert len({step["aurora-postgres-credentials"] for step in rotation.passwords}) == 4
    # Nothing is left that a run of all would have to repair.
    assert rotation.site.code == 0, rotation.site.output
    assert rotation.site.changed == {"aurora": 0}, rotation.site.output


@pytest.mark.parametrize("document", DOCUMENTS)
def test_only_the_newest_password_logs_in(lab: Laboratory, rotation: Rotation, document: str) -> None:
    value, user = lab.document(document), DOCUMENTS[document]
    *old, new = [step[document] for step in rotation.passwords]
    assert value["password"] == new
    lab.login(value["host"], value["port"], value["dbname"], user, new).close()
    for password in old:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            lab.login(value["host"], value["port"], value["dbname"], user, password)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_secret_in_the_cluster_follows(lab: Laboratory, rotation: Rotation, document: str) -> None:
    assert lab.secret(SECRETS[document])["password"] == rotation.passwords[-1][document]


def test_the_exporter_is_a_new_one_and_logs_in(lab: Laboratory, rotation: Rotation) -> None:
    before, after = rotation.pods
    assert before != after
    with urlopen(f"http://{_exporter(lab).status.pod_ip}:9187/metrics") as answer:
        assert "pg_up 1" in answer.read().decode().splitlines()


def test_the_time_of_each_step_is_told_and_no_password(rotation: Rotation) -> None:
    for step in (
        "new password in the database",
        "document switched to it",
        "login proven with the document",
        "old password refused by the database",
        "Secrets in the cluster synced",
        "exporter logged in and scraped",
    ):
        assert step in rotation.run.output
    told = {password for step in rotation.passwords for password in step.values()}
    assert [password[:3] for password in told if password in rotation.run.output] == []
