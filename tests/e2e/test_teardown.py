"""teardown.yml on what the journey has built: one of two stacks, then the other. Runs last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.journey import TWO_STACKS, Journey
from tests.e2e.laboratory import Laboratory, Run, eventually

TEARDOWN = "playbooks/teardown.yml"
NAMESPACE = "observability"
ORDERS = ("--limit", "orders", "-e", "confirm=orders")
CREDENTIALS = ("--tags", "aurora,secrets,irsa,external_secrets")
DOCUMENTS = {
    f"{stack}-postgres-{purpose}"
    for stack in ("aurora", "orders")
    for purpose in ("credentials", "app-credentials")
}


@dataclass(frozen=True)
class Guest:
    """A stack that came, and went, in a namespace that somebody else had made."""

    site: Run
    document: dict[str, Any]
    secret: dict[str, str]
    teardown: Run
    namespaces: list[dict[str, str]]


@pytest.fixture(scope="module")
def guest(lab: Laboratory) -> Guest:
    """Comes after all other stacks have gone."""

    def labels() -> dict[str, str]:
        return dict(lab.resource("v1", "Namespace").get(name=NAMESPACE).metadata.labels)

    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"team": "shop"}},
    }
    lab.resource("v1", "Namespace").create(body=body)
    before = labels()
    return Guest(
        site=lab.play("site.yml", *CREDENTIALS, "--limit", "orders", inventories=TWO_STACKS),
        document=lab.document("orders-postgres-credentials"),
        secret=lab.secret("orders-credentials"),
        namespaces=[before, labels()],
        teardown=teardown(lab, *ORDERS, "-e", "aurora_skip_final_snapshot=true"),
    )


@pytest.fixture(autouse=True)
def built(journey: Journey) -> None:
    """There is something to take down."""


def teardown(lab: Laboratory, *arguments: str) -> Run:
    return lab.play(TEARDOWN, *arguments, inventories=TWO_STACKS)


def protect(lab: Laboratory, cluster: str) -> None:
    lab.aws("rds").modify_db_cluster(
        DBClusterIdentifier=cluster, DeletionProtection=True, ApplyImmediately=True
    )


def snapshots(lab: Laboratory) -> list[str]:
    found = lab.aws("rds").describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    return [one["DBClusterSnapshotIdentifier"] for one in found]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--limit", "orders"], id="not confirmed"),
        pytest.param(["--limit", "orders", "-e", "confirm=aurora"], id="another stack confirmed"),
        pytest.param(["-e", "confirm=orders"], id="two stacks at once"),
    ],
)
def test_stack_that_was_not_named_stays(lab: Laboratory, arguments: list[str]) -> None:
    run = teardown(lab, *arguments)
    assert run.code != 0
    assert "--limit orders -e confirm=orders" in run.output
    assert "goes:" in run.output
    assert "stays:" in run.output
    assert run.mutations == []


def test_check_changes_nothing_and_protection_is_respected(lab: Laboratory) -> None:
    check = teardown(lab, "--check", "--diff", *ORDERS)
    assert check.code == 0, check.output
    assert check.changed["orders"] > 0
    assert check.mutations == []
    protect(lab, "demo-orders-postgres")
    refused = teardown(lab, *ORDERS)
    assert refused.code != 0
    assert "aurora_lift_deletion_protection" in refused.output
    assert refused.mutations == []


def test_one_stack_goes_and_the_other_stays_whole(lab: Laboratory) -> None:
    run = teardown(lab, *ORDERS, "-e", "aurora_lift_deletion_protection=true")
    assert run.code == 0, run.output
    assert "dashboards in observability stay" in run.output
    assert "namespace observability stays" in run.output
    assert [name for name in snapshots(lab) if name in run.output] != []
    left = eventually_without(lab, "orders")
    assert ("ConfigMap", "observability", "aurora-dashboard-overview") in left
    # One after the other: the requests of a run are those of its time.
    verify = lab.play("playbooks/verify.yml", "--limit", "aurora", inventories=TWO_STACKS)
    assert verify.code == 0, verify.output
    again = teardown(lab, *ORDERS)
    assert again.code == 0, again.output
    assert again.changed == {"orders": 0}


def test_last_stack_leaves_nothing_but_its_documents_for_a_while(journey: Journey, lab: Laboratory) -> None:
    before = snapshots(lab)
    run = teardown(lab, "--limit", "aurora", "-e", "confirm=aurora", "-e", "aurora_skip_final_snapshot=true")
    assert run.code == 0, run.output
    eventually(lambda: lab.everything() <= journey.nothing, "an empty account and cluster")
    assert lab.everything() == journey.nothing
    assert snapshots(lab) == before
    waiting = lab.aws("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert {one["Name"] for one in waiting if "DeletedDate" in one} >= DOCUMENTS


def test_stack_comes_back_with_its_documents(guest: Guest) -> None:
    assert guest.site.code == 0, guest.site.output
    assert guest.document["note"] == "not ours"
    assert guest.secret["password"] == guest.document["password"]


def test_namespace_of_somebody_else_stays_as_it_was(journey: Journey, lab: Laboratory, guest: Guest) -> None:
    assert guest.teardown.code == 0, guest.teardown.output
    assert f"namespace {NAMESPACE} stays: somebody else made it" in guest.teardown.output
    namespaces = lab.resource("v1", "Namespace")
    assert guest.namespaces == [dict(namespaces.get(name=NAMESPACE).metadata.labels)] * 2
    added = {one[1:] for one in lab.everything() - journey.nothing}
    assert added == {("", NAMESPACE), (NAMESPACE, "default"), (NAMESPACE, "kube-root-ca.crt")}


def eventually_without(lab: Laboratory, stack: str) -> set[tuple[str, ...]]:
    """What is there once nothing of the stack is."""
    eventually(lambda: not [one for one in lab.everything() if stack in one[-1]], f"the end of {stack}")
    return lab.everything()
