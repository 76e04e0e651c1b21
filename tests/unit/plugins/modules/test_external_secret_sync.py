"""external_secret_sync, from task to result."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.modules import external_secret_sync

from tests.unit.plugins.module_utils._external_secrets.fake_cluster import Cluster

WISH: dict[str, t.Any] = {
    "namespace": "observability",
    "external_secrets": [{"name": "aurora-credentials", "keys": ["username", "password", "DATA_SOURCE_URI"]}],
    "timeout": 0,
}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(external_secret_sync, "connect", lambda params: found)
    return found


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
def test_in_sync(run: t.Any, cluster: Cluster, check: bool) -> None:
    result = run(external_secret_sync.main, check=check, **WISH)
    assert result["changed"] is False
    (found,) = result["external_secrets"]
    assert found["data_hash"] == "6a2f41a3"
    assert found["present_keys"] == ["DATA_SOURCE_URI", "password", "username"]
    assert "c2VjcmV0LXdvcmQ" not in str(result)


def test_the_cause_is_the_message(run: t.Any, cluster: Cluster) -> None:
    del cluster.objects["account"]["metadata"]["annotations"]
    cluster.fail(store=True)
    message = run.failure(external_secret_sync.main, **WISH)
    assert message == (
        "Not in sync after 0 s:\n"
        "ServiceAccount observability/aurora-access has no annotation eks.amazonaws.com/role-arn. "
        "Annotate it with the ARN of the IAM role that may read the secret.\n"
        "  Seen last: ExternalSecret observability/aurora-credentials Ready=False SecretSyncedError: could "
        "not get secret data from provider; SecretStore aurora-secret-store Ready=False "
        "InvalidProviderConfig: unable to validate store."
    )


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        pytest.param([], "serves no version of external-secrets.io", id="External Secrets is not installed"),
        pytest.param(["v1beta1"], "as v1beta1, and not as v1: its External Secrets is older", id="too old"),
    ],
)
def test_a_cluster_without_the_api_is_refused_at_once(
    run: t.Any, cluster: Cluster, versions: list[str], said: str
) -> None:
    del cluster.objects["external_secret"]
    cluster.objects["group"] = {"versions": [{"version": version} for version in versions]}
    assert said in run.failure(external_secret_sync.main, **{**WISH, "timeout": 600})


def test_a_cluster_that_does_not_answer_is_a_sentence(run: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(params: dict[str, t.Any]) -> Cluster:
        raise KubernetesError("Could not reach the Kubernetes API: refused")

    monkeypatch.setattr(external_secret_sync, "connect", refuse)
    assert run.failure(external_secret_sync.main, **WISH) == "Could not reach the Kubernetes API: refused"


def test_aws_is_asked_only_where_that_is_wanted(run: t.Any, cluster: Cluster, aws: t.Any) -> None:
    cluster.fail()
    cluster.objects["store"]["spec"]["provider"]["aws"]["region"] = "eu-central-1"
    assert "look_in_aws: true looks there" in run.failure(external_secret_sync.main, **WISH)
    message = run.failure(external_secret_sync.main, **WISH, look_in_aws=True)
    assert "Secrets Manager has no secret orders in region eu-central-1" in message


def test_a_profile_that_is_not_there_is_a_sentence(
    run: t.Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    cluster.fail()
    cluster.objects["store"]["spec"]["provider"]["aws"]["region"] = "eu-central-1"
    message = run.failure(external_secret_sync.main, **WISH, look_in_aws=True)
    assert "The config profile (nope) could not be found" in message


@pytest.mark.parametrize("last", [pytest.param(True, id="last"), pytest.param(False, id="first")])
def test_each_entry_counts_though_two_have_one_name(run: t.Any, cluster: Cluster, last: bool) -> None:
    entries = [{"name": "aurora-credentials", "keys": [key]} for key in ("username", "nope")]
    wish = {**WISH, "external_secrets": entries if last else entries[::-1]}
    assert "lacks nope" in run.failure(external_secret_sync.main, **wish)


@pytest.mark.parametrize(
    ("check", "annotated"),
    [pytest.param(True, 0, id="check mode says what would be done"), pytest.param(False, 1, id="for real")],
)
def test_a_refresh_is_a_change(run: t.Any, cluster: Cluster, check: bool, annotated: int) -> None:
    result = run(external_secret_sync.main, check=check, **WISH, refresh="always")
    assert result["changed"] is True
    assert [list(annotations) for _path, annotations in cluster.annotated] == [["force-sync"]] * annotated


def test_a_refresh_is_over_when_something_newer_was_synced(run: t.Any, cluster: Cluster) -> None:
    """An operator that is asleep leaves the version as it was, and all else looks well."""
    cluster.annotate = lambda path, annotations: None  # type: ignore[method-assign]
    message = run.failure(external_secret_sync.main, **WISH, refresh="always")
    assert "was not synced since a refresh was asked for" in message


#: The fake one was synced at 10:00:00.
OLD, NEW = "2026-11-23T10:00:01+00:00", "2026-11-23T10:00:00.900Z"


def wish(not_before: str) -> dict[str, t.Any]:
    return {**WISH, "external_secrets": [{**WISH["external_secrets"][0], "not_before": not_before}]}


def test_what_was_read_before_its_document_changed_is_not_in_sync(run: t.Any, cluster: Cluster) -> None:
    message = run.failure(external_secret_sync.main, **wish(OLD))
    assert "synced at 2026-11-23T10:00:00Z, before what it reads changed (2026-11-23T10:00:01Z)" in message
    assert "Secret aurora-credentials has the former values" in message
    assert cluster.annotated == []


def test_times_are_compared_to_the_second(run: t.Any, cluster: Cluster) -> None:
    assert run(external_secret_sync.main, **wish(NEW))["external_secrets"][0]["synced"] is True


@pytest.mark.parametrize(
    ("not_before", "check", "annotated"),
    [
        pytest.param(NEW, False, 0, id="not older"),
        pytest.param(OLD, False, 1, id="older"),
        pytest.param(OLD, True, 0, id="older, in check mode"),
    ],
)
def test_only_what_needs_it_is_refreshed(
    run: t.Any, cluster: Cluster, not_before: str, check: bool, annotated: int
) -> None:
    result = run(external_secret_sync.main, check=check, **wish(not_before), refresh="if_needed")
    assert result["changed"] is (not_before == OLD)
    assert len(cluster.annotated) == annotated


@pytest.mark.parametrize("store", [pytest.param(True, id="and the store"), pytest.param(False, id="alone")])
def test_what_failed_is_tried_again_at_once(run: t.Any, cluster: Cluster, store: bool) -> None:
    cluster.fail(store=store)
    run.failure(external_secret_sync.main, **WISH, refresh="if_needed")
    names = [path.rpartition("/")[2] for path, _annotations in cluster.annotated]
    assert names == ["aurora-secret-store"] * store + ["aurora-credentials"]


def test_what_was_never_synced_is_not_too_old(run: t.Any, cluster: Cluster) -> None:
    """Where the cluster's clock is behind, its first sync seems to come before the document."""
    status = cluster.objects["external_secret"]["status"]
    synced = status.pop("refreshTime")
    look = cluster.get

    def synced_at_the_second_look(path: str, *more: t.Any) -> t.Any:
        found = look(path, *more)
        if "externalsecrets" in path:
            found = copy.deepcopy(found)
            status["refreshTime"] = synced
        return found

    cluster.get = synced_at_the_second_look  # type: ignore[method-assign]
    result = run(external_secret_sync.main, **wish(OLD), refresh="if_needed")
    assert result["changed"] is False


def test_what_is_never_synced_again_says_so(run: t.Any, cluster: Cluster) -> None:
    cluster.objects["external_secret"]["spec"]["refreshPolicy"] = "CreatedOnce"
    assert "with refreshPolicy CreatedOnce it is not synced again" in run.failure(
        external_secret_sync.main, **wish(OLD)
    )


@pytest.mark.parametrize("given", ["yesterday", "2026-11-23T10:00:00"])
def test_a_time_that_is_none_is_refused(run: t.Any, cluster: Cluster, given: str) -> None:
    message = run.failure(external_secret_sync.main, **wish(given))
    assert message.startswith(f"not_before of aurora-credentials ({given}) is no time with a time zone")
