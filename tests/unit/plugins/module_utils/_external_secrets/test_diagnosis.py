"""What is said when an external secret is not in sync."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)

from tests.unit.plugins.module_utils._external_secrets.fake_cluster import (
    PATHS,
    ROLE,
    STORE_BAD,
    SYNCED,
    Cluster,
    Object,
    causes,
)
from tests.unit.plugins.module_utils._external_secrets.faults import (
    Change,
    both,
    change,
    drop,
    event_about,
    fail,
    failed,
    fault_since,
    generated,
    owned,
)

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
            fail(
                f"AccessDeniedException: User: {ROLE}/x is not authorized to perform: kms:Decrypt on "
                "resource: arn:aws:kms:eu-central-1:123456789012:key/1 because no identity-based policy "
                "allows the kms:Decrypt action"
            ),
            "may not use the KMS key of secret orders",
            "kms:Decrypt",
            id="policy lacks the key, as IAM says it",
        ),
        pytest.param(
            fail(
                "AccessDeniedException: The ciphertext refers to a customer master key that does not exist, "
                "does not exist in this region, or you are not allowed to access. (Service: AWSKMS; "
                "Status Code: 400)"
            ),
            "may not use the KMS key of secret orders",
            "kms:Decrypt",
            id="policy lacks the key, as KMS says it",
        ),
        pytest.param(
            fail(
                f"AccessDeniedException: User: {ROLE}/x is not authorized to perform: "
                "secretsmanager:DescribeSecret on resource: "
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kms-team/orders-kmsAbc"
            ),
            f"Role {ROLE} may not read secret orders",
            "secretsmanager:GetSecretValue",
            id="policy lacks the secret, which has kms in its name",
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
        pytest.param(
            fail(
                "operation error STS: AssumeRoleWithWebIdentity, exceeded maximum number of attempts, 3, "
                'request send failed, Post "https://sts.eu-centrl-1.amazonaws.com/": dial tcp: lookup '
                "sts.eu-centrl-1.amazonaws.com on 10.100.0.10:53: no such host",
                store=True,
            ),
            "AWS does not answer External Secrets in region",
            "Correct the region of SecretStore aurora-secret-store",
            id="region that is not there, or no way to AWS",
        ),
        pytest.param(
            fail("operation error Secrets Manager: GetSecretValue, ThrottlingException: Rate exceeded"),
            "AWS throttles",
            "raise refreshInterval",
            id="throttled",
        ),
        pytest.param(
            fail(
                "api error AccessDeniedException: User: arn is not authorized to perform: "
                "secretsmanager:GetSecretValue on resource: x with an explicit deny in a "
                "resource-based policy"
            ),
            f"Role {ROLE} may not read secret orders, a Deny in the resource-based policy forbids it",
            "Take the role out of that Deny",
            id="a policy of the secret denies",
        ),
        pytest.param(
            fail(
                "could not apply template: error fetching templateFrom data: failed to get ConfigMap: "
                'configmaps "texts" not found'
            ),
            "What templateFrom of aurora-credentials names cannot be read (failed to get ConfigMap",
            "Create it in namespace observability",
            id="templateFrom names what is not there",
        ),
        pytest.param(
            fail(
                'unable to update secret: admission webhook "validate.kyverno.svc-fail" denied the request: '
                "label team is required"
            ),
            "does not pass the admission webhook validate.kyverno.svc-fail: denied the request: label team",
            "target.template.metadata",
            id="a policy of the cluster refuses the Secret",
        ),
        pytest.param(
            fail(
                'secrets "aurora-credentials" is forbidden: unable to create new content in namespace '
                "observability because it is being terminated"
            ),
            "Namespace observability is being deleted",
            "Wait until it is gone",
            id="namespace being deleted",
        ),
        pytest.param(
            fail("(combined from similar events): error retrieving secret: Secret does not exist"),
            "Secrets Manager has no secret orders",
            "remoteRef.key",
            id="an event that stands for several",
        ),
        pytest.param(
            both(drop("secret"), change("external_secret", "spec.target.creationPolicy", "Merge")),
            "Secret aurora-credentials does not exist",
            "creationPolicy Merge adds to a Secret that is there",
            id="Merge without a Secret",
        ),
        pytest.param(
            both(drop("secret"), change("external_secret", "spec.target.creationPolicy", "None")),
            "Secret aurora-credentials does not exist",
            "creationPolicy None writes no Secret",
            id="policy None",
        ),
        pytest.param(
            both(drop("secret"), change("external_secret", "spec.target.manifest", {"kind": "ConfigMap"})),
            "writes a ConfigMap, and there is no Secret aurora-credentials",
            "only Secrets are looked at",
            id="target that is no Secret",
        ),
        pytest.param(
            both(fail("error using generator: unknown length"), generated),
            "Generator Password login gives nothing (unknown length)",
            "generatorRef",
            id="generator",
        ),
        pytest.param(
            both(fail(), generated),
            "could not read generator Password login; the event that says why is gone",
            "See that it exists",
            id="generator, event lost",
        ),
        pytest.param(
            both(fail(), change("store", "spec.provider", {"vault": {"server": "https://vault"}})),
            "could not read secret orders; the event that says why is gone",
            "See that it exists, and who may read it",
            id="store of another provider",
        ),
    ],
)
def test_the_cause_is_named(broken: Change, what: str, remedy: str) -> None:
    cluster = Cluster()
    broken(cluster)
    (cause,) = causes(cluster)
    assert what in cause.what
    assert remedy in cause.remedy


def test_conditions_are_told_with_the_cause() -> None:
    cluster = Cluster()
    cluster.fail()
    assert causes(cluster)[0].seen == (
        "ExternalSecret observability/aurora-credentials Ready=False SecretSyncedError: could not get secret "
        "data from provider; SecretStore aurora-secret-store Ready=True Valid: store validated"
    )


def test_the_newest_event_counts_whichever_api_wrote_it() -> None:
    """As core/v1 shows an event of events.k8s.io: no lastTimestamp, microseconds, a series."""
    cluster = Cluster()
    cluster.fail("key old does not exist in secret x", "key new does not exist in secret x")
    old, new = cluster.objects["events"]["items"]
    del new["lastTimestamp"]
    new.update(eventTime="2026-11-23T09:00:00.000000Z", series={"lastObservedTime": "2026-11-23T10:00:07.5Z"})
    old["lastTimestamp"] = "2026-11-23T10:00:06Z"
    assert "has no key new" in causes(cluster)[0].what


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
    assert "could not read secret orders; The Kubernetes API answered GET secretstores with 403" in cause.what


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
