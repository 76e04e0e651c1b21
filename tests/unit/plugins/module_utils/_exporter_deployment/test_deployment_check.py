"""What is wrong with the Deployment of an exporter."""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Callable

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment.check import (
    Sight,
    check,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment.model import Wanted
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

from tests.certificates import authority
from tests.unit.plugins.module_utils._exporter_deployment.fake_deployment import (
    VALID,
    Cluster,
    Object,
)

ARGUMENTS = ["--no-collector.wal", "--collector.stat_statements"]
WANTED = Wanted("exporter", "DB.example", 5432, "app", ARGUMENTS)
OLD, LATER, SOON = authority("old", -100, -10), authority("later", 10, 100), authority("soon", -9, 9)
Change = Callable[[Cluster], object]
once = functools.partial(wait_until, timeout=0)


def look(cluster: Cluster, wanted: Wanted = WANTED) -> Sight:
    (sight,) = check(cluster, "observability", [wanted], once)
    return sight


def test_a_healthy_exporter() -> None:
    cluster = Cluster()
    assert look(cluster).result() == {"name": "exporter", "healthy": True, "problems": [], "warnings": []}
    assert [("labelSelector", "app=exporter")] in [query for _path, query in cluster.asked]
    assert len(cluster.asked) == len(cluster.objects), "each object is read once"


def waiting(reason: str, **more: t.Any) -> Change:
    state = {"waiting": {"reason": reason, "message": "as the kubelet says"}}
    return lambda cluster: cluster.pod["status"].update(containerStatuses=[{"state": state, **more}])


def status(**fields: t.Any) -> Change:
    return lambda cluster: cluster.objects["deployment"]["status"].update(fields)


def authorities(*bundle: str) -> Change:
    return lambda cluster: cluster.objects["authorities"]["data"].update({"ca.pem": "".join(bundle)})


def source(**entry: t.Any) -> Change:
    return lambda cluster: cluster.container["env"].__setitem__(0, {"name": "DATA_SOURCE_URI", **entry})


def volume(**source: t.Any) -> Change:
    return lambda cluster: cluster.template["volumes"].append({"name": "more", **source})


def beside(metadata: Object | None = None, status: Object | None = None) -> Change:
    """One more pod, which was started with old credentials and waits for something."""
    state = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}

    def apply(cluster: Cluster) -> None:
        cluster.objects["pods"]["items"].append(
            {
                "metadata": {
                    "namespace": "observability",
                    "name": "exporter-old",
                    "labels": {"app": "exporter", "track": "stable"},
                    "annotations": {"checksum/credentials": "before"},
                    **(metadata or {}),
                },
                "status": {"phase": "Running", "containerStatuses": [state], **(status or {})},
            }
        )

    return apply


def selecting(*expressions: Object, **more: t.Any) -> Change:
    selector = {"matchExpressions": list(expressions), **more}
    return lambda cluster: cluster.objects["deployment"]["spec"]["selector"].update(selector)


def both(*changes: Change) -> Change:
    def apply(cluster: Cluster) -> None:
        for change in changes:
            change(cluster)

    return apply


CUT = "-----BEGIN CERTIFICATE-----\nMIIB"
BROKEN = f"{CUT}\n-----END CERTIFICATE-----\n"
REFUSED = {"type": "ReplicaFailure", "status": "True", "message": "violates PodSecurity"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda cluster: cluster.objects.pop("deployment"),
            "Deployment observability/exporter does not exist",
            id="no Deployment",
        ),
        pytest.param(
            lambda cluster: cluster.objects["deployment"]["spec"].update(replicas=0),
            "is scaled to 0",
            id="no replica wanted",
        ),
        pytest.param(status(observedGeneration=2), "is not rolled out yet", id="the spec is not seen yet"),
        pytest.param(status(updatedReplicas=0), "has 0 new and 1 available of 1 pods", id="not rolled out"),
        pytest.param(status(availableReplicas=0), "has 1 new and 0 available of 1 pods", id="not available"),
        pytest.param(status(conditions=[REFUSED]), "gets no pod: violates PodSecurity", id="pod refused"),
        pytest.param(
            waiting("ErrImagePull"),
            "Pod observability/exporter-0 waits: ErrImagePull (as the kubelet says). Correct the image",
            id="image missing",
        ),
        pytest.param(
            waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 1, "message": "no URI\n"}}),
            "waits: CrashLoopBackOff (it ended with 1: no URI)",
            id="crashing",
        ),
        pytest.param(
            lambda cluster: cluster.pod["metadata"]["annotations"].update({"checksum/credentials": "before"}),
            "exporter-0 is stuck on an old connection: checksum/credentials says that it was started with "
            "credentials which Secret observability/creds no longer has",
            id="old credentials",
        ),
        pytest.param(
            source(value="elsewhere.example/other"),
            "DATA_SOURCE_URI (Deployment observability/exporter) leads to another database: "
            "host elsewhere.example instead of db.example, database other instead of app.",
            id="another database, by value",
        ),
        pytest.param(
            lambda cluster: cluster.objects["secret"]["data"].pop("uri"),
            "Secret observability/creds does not exist or lacks the key uri",
            id="key missing",
        ),
        pytest.param(
            lambda cluster: cluster.container.update(args=["--collector.stat_statements", "--x=1"]),
            "it lacks --no-collector.wal and has --x=1 besides",
            id="other arguments",
        ),
        pytest.param(
            authorities(OLD), "ca.pem of ConfigMap observability/exporter-ca has no valid", id="CA expired"
        ),
        pytest.param(authorities(OLD, LATER), "CN=later is not valid before", id="CA not yet valid"),
        pytest.param(authorities(BROKEN), "certificate 1 is none", id="CA that is none"),
        pytest.param(authorities(CUT), "certificate 1 is cut off", id="CA that is cut off"),
        pytest.param(authorities(OLD, CUT), "CN=old has expired", id="an expired CA and one that is cut off"),
        pytest.param(authorities(), "CA certificate: it has none at all", id="a bundle without a CA"),
        pytest.param(
            lambda cluster: cluster.objects.pop("authorities"),
            "ConfigMap observability/exporter-ca does not exist",
            id="no ConfigMap",
        ),
        pytest.param(
            volume(projected={"sources": [{"secret": {"name": "x"}}, {"configMap": {"name": "gone"}}]}),
            "ConfigMap observability/gone does not exist",
            id="no ConfigMap for a part of a volume",
        ),
    ],
)
def test_what_is_wrong_is_said(change: Change, said: str) -> None:
    cluster = Cluster()
    change(cluster)
    findings = look(cluster).findings
    assert len(findings) == 1, findings
    assert said in str(findings[0])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(waiting("ContainerCreating"), id="a container is being made"),
        pytest.param(
            lambda cluster: cluster.pod["metadata"].update(annotations={}),
            id="a pod without a checksum",
        ),
        pytest.param(
            lambda cluster: cluster.objects["secret"]["metadata"].update(annotations=None),
            id="a Secret that no operator wrote",
        ),
        pytest.param(
            lambda cluster: cluster.pod["metadata"].update(deletionTimestamp="now", annotations={"a": "b"}),
            id="a pod that is going",
        ),
        pytest.param(source(value="db.example/app"), id="the port that is nobody's choice"),
        pytest.param(source(value="postgresql://db.example/app"), id="a data source with its scheme"),
        pytest.param(
            source(value="db.example/app?sslrootcert=/etc//ca.pem"), id="a data source with a path in it"
        ),
        pytest.param(lambda cluster: cluster.container.update(env=[]), id="no DATA_SOURCE_URI"),
        pytest.param(
            volume(configMap={"name": "gone", "optional": True}), id="no ConfigMap, but pods start without it"
        ),
        pytest.param(beside(status={"phase": "Failed", "reason": "Evicted"}), id="an old pod was evicted"),
        pytest.param(beside(status={"phase": "Succeeded"}), id="an old pod is over"),
        pytest.param(
            both(
                beside(metadata={"labels": {"app": "exporter", "track": "canary"}}),
                selecting({"key": "track", "operator": "In", "values": ["stable"]}),
            ),
            id="an old pod that an expression leaves out",
        ),
        pytest.param(
            both(
                beside(metadata={"labels": {"app": "web"}}),
                selecting({"key": "app", "operator": "In", "values": ["exporter"]}, matchLabels=None),
            ),
            id="an old pod of something else, without labels to match",
        ),
    ],
)
def test_what_is_not_wrong(change: Change) -> None:
    cluster = Cluster()
    change(cluster)
    assert look(cluster).findings == []


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        pytest.param("db.example:5433/app", "port 5433 instead of 5432", id="port"),
        pytest.param("db.example:5432/app%2Fx", "database app/x instead of app", id="escaped database"),
        pytest.param("db.example:port/app", "is not host:port/database", id="no port"),
        pytest.param("user:hush@db.example:5432/x", "database x instead of app", id="with a login"),
    ],
)
def test_of_a_data_source_only_the_place_is_told(uri: str, said: str) -> None:
    (finding,) = look(Cluster(uri)).findings
    assert said in finding.what
    assert "hush" not in finding.what


def test_anything_will_do_where_nothing_is_asked_for() -> None:
    assert look(Cluster("x:1/y"), Wanted("exporter")).findings == []


@pytest.mark.parametrize(
    ("bundle", "warnings"),
    [
        pytest.param([VALID], [], id="valid"),
        pytest.param([VALID, OLD], ["CN=old has expired on"], id="one of several has expired"),
        pytest.param([SOON], ["CN=soon expires on"], id="ends within 30 days"),
        pytest.param([BROKEN, VALID], ["certificate 1 is none"], id="one of several is none"),
        pytest.param([VALID, CUT], ["certificate 2 is cut off"], id="the last is cut off"),
        pytest.param([CUT, VALID], ["certificate 1 is cut off"], id="the first is cut off"),
        pytest.param(
            [VALID, *([OLD] * 5)],
            ["CN=old", "CN=old", "CN=old", "2 more are not valid"],
            id="of many, the first",
        ),
    ],
)
def test_certificates_are_warned_of(bundle: list[str], warnings: list[str]) -> None:
    cluster = Cluster()
    authorities(*bundle)(cluster)
    sight = look(cluster)
    assert sight.findings == []
    assert len(sight.warnings) == len(warnings)
    assert all(word in found for word, found in zip(warnings, sight.warnings, strict=True))


def test_causes_come_before_what_follows_from_them() -> None:
    cluster = Cluster("db.example:5432/other")
    for change in (authorities(OLD), waiting("CrashLoopBackOff"), status(availableReplicas=0)):
        change(cluster)
    said = [finding.what.split()[0] for finding in look(cluster).findings]
    assert said == ["DATA_SOURCE_URI", "ca.pem", "Pod"]


@pytest.mark.parametrize(
    ("change", "waits"),
    [
        pytest.param(status(updatedReplicas=0), True, id="a rollout ends by itself"),
        pytest.param(authorities(OLD), False, id="a certificate gets no younger"),
    ],
)
def test_waiting_is_for_what_may_pass(change: Change, waits: bool) -> None:
    cluster, healthy, slept = Cluster(), Cluster(), []
    change(cluster)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        cluster.objects = healthy.objects

    wait = functools.partial(wait_until, timeout=5, pause=1, sleep=sleep)
    (sight,) = check(cluster, "observability", [WANTED], wait)
    assert (bool(slept), not sight.findings) == (waits, waits)


@pytest.mark.parametrize(
    ("passing", "waits"),
    [
        pytest.param(True, True, id="an API server that is busy"),
        pytest.param(False, False, id="an API server that refuses"),
    ],
)
def test_an_error_that_may_pass_does_not_end_the_wait(passing: bool, waits: bool) -> None:
    cluster = Cluster()
    status(updatedReplicas=0)(cluster)

    def sleep(_seconds: float) -> None:
        status(updatedReplicas=1)(cluster)
        cluster.errors = [] if cluster.asked.count("error") else [KubernetesError("503", passing=passing)]

    wait = functools.partial(wait_until, timeout=5, pause=1, sleep=sleep)
    if waits:
        (sight,) = check(cluster, "observability", [WANTED], wait)
        assert sight.findings == []
        assert cluster.asked.count("error") == 1
    else:
        with pytest.raises(KubernetesError, match="503"):
            check(cluster, "observability", [WANTED], wait)


def test_an_error_that_did_not_pass_is_told() -> None:
    cluster = Cluster()
    cluster.errors = [KubernetesError("no answer", passing=True)]
    with pytest.raises(KubernetesError, match="no answer"):
        check(cluster, "observability", [WANTED], once)


def test_each_deployment_is_looked_at() -> None:
    objects: list[Object] = [
        sight.result() for sight in check(Cluster(), "observability", [WANTED, Wanted("reader")], once)
    ]
    assert [(one["name"], one["healthy"]) for one in objects] == [("exporter", True), ("reader", False)]
