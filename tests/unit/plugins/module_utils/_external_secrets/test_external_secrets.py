"""When an external secret is in sync, and what is said when it is not."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import Cause
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    Sight,
    Wanted,
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
    FAILED,
    PATHS,
    ROLE,
    STORE_BAD,
    SYNCED,
    Cluster,
    Object,
)

WANTED = Wanted("aurora-credentials", ("username", "password", "DATA_SOURCE_URI"))
Change = Callable[[Cluster], None]


def once(probe: t.Callable[[], tuple[bool, list[Sight]]]) -> list[Sight]:
    return wait_until(probe, timeout=0)


def causes(cluster: Cluster) -> list[Cause]:
    return sync(cluster, "observability", [WANTED], once)[1]


def change(name: str, path: str, value: t.Any) -> Change:
    """Set the field at a dotted path of an object."""

    def apply(cluster: Cluster) -> None:
        *parents, last = path.split(".")
        place = cluster.objects[name]
        for parent in parents:
            place = place[parent]
        place[last] = value

    return apply


def drop(name: str) -> Change:
    def apply(cluster: Cluster) -> None:
        del cluster.objects[name]

    return apply


def fail(*messages: str, store: bool = False) -> Change:
    return lambda cluster: cluster.fail(*messages, store=store)


def both(*changes: Change) -> Change:
    def apply(cluster: Cluster) -> None:
        for one in changes:
            one(cluster)

    return apply


def failed(message: str) -> Change:
    """Not in sync, without events, and with this in the condition."""
    return both(fail(), change("external_secret", "status.conditions", [{**FAILED, "message": message}]))


def owned(kind: str, name: str) -> Change:
    owner = {"kind": kind, "name": name, "controller": True}
    return change("secret", "metadata.ownerReferences", [{"kind": "X", "name": "x"}, owner])


def fault_since(time: str) -> Change:
    return change("external_secret", "status.conditions", [{**FAILED, "lastTransitionTime": time}])


def event_about(kind: str, name: str) -> Change:
    def apply(cluster: Cluster) -> None:
        for event in cluster.objects["events"]["items"]:
            event["involvedObject"] = {"kind": kind, "name": name}

    return apply


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


ACCOUNT = "ServiceAccount observability/aurora-access"
TRUST = (
    '"oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub" = "system:serviceaccount:observability:aurora-access" '
    'and "oidc.eks.eu-central-1.amazonaws.com/id/ABC:aud" = "sts.amazonaws.com"'
)
DENIED = (
    "unable to create session: operation error STS: AssumeRoleWithWebIdentity, https response error "
    "StatusCode: 403, api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"
)


@pytest.mark.parametrize(
    ("broken", "what", "remedy"),
    [
        pytest.param(
            drop("external_secret"),
            "ExternalSecret observability/aurora-credentials does not exist",
            "Apply it",
            id="absent",
        ),
        pytest.param(
            change("external_secret", "metadata.deletionTimestamp", "2026"),
            "is being deleted",
            "finalizers",
            id="deleting",
        ),
        pytest.param(
            both(drop("store"), fail()),
            "SecretStore aurora-secret-store does not exist in namespace observability",
            "secretStoreRef",
            id="store missing",
        ),
        pytest.param(
            both(drop("account"), fail(store=True)),
            f"{ACCOUNT}, which SecretStore aurora-secret-store uses, does not exist",
            "serviceAccountRef",
            id="service account missing",
        ),
        pytest.param(
            both(change("account", "metadata.annotations", None), fail(store=True)),
            "has no annotation eks.amazonaws.com/role-arn",
            "Annotate it",
            id="service account without annotation",
        ),
        pytest.param(
            fail(DENIED, store=True),
            f"{ACCOUNT} cannot become role {ROLE}: AccessDenied: Not authorized",
            TRUST,
            id="trust refuses, told by an event",
        ),
        pytest.param(
            fail(store=True),
            "aurora-secret-store is not ready (Ready=False InvalidProviderConfig: unable to validate store)",
            TRUST,
            id="trust refuses or role missing, event lost",
        ),
        pytest.param(
            fail("operation error Secrets Manager: GetSecretValue, StatusCode: 403, AccessDeniedException"),
            f"Role {ROLE} may not read secret orders",
            "secretsmanager:GetSecretValue",
            id="policy lacks the secret",
        ),
        pytest.param(
            fail("GetSecretValue, api error AccessDeniedException: Access to KMS is not allowed"),
            "may not use the KMS key of secret orders",
            "kms:Decrypt",
            id="policy lacks the key",
        ),
        pytest.param(
            fail("error retrieving secret: Secret does not exist"),
            "Secrets Manager has no secret orders",
            "remoteRef.key",
            id="secret name missing",
        ),
        pytest.param(
            fail("error processing spec.data[0], err: key nope does not exist in secret demo/aurora"),
            "The document demo/aurora has no key nope",
            "correct the property",
            id="property missing",
        ),
        pytest.param(
            fail('could not apply template: could not execute template: map has no entry for key "hots"'),
            'map has no entry for key "hots"',
            "target.template",
            id="template error",
        ),
        pytest.param(
            both(fail("key old does not exist in secret x", DENIED), change("events", "items", [])),
            f"could not read secret orders as role {ROLE}; the event that says why is gone",
            "look_in_aws: true",
            id="no event at all",
        ),
        pytest.param(
            fail("key nope does not exist in secret x", store=True),
            "is not ready",
            TRUST,
            id="an event that does not fit the conditions is old",
        ),
        pytest.param(
            fail("key first does not exist in secret x", "key second does not exist in secret x"),
            "has no key second",
            "correct the property",
            id="the newest event counts",
        ),
        pytest.param(
            change("external_secret", "metadata.generation", 3),
            "was synced for generation 2 of its spec, which is at generation 3 now",
            "look at its pods",
            id="stale generation",
        ),
        pytest.param(
            change("external_secret", "status", {}),
            "no controller has looked at it",
            "runs and watches",
            id="no status",
        ),
        pytest.param(
            both(change("external_secret", "status", {}), change("store", "status", {})),
            "SecretStore aurora-secret-store has no status",
            "runs and watches",
            id="no controller at all",
        ),
        pytest.param(
            change("secret", "data", {"username": "eA==", "password": ""}),
            "lacks password, DATA_SOURCE_URI (empty: password); it has username",
            "target.template.data",
            id="the Secret lacks keys",
        ),
        pytest.param(
            drop("secret"), "Secret aurora-credentials does not exist", "creationPolicy", id="Secret gone"
        ),
        pytest.param(
            both(fail(), change("external_secret", "spec.secretStoreRef", None)),
            "ExternalSecret observability/aurora-credentials names no store",
            "secretStoreRef",
            id="no store named",
        ),
        pytest.param(
            both(change("external_secret", "status", {}), change("store", "spec.controller", "other")),
            "as SecretStore aurora-secret-store is for controller other",
            "controller class",
            id="store of another controller",
        ),
        pytest.param(
            both(
                change("account", "metadata.annotations", {"eks.amazonaws.com/role-arn": "my-role"}),
                fail(store=True),
            ),
            "is my-role, which is not the ARN of an IAM role",
            "arn:aws:iam::<account>:role/<name>",
            id="role that is no ARN",
        ),
        pytest.param(
            both(failed("target is owned by another ExternalSecret"), owned("ExternalSecret", "rival")),
            "Secret observability/aurora-credentials is owned by ExternalSecret rival",
            "another target.name",
            id="Secret of another external secret",
        ),
        pytest.param(
            both(failed("failed to take ownership of target secret"), owned("ConfigMap", "theirs")),
            "Secret observability/aurora-credentials is owned by ConfigMap theirs",
            "remove that owner",
            id="Secret of something else",
        ),
        pytest.param(
            failed("could not update secret, target is immutable"),
            "Secret observability/aurora-credentials is immutable",
            "Delete it",
            id="immutable Secret",
        ),
        pytest.param(
            failed("could not update secret"),
            "could not write Secret aurora-credentials; the event that says why is gone",
            "force-sync",
            id="template error, event lost",
        ),
        pytest.param(
            both(
                failed("could not update secret"),
                change("external_secret", "spec.dataFrom", None),
                change(
                    "external_secret", "spec.target.template", {"data": {"x": "{{ .username }}{{ .hots }}"}}
                ),
            ),
            "The template of aurora-credentials cannot be applied (it names hots, and there is no such key)",
            "target.template",
            id="template error that the spec alone shows",
        ),
        pytest.param(
            fail('Secret "aurora-credentials" is invalid: data[a b]: Invalid value'),
            "Kubernetes refuses Secret aurora-credentials: data[a b]: Invalid value",
            "target.template",
            id="Kubernetes refuses the Secret",
        ),
        pytest.param(
            fail("api error UnrecognizedClientException: The security token is invalid"),
            "AWS does not accept the credentials of role",
            "region",
            id="region that the account has not enabled",
        ),
        pytest.param(
            fail("GetSecretValue: because it was marked for deletion."),
            "Secret orders is scheduled for deletion",
            "Restore it",
            id="secret scheduled for deletion",
        ),
        pytest.param(
            both(
                change("external_secret", "metadata.generation", 3),
                change("external_secret", "spec.refreshPolicy", "CreatedOnce"),
            ),
            "at generation 3 now; with refreshPolicy CreatedOnce it is not synced again",
            "delete the Secret",
            id="synced once for all",
        ),
        pytest.param(
            both(
                change("external_secret", "metadata.generation", 3),
                change("external_secret", "spec.refreshInterval", "0s"),
            ),
            "with refreshInterval 0s it is not synced again",
            "Change that setting",
            id="interval of 0",
        ),
        pytest.param(
            both(
                drop("secret"),
                change("external_secret", "status.conditions", [{**SYNCED, "reason": "SecretDeleted"}]),
            ),
            "has deleted Secret aurora-credentials (deletionPolicy Delete), because Secrets Manager has no",
            "Write the document",
            id="deleted with its document",
        ),
        pytest.param(
            both(fail("key old does not exist in secret x"), fault_since("2026-11-23T11:00:00Z")),
            "the event that says why is gone",
            "force-sync",
            id="an event of an older fault says nothing",
        ),
        pytest.param(
            both(
                fail("key nope does not exist in secret x"), event_about("Deployment", "aurora-credentials")
            ),
            "the event that says why is gone",
            "force-sync",
            id="an event about a namesake says nothing",
        ),
        pytest.param(
            both(fail(DENIED), event_about("SecretStore", "aurora-secret-store")),
            "the event that says why is gone",
            "force-sync",
            id="a warning about a store that is ready is old",
        ),
    ],
)
def test_the_cause_is_named(broken: Change, what: str, remedy: str) -> None:
    cluster = Cluster()
    broken(cluster)
    (cause,) = causes(cluster)
    assert what in cause.what
    assert remedy in cause.remedy


def test_an_audience_of_its_own_is_told() -> None:
    cluster = Cluster()
    cluster.objects["account"]["metadata"]["annotations"]["eks.amazonaws.com/audience"] = "my-audience"
    cluster.fail(DENIED, store=True)
    assert ':aud" = "my-audience"' in causes(cluster)[0].remedy


def test_the_condition_of_a_store_tells_where_it_holds_the_cause() -> None:
    cluster = Cluster()
    cluster.fail(store=True)
    message = (
        "unable to validate store: AccessDenied: User: x is not authorized to perform: sts:AssumeRole on "
        "resource: y\n\tstatus code: 403, "
    )
    cluster.objects["store"]["status"]["conditions"] = [{**STORE_BAD, "message": message}]
    (cause,) = causes(cluster)
    assert "cannot assume role" in cause.what


def test_events_that_may_not_be_read_are_done_without() -> None:
    class Guarded(Cluster):
        def get(self, path: str, query: t.Sequence[tuple[str, str]] = ()) -> Object | None:
            if path in (PATHS["events"], PATHS["discovery"]):
                raise KubernetesError("403")
            return super().get(path, query)

    cluster = Guarded()
    cluster.fail(store=True)
    assert "<issuer of the cluster>:sub" in causes(cluster)[0].remedy.replace('"', "")


def test_without_the_right_to_read_the_store_that_is_said() -> None:
    class Guarded(Cluster):
        def get(self, path: str, query: t.Sequence[tuple[str, str]] = ()) -> Object | None:
            if path == PATHS["store"]:
                raise KubernetesError("The Kubernetes API answered GET secretstores with 403")
            return super().get(path, query)

    cluster = Guarded()
    cluster.fail()
    (cause,) = causes(cluster)
    assert "is not in sync (Ready=False SecretSyncedError" in cause.what
    assert "secretstores with 403" in cause.remedy


@pytest.mark.parametrize(
    ("group", "said"),
    [
        pytest.param(None, "it serves no version of it", id="not installed"),
        pytest.param({"versions": [{"version": "v1beta1"}]}, "it serves v1beta1", id="too old"),
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


CLUSTERED = {"name": "shared", "kind": "ClusterSecretStore"}


@pytest.mark.parametrize(
    ("conditions", "labels", "refused"),
    [
        pytest.param([], {}, False, id="without conditions"),
        pytest.param([{"namespaces": ["other"]}], {}, True, id="another name"),
        pytest.param(
            [{"namespaces": ["other"]}, {"namespaces": ["observability"]}], {}, False, id="its name"
        ),
        pytest.param([{"namespaceRegexes": ["^obs"]}], {}, False, id="a pattern of it"),
        pytest.param([{"namespaceSelector": {"matchLabels": {"a": "b"}}}], {"a": "b"}, False, id="its label"),
        pytest.param(
            [{"namespaceSelector": {"matchLabels": {"a": "b"}}}], {"a": "c"}, True, id="another label"
        ),
        pytest.param(
            [{"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}],
            {},
            True,
            id="an expression",
        ),
        pytest.param(
            [{"namespaceSelector": {"matchLabels": {"a": "b"}}}],
            None,
            False,
            id="labels that may not be read",
        ),
    ],
)
def test_a_cluster_store_for_other_namespaces(
    conditions: list[Object], labels: dict[str, str] | None, refused: bool
) -> None:
    cluster = Cluster()
    cluster.fail()
    cluster.objects["external_secret"]["spec"]["secretStoreRef"] = CLUSTERED
    cluster.objects["shared"] = cluster.objects.pop("store")
    cluster.objects["shared"]["spec"]["conditions"] = conditions
    if labels is not None:
        cluster.objects["namespace"] = {"metadata": {"name": "observability", "labels": labels}}
    (cause,) = causes(cluster)
    assert ("ClusterSecretStore shared is not allowed from namespace observability" in cause.what) is refused


def test_the_store_of_a_single_entry_is_looked_at_too() -> None:
    cluster = Cluster()
    cluster.fail()
    cluster.objects["external_secret"]["spec"]["data"][0]["sourceRef"] = {"storeRef": {"name": "nope"}}
    (cause,) = causes(cluster)
    assert "SecretStore nope does not exist in namespace observability" in cause.what


def test_an_event_names_one_secret_of_several() -> None:
    cluster = Cluster()
    cluster.objects["external_secret"]["spec"]["dataFrom"] = [{"extract": {"key": "invoices"}}]
    cluster.fail("error processing spec.dataFrom[0].extract, err: Secret does not exist")
    (cause,) = causes(cluster)
    assert "Secrets Manager has no secret invoices in region" in cause.what


def test_events_that_may_not_be_read_are_named_where_they_would_help() -> None:
    class Guarded(Cluster):
        def get(self, path: str, query: t.Sequence[tuple[str, str]] = ()) -> Object | None:
            if path == PATHS["events"]:
                raise KubernetesError("events is forbidden")
            return super().get(path, query)

    cluster = Guarded()
    cluster.fail()
    assert "events is forbidden" in causes(cluster)[0].what
