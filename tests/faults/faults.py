"""Ways to break one link of the chain and to heal it again, without the playbooks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

from tests.certificates import authority
from tests.e2e.laboratory import Laboratory, eventually

CLUSTER = "demo-aurora-postgres"
DOCUMENT = "aurora-postgres-credentials"
ROLE = "demo-aurora-access-role"
EXPORTER = "postgres-exporter"
NAMESPACE = "observability"
ANNOTATION = "eks.amazonaws.com/role-arn"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
Fault = Callable[[Laboratory], AbstractContextManager[None]]


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
def account_without_annotation(lab: Laboratory) -> Iterator[None]:
    accounts = lab.resource("v1", "ServiceAccount")

    def annotate(arn: str | None) -> None:
        body = {"metadata": {"annotations": {ANNOTATION: arn}}}
        accounts.patch(name="aurora-access", namespace=NAMESPACE, body=body, content_type=MERGE)

    before = accounts.get(name="aurora-access", namespace=NAMESPACE).metadata.annotations[ANNOTATION]
    annotate(None)
    try:
        yield
    finally:
        annotate(before)
        force_sync(lab)
        eventually(lambda: condition(lab)["status"] == "True", "the sync after the repair", timeout=60)


@contextmanager
def document_without_dbname(lab: Laboratory) -> Iterator[None]:
    before = lab.document(DOCUMENT)
    write_document(lab, {key: value for key, value in before.items() if key != "dbname"})
    try:
        yield
    finally:
        write_document(lab, before)
        force_sync(lab)


@contextmanager
def another_password_in_the_database(lab: Laboratory) -> Iterator[None]:
    set_password(lab, "not-the-one-in-the-document")
    try:
        yield
    finally:
        repair = lab.play("playbooks/postgres_exporter.yml")
        assert repair.code == 0, repair.output
        assert repair.changed == {"aurora": 1}, repair.output


@contextmanager
def exporter_on_an_old_connection(lab: Laboratory) -> Iterator[None]:
    """Rotated everywhere, and nobody has started a new pod: what the exporter holds is no longer valid."""
    before = lab.document(DOCUMENT)
    # A pod that has just been started opens its connection with the first scrape.
    eventually(lambda: logged_in(lab), "the exporter's connection", timeout=60)

    def rotate(password: str) -> None:
        set_password(lab, password)
        write_document(lab, {**before, "password": password})
        force_sync(lab)
        eventually(
            lambda: lab.secret("aurora-credentials")["password"] == password, "the password in the Secret"
        )

    rotate("rotated-behind-the-exporter")
    try:
        eventually(lambda: scraped(lab), "a scrape after the rotation")
        assert logged_in(lab), "this fault is one that pg_up does not show"
        yield
    finally:
        rotate(before["password"])


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
def exporter_at_another_database(lab: Laboratory) -> Iterator[None]:
    found = lab.aws("rds").describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]
    path = "/spec/template/spec/containers/0/env/0"
    before = container(lab)["env"][0]
    assert before["name"] == "DATA_SOURCE_URI"
    elsewhere = f"{found['Endpoint']}:{found['Port']}/postgres?sslmode=require"
    with deployed(lab, path, before, {"name": "DATA_SOURCE_URI", "value": elsewhere}):
        yield


@contextmanager
def exporter_without_a_collector(lab: Laboratory) -> Iterator[None]:
    before = container(lab)["args"]
    off = [
        "--no-collector.stat_statements" if one == "--collector.stat_statements" else one for one in before
    ]
    assert off != before
    with deployed(lab, "/spec/template/spec/containers/0/args", before, off):
        yield


@contextmanager
def expired_authority(lab: Laboratory) -> Iterator[None]:
    maps = lab.resource("v1", "ConfigMap")

    def give(bundle: str) -> None:
        body = {"data": {"ca.pem": bundle}}
        maps.patch(name=f"{EXPORTER}-ca", namespace=NAMESPACE, body=body, content_type=MERGE)
        restart(lab)

    before = maps.get(name=f"{EXPORTER}-ca", namespace=NAMESPACE).data["ca.pem"]
    give(authority("An authority of yesterday", -30, -1))
    try:
        yield
    finally:
        give(before)
        eventually(lambda: logged_in(lab), "the exporter's return", timeout=60)


@contextmanager
def monitor_without_the_label(lab: Laboratory) -> Iterator[None]:
    def label(value: str | None) -> None:
        body = {"metadata": {"labels": {"release": value}}}
        monitors(lab).patch(name=EXPORTER, namespace=NAMESPACE, body=body, content_type=MERGE)

    with target_gone(lab, lambda: label(None), lambda: label("kube-prometheus-stack")):
        yield


@contextmanager
def monitor_of_another_port(lab: Laboratory) -> Iterator[None]:
    def port(name: str) -> None:
        body = [{"op": "replace", "path": "/spec/endpoints/0/port", "value": name}]
        monitors(lab).patch(name=EXPORTER, namespace=NAMESPACE, body=body, content_type=JSON_PATCH)

    with target_gone(lab, lambda: port("http"), lambda: port("metrics")):
        yield


@contextmanager
def policy_for_another_namespace(lab: Laboratory) -> Iterator[None]:
    policies = lab.resource("networking.k8s.io/v1", "NetworkPolicy")
    before = policies.get(name=EXPORTER, namespace=NAMESPACE).to_dict()["spec"]["ingress"]
    other = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}

    def admit(ingress: list[Mapping[str, Any]]) -> None:
        body = {"spec": {"ingress": ingress}}
        policies.patch(name=EXPORTER, namespace=NAMESPACE, body=body, content_type=MERGE)

    with target_gone(lab, lambda: admit([{"from": [other]}]), lambda: admit(before)):
        yield


@contextmanager
def target_gone(lab: Laboratory, harm: Callable[[], None], heal: Callable[[], None]) -> Iterator[None]:
    harm()
    eventually(lambda: not scraped(lab), "the target's end", timeout=60)
    try:
        yield
    finally:
        heal()
        eventually(lambda: scraped(lab), "the target's return", timeout=60)


@contextmanager
def deployed(lab: Laboratory, path: str, before: Any, after: Any) -> Iterator[None]:
    """A part of the Deployment, changed and rolled out."""

    def put(value: Any) -> None:
        patch_deployment(lab, [{"op": "replace", "path": path, "value": value}], JSON_PATCH)

    put(after)
    try:
        yield
    finally:
        put(before)
        eventually(lambda: scraped(lab), "the target's return", timeout=60)


def restart(lab: Laboratory) -> None:
    """What `kubectl rollout restart` does."""
    annotations = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
    patch_deployment(lab, {"spec": {"template": {"metadata": {"annotations": annotations}}}}, MERGE)


def patch_deployment(lab: Laboratory, body: Any, content_type: str) -> None:
    deployments = lab.resource("apps/v1", "Deployment")

    def rolled_out() -> bool:
        found = deployments.get(name=EXPORTER, namespace=NAMESPACE).to_dict()
        status = found["status"]
        newest = status.get("observedGeneration") == found["metadata"]["generation"]
        return newest and status.get("updatedReplicas") == status.get("availableReplicas") == 1

    deployments.patch(name=EXPORTER, namespace=NAMESPACE, body=body, content_type=content_type)
    eventually(rolled_out, "the rollout", timeout=60)


def container(lab: Laboratory) -> dict[str, Any]:
    found = lab.resource("apps/v1", "Deployment").get(name=EXPORTER, namespace=NAMESPACE).to_dict()
    return dict(found["spec"]["template"]["spec"]["containers"][0])


def monitors(lab: Laboratory) -> Any:
    return lab.resource("monitoring.coreos.com/v1", "ServiceMonitor")


def scraped(lab: Laboratory) -> bool:
    targets = lab.prometheus("targets", state="active")["activeTargets"]
    return any(
        target["labels"].get("db_cluster") == CLUSTER and target["health"] == "up" for target in targets
    )


def logged_in(lab: Laboratory) -> bool:
    """Whether the newest scrape says so."""
    up = lab.prometheus("query", query=f'pg_up{{db_cluster="{CLUSTER}"}}')["result"]
    return [series["value"][1] for series in up] == ["1"]


def set_password(lab: Laboratory, password: str) -> None:
    with lab.master(CLUSTER) as connection:
        connection.execute(f"alter role postgres_exporter password '{password}'")


def write_document(lab: Laboratory, content: Mapping[str, Any]) -> None:
    lab.aws("secretsmanager").put_secret_value(SecretId=DOCUMENT, SecretString=json.dumps(content))


def force_sync(lab: Laboratory) -> None:
    """Asks External Secrets to sync now, as an operator would."""
    lab.resource("external-secrets.io/v1", "ExternalSecret").patch(
        name="aurora-credentials",
        namespace=NAMESPACE,
        body={"metadata": {"annotations": {"force-sync": str(time.time_ns())}}},
        content_type=MERGE,
    )


def condition(lab: Laboratory) -> dict[str, Any]:
    found = lab.resource("external-secrets.io/v1", "ExternalSecret").get(
        name="aurora-credentials", namespace=NAMESPACE
    )
    return dict(found.to_dict()["status"]["conditions"][0])
