"""When an external secret is in sync, and how it is waited for."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    Sight,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.sync import (
    ApiNotServedError,
    look,
    sync,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

from tests.unit.plugins.module_utils._external_secrets.fake_cluster import (
    PATHS,
    WANTED,
    Cluster,
    Object,
    causes,
    once,
)
from tests.unit.plugins.module_utils._external_secrets.faults import Change, change, drop, fail, generated


def test_in_sync() -> None:
    sights, none = sync(Cluster(), "observability", [WANTED], once)
    assert none == []
    assert [sight.result() for sight in sights] == [
        {
            "name": "aurora-credentials",
            "synced": True,
            "secret": "aurora-credentials",
            "store": "aurora-secret-store",
            "refresh_time": "2026-11-23T10:00:00Z",
            "data_hash": "6a2f41a3",
            "present_keys": ["DATA_SOURCE_URI", "password", "username"],
            "condition": "Ready=True SecretSynced: secret synced",
        }
    ]


def test_two_requests_are_enough_when_all_is_well() -> None:
    cluster = Cluster()
    sync(cluster, "observability", [WANTED], once)
    assert cluster.asked == [PATHS["external_secret"], PATHS["secret"]]


def test_values_of_secrets_are_dropped() -> None:
    assert "c2VjcmV0LXdvcmQ" not in repr(look(Cluster(), "observability", WANTED))


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(change("external_secret", "metadata.generation", 3), id="an older spec was synced"),
        pytest.param(
            change("external_secret", "metadata.generation", 21), id="the generation is compared whole"
        ),
        pytest.param(change("external_secret", "status", {}), id="no status yet"),
        pytest.param(change("secret", "data.password", ""), id="a wanted key is empty"),
        pytest.param(change("secret", "data", {}), id="no keys"),
        pytest.param(drop("secret"), id="no Secret"),
        pytest.param(change("external_secret", "metadata.deletionTimestamp", "2026"), id="being deleted"),
        pytest.param(fail(), id="not ready"),
    ],
)
def test_not_in_sync(broken: Change) -> None:
    cluster = Cluster()
    broken(cluster)
    assert not look(cluster, "observability", WANTED).synced


def test_an_external_secret_without_a_store_can_be_in_sync() -> None:
    cluster = Cluster()
    generated(cluster)
    assert causes(cluster) == []


@pytest.mark.parametrize(
    ("setting", "value", "what"),
    [
        pytest.param("refreshPolicy", "CreatedOnce", "with refreshPolicy CreatedOnce", id="CreatedOnce"),
        pytest.param("refreshInterval", "0s", "with refreshInterval 0s", id="interval of 0"),
        pytest.param("refreshPolicy", "OnChange", "was not synced since a refresh was asked for", id="else"),
    ],
)
def test_what_a_refresh_cannot_bring_is_told(setting: str, value: str, what: str) -> None:
    cluster = Cluster()
    cluster.objects["external_secret"]["spec"][setting] = value
    wanted = replace(WANTED, after="2-1d2f")
    (cause,) = sync(cluster, "observability", [wanted], once)[1]
    assert what in cause.what


@pytest.mark.parametrize(
    ("group", "said"),
    [
        pytest.param(None, "serves no version of external-secrets.io: install", id="not installed"),
        pytest.param(
            {"versions": [{"version": "v1beta1"}, {"version": "v1alpha1"}]},
            "as v1beta1, v1alpha1, and not as v1: .* 0.16, which serves both; .* then update to 0.17",
            id="too old",
        ),
    ],
)
def test_an_api_that_is_not_served_is_no_reason_to_wait(group: Object | None, said: str) -> None:
    cluster = Cluster()
    del cluster.objects["external_secret"]
    cluster.objects.pop("group")
    if group:
        cluster.objects["group"] = group
    with pytest.raises(ApiNotServedError, match=said):
        sync(cluster, "observability", [WANTED], once)


@pytest.mark.parametrize(
    ("passing", "waits"),
    [
        pytest.param(True, True, id="an API server that is busy"),
        pytest.param(False, False, id="an API server that refuses"),
    ],
)
def test_an_error_that_may_pass_does_not_end_the_wait(passing: bool, waits: bool) -> None:
    """The second look fails, and the third finds all well."""
    looks: list[float] = []

    class Busy(Cluster):
        def get(self, path: str, query: t.Sequence[tuple[str, str]] = ()) -> Object | None:
            if len(looks) == 1:
                raise KubernetesError("etcdserver: leader changed", passing=passing)
            return super().get(path, query)

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        cluster.objects["external_secret"]["metadata"]["generation"] = 2

    def wait(probe: t.Callable[[], tuple[bool, list[Sight]]]) -> list[Sight]:
        return wait_until(probe, timeout=60, pause=1, clock=lambda: sum(looks), sleep=sleep)

    cluster = Busy()
    cluster.objects["external_secret"]["metadata"]["generation"] = 3
    if waits:
        sights, none = sync(cluster, "observability", [WANTED], wait)
        assert (sights[0].synced, none, looks) == (True, [], [1, 1])
    else:
        with pytest.raises(KubernetesError, match="leader changed"):
            sync(cluster, "observability", [WANTED], wait)


def test_waits_until_the_last_one_is_in_sync() -> None:
    cluster = Cluster()
    cluster.fail()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            cluster.objects["external_secret"]["status"]["conditions"] = Cluster().objects["external_secret"][
                "status"
            ]["conditions"]

    def wait(probe: t.Callable[[], tuple[bool, list[Sight]]]) -> list[Sight]:
        return wait_until(probe, timeout=60, pause=1, clock=lambda: sum(slept), sleep=sleep)

    sights, none = sync(cluster, "observability", [WANTED], wait)
    assert (sights[0].synced, none, slept) == (True, [], [1, 1, 1])
