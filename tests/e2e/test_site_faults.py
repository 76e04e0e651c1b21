"""The laboratory says no: a broken link makes a run fail, and the run names the cause. Runs last."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.e2e.laboratory import Journey, Laboratory, eventually

CLUSTER = "demo-aurora-postgres"
DOCUMENT = "aurora-postgres-credentials"
ROLE = "demo-aurora-access-role"
Fault = Callable[[Laboratory], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def built(journey: Journey) -> None:
    """Faults are made on what the journey has built."""


@contextmanager
def trust(lab: Laboratory, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    iam = lab.aws("iam")
    before = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    after = json.loads(json.dumps(before))
    change(after["Statement"][0]["Condition"]["StringEquals"])
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(after))
    try:
        yield
    finally:
        iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(before))
        force_sync(lab)


def trust_of_another_namespace(lab: Laboratory) -> AbstractContextManager[None]:
    def change(conditions: dict[str, Any]) -> None:
        key = next(key for key in conditions if key.endswith(":sub"))
        conditions[key] = "system:serviceaccount:default:aurora-access"

    return trust(lab, change)


def trust_without_audience(lab: Laboratory) -> AbstractContextManager[None]:
    return trust(
        lab, lambda conditions: conditions.pop(next(key for key in conditions if key.endswith(":aud")))
    )


@contextmanager
def document_without_dbname(lab: Laboratory) -> Iterator[None]:
    manager = lab.aws("secretsmanager")
    before = lab.document(DOCUMENT)
    manager.put_secret_value(
        SecretId=DOCUMENT, SecretString=json.dumps({k: v for k, v in before.items() if k != "dbname"})
    )
    try:
        yield
    finally:
        manager.put_secret_value(SecretId=DOCUMENT, SecretString=json.dumps(before))
        force_sync(lab)


@contextmanager
def another_password_in_the_database(lab: Laboratory) -> Iterator[None]:
    with lab.master(CLUSTER) as connection:
        connection.execute("alter role postgres_exporter password 'not-the-one-in-the-document'")
    try:
        yield
    finally:
        repair = lab.play("playbooks/postgres_exporter.yml")
        assert repair.code == 0, repair.output
        assert repair.changed == {"aurora": 1}, repair.output


@contextmanager
def role_without_pg_monitor(lab: Laboratory) -> Iterator[None]:
    with lab.master(CLUSTER) as connection:
        connection.execute("revoke pg_monitor from postgres_exporter")
    try:
        yield
    finally:
        with lab.master(CLUSTER) as connection:
            connection.execute("grant pg_monitor to postgres_exporter")


@contextmanager
def monitor_without_the_label(lab: Laboratory) -> Iterator[None]:
    monitors = lab.resource("monitoring.coreos.com/v1", "ServiceMonitor")
    label(monitors, None)
    eventually(lambda: not scraped(lab), "the target's end")
    try:
        yield
    finally:
        label(monitors, "kube-prometheus-stack")
        eventually(lambda: scraped(lab), "the target's return")


def label(monitors: Any, value: str | None) -> None:
    monitors.patch(
        name="postgres-exporter",
        namespace="observability",
        body={"metadata": {"labels": {"release": value}}},
        content_type="application/merge-patch+json",
    )


def scraped(lab: Laboratory) -> bool:
    targets = lab.prometheus("targets", state="active")["activeTargets"]
    return any(
        target["labels"].get("db_cluster") == CLUSTER and target["health"] == "up" for target in targets
    )


def force_sync(lab: Laboratory) -> None:
    """Asks External Secrets to sync now, as an operator would."""
    lab.resource("external-secrets.io/v1", "ExternalSecret").patch(
        name="aurora-credentials",
        namespace="observability",
        body={"metadata": {"annotations": {"force-sync": str(time.time_ns())}}},
        content_type="application/merge-patch+json",
    )


def condition(lab: Laboratory) -> dict[str, Any]:
    found = lab.resource("external-secrets.io/v1", "ExternalSecret").get(
        name="aurora-credentials", namespace="observability"
    )
    return dict(found.to_dict()["status"]["conditions"][0])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(
            trust_of_another_namespace,
            ["cannot assume", ":sub is system:serviceaccount:default"],
            id="trust of another namespace",
        ),
        pytest.param(trust_without_audience, ["cannot assume", ":aud is missing"], id="trust without aud"),
        pytest.param(document_without_dbname, [DOCUMENT, "dbname", "missing"], id="key missing"),
        pytest.param(another_password_in_the_database, ["postgres_exporter", DOCUMENT], id="other password"),
        pytest.param(role_without_pg_monitor, ["postgres_exporter", "pg_monitor"], id="no pg_monitor"),
        pytest.param(
            monitor_without_the_label,
            ["release", "kube-prometheus-stack"],
            id="ServiceMonitor without the selected label",
        ),
    ],
)
def test_verify_names_the_broken_link(lab: Laboratory, fault: Fault, words: list[str]) -> None:
    with fault(lab):
        run = lab.play("playbooks/verify.yml", "-e", "postgres_exporter_timeout=15")
        assert run.code != 0, run.output
        assert [word for word in words if word not in run.output] == [], run.output
        assert "Traceback" not in run.output
        assert run.mutations == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(
            trust_of_another_namespace,
            ["aurora-credentials", "become role", "trust policy"],
            id="trust refused",
        ),
        pytest.param(
            document_without_dbname, ["aurora-credentials", "dbname"], id="template without its key"
        ),
    ],
)
def test_sync_explains_what_external_secrets_hides(lab: Laboratory, fault: Fault, words: list[str]) -> None:
    with fault(lab):
        force_sync(lab)
        eventually(lambda: condition(lab)["status"] == "False", "a failed sync")
        run = lab.play("playbooks/external_secrets.yml", "-e", "external_secrets_timeout=5")
        assert run.code != 0, run.output
        assert [word for word in words if word not in run.output] == [], run.output
    eventually(lambda: condition(lab)["status"] == "True", "the sync after the repair", timeout=60)


def test_metrics_alone_reveal_a_role_without_pg_monitor(lab: Laboratory) -> None:
    with role_without_pg_monitor(lab):
        run = lab.play(
            "playbooks/verify.yml",
            "-e",
            "postgres_exporter_timeout=15",
            "-e",
            '{"postgres_exporter_database_role": false}',
        )
        assert run.code != 0, run.output
        assert "pg_monitor" in run.output


def test_invalid_manifest_is_refused_and_the_field_is_named(lab: Laboratory) -> None:
    run = lab.play(
        "playbooks/postgres_exporter.yml",
        "--tags",
        "postgres_exporter_deploy",
        "-e",
        '{"postgres_exporter_relabelings": [{"action": "soon"}]}',
    )
    assert run.code != 0, run.output
    assert "relabelings" in run.output
    assert "soon" in run.output


def test_nothing_is_left_of_the_faults(lab: Laboratory) -> None:
    healed = lab.play("playbooks/verify.yml")
    assert healed.code == 0, healed.output
