"""The laboratory says no: a broken link makes a run fail, and the run names the cause."""

from __future__ import annotations

import pytest

from tests.e2e.journey import TWO_STACKS
from tests.e2e.laboratory import Laboratory, eventually
from tests.faults.faults import (
    DOCUMENT,
    Fault,
    account_without_annotation,
    another_password_in_the_database,
    condition,
    document_without_dbname,
    expired_authority,
    exporter_at_another_database,
    exporter_on_an_old_connection,
    exporter_without_a_collector,
    force_sync,
    monitor_of_another_port,
    monitor_without_the_label,
    policy_for_another_namespace,
    role_without_pg_monitor,
    trust_of_another_namespace,
    trust_without_audience,
)

#: A broken chain is seen at the first look; what may still come gets a little time.
PATIENCE = ("-e", "postgres_exporter_timeout=5")
#: What is broken behind it does not come at all.
NO_PATIENCE = ("-e", "prometheus_rules_timeout=0", "-e", "grafana_dashboards_timeout=0")


@pytest.mark.parametrize(
    ("fault", "link", "words"),
    [
        pytest.param(document_without_dbname, "documents", [DOCUMENT, "dbname", "missing"], id="key missing"),
        pytest.param(
            account_without_annotation,
            "trust",
            ["aurora-access cannot assume", "annotation eks.amazonaws.com/role-arn is missing"],
            id="service account without annotation",
        ),
        pytest.param(
            trust_of_another_namespace,
            "trust",
            ["cannot assume", ":sub is system:serviceaccount:default"],
            id="trust of another namespace",
        ),
        pytest.param(
            trust_without_audience, "trust", ["cannot assume", ":aud is missing"], id="trust without aud"
        ),
        # Before those that touch the Deployment, so that its repair is the only change.
        pytest.param(
            another_password_in_the_database,
            "exporter",
            ["postgres_exporter", DOCUMENT],
            id="other password",
        ),
        pytest.param(
            exporter_at_another_database,
            "exporter",
            ["DATA_SOURCE_URI", "leads to another database", "database postgres instead of app"],
            id="wrong database",
        ),
        pytest.param(
            exporter_without_a_collector,
            "exporter",
            ["lacks --collector.stat_statements", "has --no-collector.stat_statements"],
            id="collector off",
        ),
        pytest.param(
            expired_authority,
            "exporter",
            ["postgres-exporter-ca has no valid CA certificate", "An authority of yesterday has expired"],
            id="expired CA",
        ),
        pytest.param(
            exporter_on_an_old_connection,
            "exporter",
            ["Pod observability/postgres-exporter-", "is stuck on an old connection", "aurora-credentials"],
            id="exporter stuck on an old connection with pg_up 1",
        ),
        pytest.param(
            role_without_pg_monitor, "exporter", ["postgres_exporter", "pg_monitor"], id="no pg_monitor"
        ),
        pytest.param(
            monitor_without_the_label,
            "exporter",
            ["is not selected", "label release=kube-prometheus-stack (it has no label release)"],
            id="ServiceMonitor without the selected label",
        ),
        pytest.param(
            monitor_of_another_port,
            "exporter",
            ["asks for port http, Service observability/postgres-exporter has metrics"],
            id="port name",
        ),
        pytest.param(
            policy_for_another_namespace,
            "exporter",
            [
                "NetworkPolicy observability/postgres-exporter selects pod observability/postgres-exporter-",
                "keeps Prometheus (namespace monitoring) out of port 9187",
                "namespaces with kubernetes.io/metadata.name=default",
            ],
            id="network policy",
        ),
    ],
)
def test_verify_names_the_broken_link(lab: Laboratory, fault: Fault, link: str, words: list[str]) -> None:
    with fault(lab):
        run = lab.play("playbooks/verify.yml", *PATIENCE)
        assert run.code != 0, run.output
        said = verdict(run.output)
        assert said.startswith(f"The chain of aurora is broken at: {link}.\n"), run.output
        # The first fault of the link is the one that was made: what follows from it is not named before.
        assert [word for word in words if word not in said] == [], run.output
        assert "Traceback" not in run.output
        assert run.mutations == []


def verdict(output: str) -> str:
    """The last words of a run, one stack's, as they were meant."""
    lines = output.partition("The chain of ")[1:]
    text = "".join(lines).partition("PLAY ")[0]
    return "\n".join(line.strip() for line in text.splitlines())


def test_every_broken_link_is_named_where_that_is_asked_for(lab: Laboratory) -> None:
    with trust_of_another_namespace(lab), monitor_without_the_label(lab):
        asked = (*PATIENCE, *NO_PATIENCE, "-e", "verify_all=true")
        run = lab.play("playbooks/verify.yml", *asked, inventories=TWO_STACKS)
        said = verdict(run.output)
    assert run.code != 0, run.output
    assert said.startswith("The chain of aurora is broken at: trust, exporter"), run.output
    assert ":sub is system:serviceaccount:default" in said
    assert "exporter (perhaps only because of: trust)" in said
    assert "it has no label release" in said
    assert "Not looked at" not in said
    # The other stack is whole, and is told so.
    report = run.output.partition("TASK [Show the report]")[2]
    assert "orders" in report
    assert "aurora  " not in report.partition("PLAY RECAP")[0]
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
        run = lab.play("playbooks/verify.yml", *PATIENCE, "-e", "postgres_exporter_database_access=none")
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
