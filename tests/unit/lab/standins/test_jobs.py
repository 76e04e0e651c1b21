"""Jobs end as the real controller ends them, and what a container said is its message."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from lab.standins.api.kinds import JOB, POD
from lab.standins.kubelet.plain import POSTGRES
from lab.standins.workloads.jobs import Tally, job_status, unsupported, verdict
from tests.unit.lab.standins.laboratory import NAMESPACE_NAME, Lab

Object = dict[str, Any]
NOW = datetime.datetime(2026, 1, 1, 0, 1, tzinfo=datetime.UTC)
BEFORE = "2026-01-01T00:00:00Z"


def job(restarts: str = "Never", **spec: Any) -> Object:
    template = {"spec": {"restartPolicy": restarts}}
    return {
        "spec": {"completions": 1, "parallelism": 1, "backoffLimit": 1, "template": template, **spec},
        "status": {"startTime": BEFORE},
    }


def pod(phase: str, *, going: bool = False, restarts: int = 0) -> Object:
    metadata = {"deletionTimestamp": BEFORE} if going else {}
    return {
        "metadata": metadata,
        "status": {"phase": phase, "containerStatuses": [{"restartCount": restarts}]},
    }


@pytest.mark.parametrize(
    ("wish", "pods", "expected"),
    [
        pytest.param(job(), [], None, id="nothing yet"),
        pytest.param(job(), [pod("Running")], None, id="it runs"),
        pytest.param(job(), [pod("Succeeded")], "CompletionsReached", id="it has succeeded"),
        pytest.param(job(completions=2), [pod("Succeeded")], None, id="one of two has"),
        pytest.param(job(), [pod("Failed")], None, id="one may fail"),
        pytest.param(job(), [pod("Failed")] * 2, "BackoffLimitExceeded", id="two may not"),
        pytest.param(job(backoffLimit=0), [pod("Failed")], "BackoffLimitExceeded", id="none may fail"),
        pytest.param(
            job("OnFailure", backoffLimit=0),
            [pod("Running", restarts=1)],
            "BackoffLimitExceeded",
            id="nor restart",
        ),
        pytest.param(job(activeDeadlineSeconds=61), [pod("Running")], None, id="there is still time"),
        pytest.param(
            job(activeDeadlineSeconds=60), [pod("Running")], "DeadlineExceeded", id="the time is over"
        ),
    ],
)
def test_the_end_of_a_job(wish: Object, pods: list[Object], expected: str | None) -> None:
    end = verdict(wish, Tally.of(pods), NOW)
    assert (end["reason"] if end else None) == expected


def test_a_job_is_over_when_its_pods_are_gone() -> None:
    late = job(activeDeadlineSeconds=60)
    tally = Tally.of([pod("Running")])
    end = verdict(late, tally, NOW)
    told = job_status(late, tally.without_active(), end, "now")
    assert ([one["type"] for one in told["conditions"]], told["terminating"]) == (["FailureTarget"], 1)
    over = job_status({**late, "status": told}, Tally.of([]), told["conditions"][0], "later")
    assert [one["type"] for one in over["conditions"]] == ["FailureTarget", "Failed"]
    assert (over["failed"], over["terminating"]) == (1, 0)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"completions": 1, "suspend": False}, "", id="known"),
        pytest.param(
            {"completions": 1, "suspend": True, "ttlSecondsAfterFinished": 0},
            "suspend, ttlSecondsAfterFinished",
            id="fields that it has not",
        ),
        pytest.param({"completions": 1, "completionMode": "Indexed"}, "completionMode", id="numbered pods"),
        pytest.param({"parallelism": 1}, "spec without completions", id="a queue of work"),
    ],
)
def test_what_the_laboratory_has_not(spec: Object, expected: str) -> None:
    assert unsupported(spec) == expected


def run(lab: Lab, name: str, script: str, **spec: Any) -> Object:
    """A Job that runs a script, when it is over."""
    major = lab.programs.postgres.version.partition(".")[0]
    container = {
        "name": "main",
        "image": f"{POSTGRES}:{major}-alpine",
        "command": ["/bin/sh", "-c"],
        "args": [script],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    pod_spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]}
    body = {
        "apiVersion": JOB.api,
        "kind": JOB.name,
        "metadata": {"name": name, "namespace": NAMESPACE_NAME},
        "spec": {"template": {"spec": pod_spec}, **spec},
    }
    lab.api.create(JOB, body)

    def over() -> Object | None:
        found: Object = lab.get(JOB, name)
        types = {one["type"] for one in (found.get("status") or {}).get("conditions") or []}
        return found if types & {"Complete", "Failed"} else None

    done: Object = lab.until(over, f"Job {name} to be over", timeout=20)
    return done


def states(lab: Lab, name: str) -> list[Object]:
    pods = lab.api.find(POD, NAMESPACE_NAME, {"batch.kubernetes.io/job-name": name})
    return [pod["status"]["containerStatuses"][0]["state"]["terminated"] for pod in pods]


def test_a_shell_finds_psql(lab: Lab) -> None:
    status = run(lab, "version", "psql --version")["status"]
    assert (status["succeeded"], status.get("failed"), "completionTime" in status) == (1, None, True)
    assert [("message" in state, state["exitCode"]) for state in states(lab, "version")] == [(False, 0)]
    told = {reason for kind, reason, _message in lab.events("version") if kind == "Job"}
    assert told == {"SuccessfulCreate", "Completed"}


def test_what_failed_says_its_last_words(lab: Lab) -> None:
    script = "for line in $(seq 100); do echo $line; done; exit 3"
    status = run(lab, "failing", script, backoffLimit=1)["status"]
    assert (status["failed"], status["conditions"][-1]["reason"]) == (2, "BackoffLimitExceeded")
    words = "".join(f"{line}\n" for line in range(21, 101))
    assert [(state["exitCode"], state["message"]) for state in states(lab, "failing")] == [(3, words)] * 2
