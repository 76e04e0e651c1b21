"""Waiting for clusters: the states come from a list, and the clock is not real."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.errors import AuroraError
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.waiting import Watch
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience
from botocore.exceptions import ClientError


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "not now"}}, "ModifyDBCluster")


class Rds:
    """Answers with one (status of the cluster, status of its member) after the other, then with the last."""

    def __init__(self, *states: tuple[str, str] | None) -> None:
        self.states = list(states)
        self.now = 0.0

    def describe_db_clusters(self, DBClusterIdentifier: str) -> t.Any:  # noqa: N803 - boto3's name
        state = self.states[0]
        if state is None:
            raise refusal("DBClusterNotFoundFault")
        cluster = {"DBClusterIdentifier": "demo", "Status": state[0], "DBClusterArn": "arn:demo"}
        return {"DBClusters": [cluster]}

    def get_paginator(self, operation: str) -> Rds:
        return self

    def paginate(self, **_options: t.Any) -> list[t.Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        assert state
        return [{"DBInstances": [{"DBInstanceIdentifier": "demo-1", "DBInstanceStatus": state[1]}]}]

    def watch(self, timeout: float = 60) -> Watch:
        return Watch(t.cast(t.Any, self), "demo", Patience(timeout, lambda: self.now, self.sleep))

    def sleep(self, seconds: float) -> None:
        self.now += seconds


BUSY, READY = ("modifying", "available"), ("available", "available")


def test_it_waits_for_the_cluster_and_for_every_member() -> None:
    rds = Rds(("creating", "creating"), ("available", "creating"), READY)
    assert rds.watch().until_settled().settled
    assert rds.states == [READY]


def test_a_timeout_tells_the_state_of_everything() -> None:
    rds = Rds(("available", "creating"))
    with pytest.raises(
        AuroraError, match=r"Waited 60 s .* cluster demo available, demo-1 creating\. Run again"
    ):
        rds.watch().until_settled()


def test_a_timeout_tells_what_is_not_yet_as_asked() -> None:
    with pytest.raises(AuroraError, match="demo-1 available; not yet as asked: port"):
        Rds(READY).watch().until(lambda seen: ["not yet as asked: port"])


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(("available", "incompatible-parameters"), id="out of memory"),
        pytest.param(("stopped", "stopped"), id="stopped by somebody"),
        pytest.param(("inaccessible-encryption-credentials", "available"), id="key gone"),
    ],
)
def test_a_state_that_does_not_pass_ends_the_wait(state: tuple[str, str]) -> None:
    rds = Rds(state)
    with pytest.raises(AuroraError, match=f"needs help first: cluster demo {state[0]}, demo-1 {state[1]}"):
        rds.watch().until_settled()
    assert rds.now == 0


def test_a_cluster_that_goes_away_ends_the_wait() -> None:
    with pytest.raises(AuroraError, match="has gone"):
        Rds(BUSY, None).watch().until_settled()


def test_gone_is_what_is_waited_for_after_a_deletion() -> None:
    Rds(("deleting", "deleting"), None).watch().until_gone()


def refusing(*problems: ClientError) -> tuple[t.Callable[[], None], list[ClientError]]:
    left = list(problems)

    def change() -> None:
        if left:
            raise AuroraError(message="Failed to modify cluster demo", exception=left.pop(0))

    return change, left


@pytest.mark.parametrize(
    "states",
    [
        pytest.param([BUSY, BUSY, READY], id="while it is modifying"),
        pytest.param([READY], id="once, when the state ended in between"),
    ],
)
def test_a_busy_cluster_is_asked_again(states: list[tuple[str, str]]) -> None:
    change, left = refusing(refusal("InvalidDBClusterStateFault"))
    Rds(*states).watch().when_free(change)
    assert left == []


@pytest.mark.parametrize(
    ("states", "problems"),
    [
        pytest.param([READY], ["InvalidDBClusterStateFault"] * 3, id="refused by an available cluster"),
        pytest.param([BUSY], ["InvalidParameterValue"] * 3, id="another error"),
    ],
)
def test_a_refusal_that_does_not_pass_is_not_repeated(
    states: list[tuple[str, str]], problems: list[str]
) -> None:
    change, left = refusing(*(refusal(code) for code in problems))
    with pytest.raises(AuroraError, match="not now"):
        Rds(*states).watch().when_free(change)
    assert left
