"""teardown.yml on what the journey has built: one of two stacks, then the other. Runs last."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import INVENTORIES
from tests.e2e.laboratory import Journey, Laboratory, Run, eventually

TEARDOWN = "playbooks/teardown.yml"
ORDERS = ("--limit", "orders", "-e", "confirm=orders")
DOCUMENTS = {
    f"{stack}-postgres-{purpose}"
    for stack in ("aurora", "orders")
    for purpose in ("credentials", "app-credentials")
}


@pytest.fixture(autouse=True)
def built(journey: Journey) -> None:
    """There is something to take down."""


def teardown(lab: Laboratory, *arguments: str) -> Run:
    return lab.play(TEARDOWN, *arguments, inventories=INVENTORIES)


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
    with ThreadPoolExecutor(2) as pool:
        verify = pool.submit(lab.play, "playbooks/verify.yml", "--limit", "aurora", inventories=INVENTORIES)
        again = teardown(lab, *ORDERS)
    assert verify.result().code == 0, verify.result().output
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


def test_stack_that_went_comes_back_with_its_documents(lab: Laboratory) -> None:
    run = lab.play("site.yml", "--limit", "orders", inventories=INVENTORIES)
    assert run.code == 0, run.output
    assert lab.document("orders-postgres-credentials")["note"] == "not ours"
    assert (
        lab.secret("orders-credentials")["password"]
        == lab.document("orders-postgres-credentials")["password"]
    )


def eventually_without(lab: Laboratory, stack: str) -> set[tuple[str, ...]]:
    """What is there once nothing of the stack is."""
    eventually(lambda: not [one for one in lab.everything() if stack in one[-1]], f"the end of {stack}")
    return lab.everything()
