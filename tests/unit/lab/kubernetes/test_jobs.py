"""A Job selects its own Pods, keeps its template, and goes with its Pods or without them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lab.waiting import wait_until

POD: Any = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example.org/main:1"}]}
JOB: Any = {
    "metadata": {"name": "j"},
    "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": POD}},
}
UID_LABEL = "batch.kubernetes.io/controller-uid"


@pytest.fixture
def jobs(namespace: str) -> str:
    """Path of the Jobs in the test's namespace."""
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def job(**spec: Any) -> Any:
    """The Job, with more in its specification."""
    changed = copy.deepcopy(JOB)
    changed["spec"] |= copy.deepcopy(spec)
    return changed


def test_it_selects_its_own_pods(api: Any, jobs: str) -> None:
    body = api.post(jobs, JOB).body
    uid, spec = body["metadata"]["uid"], body["spec"]
    assert spec["selector"] == {"matchLabels": {UID_LABEL: uid}}
    names = {"job-name": "j", "batch.kubernetes.io/job-name": "j"}
    assert spec["template"]["metadata"]["labels"] == {
        "a": "b",
        "controller-uid": uid,
        UID_LABEL: uid,
        **names,
    }


@pytest.mark.parametrize(
    ("body", "causes"),
    [
        pytest.param(
            job(selector={"matchLabels": {"a": "c"}}),
            [
                ("spec.selector", "FieldValueInvalid"),
                ("spec.template.metadata.labels", "FieldValueInvalid"),
            ],
            id="a selector of other pods",
        ),
        pytest.param(
            job(template={"metadata": {"labels": {"job-name": "k"}}, "spec": POD}),
            [("spec.template.metadata.labels[job-name]", "FieldValueInvalid")],
            id="labels of another job",
        ),
        pytest.param(
            job(template={"spec": {**POD, "restartPolicy": "Always"}}),
            [("spec.template.spec.restartPolicy", "FieldValueRequired")],
            id="pods that never end",
        ),
        pytest.param(
            job(backoffLimit=-1), [("spec.backoffLimit", "FieldValueInvalid")], id="a count below zero"
        ),
        pytest.param(
            job(manualSelector=True),
            [
                ("spec.selector", "FieldValueRequired"),
                ("spec.template.metadata.labels", "FieldValueInvalid"),
            ],
            id="no selector where its author makes it",
        ),
    ],
)
def test_refused(api: Any, jobs: str, body: Any, causes: list[tuple[str, str]]) -> None:
    answer = api.post(jobs, body)
    assert answer.outcome == (422, "Invalid")
    assert sorted(answer.causes) == causes


def test_its_template_is_for_good(api: Any, jobs: str) -> None:
    api.post(jobs, JOB)
    main = {"name": "main", "image": "example.org/main:2"}
    answer = api.strategic(f"{jobs}/j", {"spec": {"template": {"spec": {"containers": [main]}}}})
    assert answer.causes == [("spec.template", "FieldValueInvalid")]


class TestDeletion:
    @pytest.fixture
    def pod(self, api: Any, core: str, jobs: str) -> str:
        """Path of a Pod of the Job."""
        uid = api.post(jobs, JOB).body["metadata"]["uid"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": uid}
        api.post(f"{core}/pods", {"metadata": {"name": "p", "ownerReferences": [owner]}, "spec": POD})
        return f"{core}/pods/p"

    def test_leaves_the_pods_and_warns_of_that(self, api: Any, jobs: str, pod: str) -> None:
        answer = api.delete(f"{jobs}/j")
        assert "child pods are preserved by default" in answer.warnings[0]
        wait_until(lambda: api.get(f"{jobs}/j").code == 404, what="the Job to go", timeout=5, pause=0.02)
        assert "ownerReferences" not in api.get(pod).body["metadata"]

    def test_takes_the_pods_where_it_is_told_to(self, api: Any, jobs: str, pod: str) -> None:
        assert api.delete(f"{jobs}/j", propagationPolicy="Background").warnings == []
        assert wait_until(lambda: api.get(pod).code == 404, what="the Pod to go", timeout=5, pause=0.02)
