"""Stand-in for the Job controller: Pods until enough of them have succeeded, or too many have failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from lab.standins.api.client import Api, ApiError
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.events import Recorder
from lab.standins.api.kinds import JOB, POD
from lab.standins.api.objects import Key, Object, controller_of, is_of, is_ready, key_of
from lab.standins.api.times import timestamp
from lab.standins.workloads.replicasets import pod_of

#: Seconds after the first failed Pod, doubled by each further one. The real controller starts with ten.
FIRST_PAUSE = 1.0
LAST_PAUSE = 15.0

_UNKNOWN = ("managedBy", "podFailurePolicy", "successPolicy", "suspend", "ttlSecondsAfterFinished")
_TERMINAL = {"SuccessCriteriaMet": "Complete", "FailureTarget": "Failed"}


@dataclasses.dataclass(frozen=True)
class Tally:
    """The Pods of a Job, by what became of them."""

    active: Sequence[Object]
    succeeded: int
    failed: int
    terminating: int
    #: Restarts of containers in Pods that go on.
    restarts: int

    @classmethod
    def of(cls, pods: Sequence[Object]) -> Tally:
        """Count them."""
        phases = [(pod.get("status") or {}).get("phase") for pod in pods]
        going = [pod for pod, phase in zip(pods, phases, strict=True) if phase not in {"Succeeded", "Failed"}]
        active = [pod for pod in going if not pod["metadata"].get("deletionTimestamp")]
        statuses = [one for pod in active for one in (pod.get("status") or {}).get("containerStatuses") or []]
        return cls(
            active,
            phases.count("Succeeded"),
            phases.count("Failed"),
            len(going) - len(active),
            sum(one["restartCount"] for one in statuses),
        )

    def without_active(self) -> Tally:
        """When those that go on are told to end, which counts as failure."""
        ended = len(self.active)
        return dataclasses.replace(
            self, active=(), failed=self.failed + ended, terminating=self.terminating + ended
        )


def controllers(api: Api) -> list[Controller]:
    """The controller's loop."""
    jobs = _Jobs(api)
    return [Controller("jobs", api, [Watch(JOB), Watch(POD, keys=_owners)], jobs.reconcile, workers=2)]


class _Jobs:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._events = Recorder(api, "job-controller")

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        job = self._api.get(JOB, name, namespace)
        if job is None or job["metadata"].get("deletionTimestamp") or _has(job, *_TERMINAL.values()):
            return None
        if unknown := unsupported(job["spec"]):
            self._events.warn(job, "Unsupported", f"The laboratory's Jobs have no {unknown}.")
            return None
        pods = [pod for pod in self._api.find(POD, namespace) if is_of(pod, job)]
        tally, now = Tally.of(pods), datetime.now(UTC)
        end = _decided(job) or verdict(job, tally, now)
        remaining = None
        if end:
            for pod in tally.active:
                self._delete(job, pod)
            tally = tally.without_active()
        else:
            created, remaining = self._create(job, tally, pods, now)
            tally = dataclasses.replace(tally, active=[*tally.active, *created])
        self._report(job, tally, end)
        return _sooner(remaining, _until_deadline(job, now))

    def _create(
        self, job: Object, tally: Tally, pods: Sequence[Object], now: datetime
    ) -> tuple[list[Object], float | None]:
        """The Pods that have been made, and the seconds until more may be."""
        spec = job["spec"]
        missing = min(spec["parallelism"], spec["completions"] - tally.succeeded) - len(tally.active)
        pause = _pause(pods, now)
        if missing <= 0 or tally.terminating or pause > 0:
            return [], pause if pause > 0 else None
        created = []
        try:
            for _index in range(missing):
                pod = self._api.create(POD, pod_of(job))
                created.append(pod)
                self._events.normal(job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        except ApiError as error:
            self._events.warn(job, "FailedCreate", f"Error creating: {error.message}")
            raise
        return created, None

    def _delete(self, job: Object, pod: Object) -> None:
        namespace, name = key_of(pod)
        self._api.delete(POD, name, namespace)
        self._events.normal(job, "SuccessfulDelete", f"Deleted pod: {name}")

    def _report(self, job: Object, tally: Tally, end: Object | None) -> None:
        status = job_status(job, tally, end, timestamp())
        self._api.set_status(JOB, job, status)
        if end and not tally.terminating:
            if end["type"] == "FailureTarget":
                self._events.warn(job, end["reason"], end["message"])
            else:
                self._events.normal(job, "Completed", "Job completed")


def unsupported(spec: Object) -> str:
    """What a Job's specification has and the laboratory has not."""
    found = [name for name in _UNKNOWN if spec.get(name) is not None and spec[name] is not False]
    if spec.get("completionMode", "NonIndexed") != "NonIndexed":
        found.append("completionMode")
    return ", ".join(found) or ("spec without completions" if "completions" not in spec else "")


def verdict(job: Object, tally: Tally, now: datetime) -> Object | None:
    """The condition by which a Job ends now; None while it goes on."""
    spec = job["spec"]
    limit = spec["backoffLimit"]
    restarting = spec["template"]["spec"]["restartPolicy"] == "OnFailure"
    left = _until_deadline(job, now)
    if tally.failed > limit or (restarting and tally.restarts >= max(limit, 1)):
        return _condition(
            "FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        )
    if left is not None and left <= 0:
        return _condition(
            "FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline"
        )
    if tally.succeeded >= spec["completions"] and not tally.active:
        text = "Reached expected number of succeeded pods"
        return _condition("SuccessCriteriaMet", "CompletionsReached", text)
    return None


def job_status(job: Object, tally: Tally, end: Object | None, now: str) -> Object:
    """The Job's status; `end` is the condition by which it ends, which it does once no Pod is left."""
    before = job.get("status") or {}
    conditions = []
    if end:
        stamped = {"lastProbeTime": now, "lastTransitionTime": now, **end}
        last = {**stamped, "type": _TERMINAL[end["type"]], "lastProbeTime": now, "lastTransitionTime": now}
        conditions = [stamped] if tally.terminating else [stamped, last]
    status: Object = {
        "startTime": before.get("startTime") or now,
        "active": len(tally.active) or None,
        "ready": sum(map(is_ready, tally.active)),
        "succeeded": tally.succeeded or None,
        # Those that were told to end are still counted when they are gone.
        "failed": max(tally.failed, before.get("failed") or 0) or None,
        "terminating": tally.terminating,
        "uncountedTerminatedPods": {},
        "conditions": conditions or None,
    }
    done = [one for one in conditions if one["type"] == "Complete"]
    return {**status, "completionTime": now} if done else status


def _condition(kind: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def _decided(job: Object) -> Object | None:
    """The condition by which it was told to end, where its Pods were still there."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return next((one for one in conditions if one["type"] in _TERMINAL), None)


def _has(job: Object, *types: str) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(one["type"] in types and one["status"] == "True" for one in conditions)


def _until_deadline(job: Object, now: datetime) -> float | None:
    seconds, start = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if seconds is None or start is None:
        return None if seconds is None else float(seconds)
    return float(seconds - (now - datetime.fromisoformat(start)).total_seconds())


def _pause(pods: Sequence[Object], now: datetime) -> float:
    """Seconds until a Pod may follow those that have failed."""
    ends = [
        datetime.fromisoformat(one["state"]["terminated"]["finishedAt"])
        for pod in pods
        if (pod.get("status") or {}).get("phase") == "Failed"
        for one in pod["status"].get("containerStatuses") or []
        if "terminated" in one["state"]
    ]
    if not ends:
        return 0.0
    pause = min(FIRST_PAUSE * 2.0 ** (len(ends) - 1), LAST_PAUSE)
    return float(pause - (now - max(ends)).total_seconds())


def _sooner(*seconds: float | None) -> float | None:
    known = [one for one in seconds if one is not None and one > 0]
    return min(known, default=None)


def _owners(pod: Object) -> Iterable[Key]:
    owner = controller_of(pod, JOB.name)
    return [(pod["metadata"]["namespace"], owner["name"])] if owner else []
