"""site.yml on an empty and on a converged laboratory, with two stacks in one inventory."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import psycopg
import pytest
import yaml
from kubernetes import client, config

from tests.e2e.journey import Journey
from tests.e2e.laboratory import HOSTILE, ROOT, Laboratory

STACKS = ["aurora", "orders"]


def test_check_of_an_empty_laboratory_succeeds_and_changes_nothing(journey: Journey) -> None:
    assert journey.empty_check.code == 0, journey.empty_check.output
    assert journey.empty_check.mutations == []
    assert all(changed > 0 for changed in journey.empty_check.changed.values())


def test_first_run_builds_and_proves_both_stacks(journey: Journey) -> None:
    assert journey.first.code == 0, journey.first.output
    assert journey.first.changed.keys() == set(STACKS)
    assert "panels with data" in journey.first.output


def test_second_run_changes_nothing(journey: Journey) -> None:
    assert journey.second.code == 0, journey.second.output
    assert journey.second.changed == dict.fromkeys(STACKS, 0), journey.second.output
    # Server-side apply always sends its patch; that it was empty is what changed=0 says.
    assert [request for request in journey.second.mutations if not request.startswith("patch ")] == []


def test_check_of_a_converged_laboratory_sees_nothing_to_do(journey: Journey) -> None:
    assert journey.converged_check.code == 0, journey.converged_check.output
    assert journey.converged_check.changed == {"orders": 0}, journey.converged_check.output
    assert journey.converged_check.mutations == []


def test_no_run_prints_a_secret(journey: Journey, lab: Laboratory) -> None:
    secrets = lab.secrets_in_use()
    assert [secret[:3] for secret in secrets for run in journey.runs if secret in run.output] == []


@pytest.mark.parametrize("stack", STACKS)
def test_credentials_of_the_secret_log_in_as_a_monitor_and_not_more(
    journey: Journey, lab: Laboratory, stack: str
) -> None:
    secret = lab.secret(f"{stack}-credentials")
    address, _slash, rest = secret["DATA_SOURCE_URI"].partition("/")
    host, _colon, port = address.partition(":")
    with lab.login(
        host, int(port), rest.partition("?")[0], secret["username"], secret["password"]
    ) as connection:
        row = connection.execute(
            """
            select current_user, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
              (select array_agg(roleid::regrole::text order by 1) from pg_auth_members where member = r.oid)
            from pg_roles r where rolname = current_user
            """
        ).fetchone()
        assert row == ("postgres_exporter", False, False, False, False, False, ["pg_monitor"])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create table public.not_allowed (id int)")


def application_dsn(lab: Laboratory, stack: str) -> str:
    """The DSN of the Secret, with the CA where it is on this machine."""
    dsn = lab.secret(f"{stack}-app-credentials")["dsn"]
    return dsn.replace("/etc/aurora/ca.pem", lab.endpoints["database_ca_file"])


@pytest.mark.parametrize("stack", STACKS)
def test_credentials_of_the_application_log_in_and_own_their_tables(
    journey: Journey, lab: Laboratory, stack: str
) -> None:
    with psycopg.connect(application_dsn(lab, stack), autocommit=True) as connection:
        connection.execute("create table if not exists e2e (id int)")
        assert connection.execute("select current_user").fetchone() == ("app",)


@pytest.mark.parametrize("stack", STACKS)
def test_psql_takes_the_dsn_as_it_is(journey: Journey, lab: Laboratory, stack: str) -> None:
    command = [lab.psql, "--no-psqlrc", "--tuples-only", "--no-align", "--command", "select current_user"]
    asked = subprocess.run(
        [*command, application_dsn(lab, stack)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.returncode, asked.stdout) == (0, "app\n"), asked.stderr


@pytest.mark.parametrize("name", ["postgres-exporter", "orders-postgres-exporter"])
def test_exporter_reports_the_database_and_the_collectors_for_aurora(
    journey: Journey, lab: Laboratory, name: str
) -> None:
    core = client.CoreV1Api(config.new_client_from_config(lab.endpoints["kubeconfig"]))
    pod = core.list_namespaced_pod(
        "observability", label_selector=f"app.kubernetes.io/instance={name}"
    ).items[0]
    with urlopen(f"http://{pod.status.pod_ip}:9187/metrics") as answer:
        lines = answer.read().decode().splitlines()
    assert "pg_up 1" in lines
    collectors = {
        line.split('"')[1]: line[-1] for line in lines if line.startswith("pg_scrape_collector_success")
    }
    assert set(collectors.values()) == {"1"}
    assert {
        "stat_statements",
        "database_wraparound",
        "long_running_transactions",
        "postmaster",
    } <= collectors.keys()
    assert not {"replication", "wal"} & collectors.keys()


@pytest.mark.parametrize("stack", STACKS)
def test_prometheus_has_target_and_healthy_rules(journey: Journey, lab: Laboratory, stack: str) -> None:
    cluster = f"demo-{stack}-postgres"
    assert [
        one["value"][1] for one in lab.prometheus("query", query=f'up{{db_cluster="{cluster}"}}')["result"]
    ] == ["1"]
    rules = [
        rule
        for group in lab.prometheus("rules")["groups"]
        for rule in group["rules"]
        if cluster in rule["query"]
    ]
    assert len(rules) == 16
    assert {rule["health"] for rule in rules} == {"ok"}


def test_chosen_password_and_foreign_keys_stay_however_hostile(journey: Journey, lab: Laboratory) -> None:
    for name in ("orders-postgres-credentials", "orders-postgres-app-credentials"):
        document = lab.document(name)
        assert (document["password"], document["note"]) == (HOSTILE, "not ours")
        assert document["dbClusterIdentifier"] == "demo-orders-postgres"
    assert lab.secret("orders-credentials")["password"] == HOSTILE


def test_stacks_share_nothing_but_the_dashboards(journey: Journey, lab: Laboratory) -> None:
    clusters = {c["DBClusterIdentifier"]: c for c in lab.aws("rds").describe_db_clusters()["DBClusters"]}
    assert clusters.keys() == {"demo-aurora-postgres", "demo-orders-postgres"}
    assert len({c["Endpoint"] for c in clusters.values()}) == 2
    assert clusters["demo-orders-postgres"]["ServerlessV2ScalingConfiguration"]["MaxCapacity"] == 4
    assert (
        lab.document("aurora-postgres-credentials")["password"]
        != lab.document("orders-postgres-credentials")["password"]
    )


def documented_phases() -> list[str]:
    """The tags of parts of a role; whole roles alone are what molecule runs."""
    names = sorted((ROOT / "roles").glob("*/tasks/main.yml"))
    tags = [tag for name in names for task in yaml.safe_load(name.read_text()) for tag in task["tags"]]
    return [tag for tag in dict.fromkeys(tags) if tag not in {"always", *(name.parts[-3] for name in names)}]


def test_each_documented_phase_works_alone(journey: Journey, lab: Laboratory) -> None:
    tags = documented_phases()
    with ThreadPoolExecutor(2) as pool:
        runs = dict(
            zip(
                tags,
                pool.map(
                    lambda tag: lab.play("site.yml", "--tags", tag, "--limit", "aurora", alone=False), tags
                ),
                strict=True,
            )
        )
    failed = {tag: run for tag, run in runs.items() if run.code or run.changed != {"aurora": 0}}
    assert not failed, "\n".join(f"--tags {tag}:\n{run.output}" for tag, run in failed.items())
