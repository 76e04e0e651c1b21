"""One container: its process, its state as the API shows it, its restarts and probes."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field

from lab.processes import Process
from lab.standins.api.objects import Object
from lab.standins.api.times import timestamp
from lab.standins.kubelet.probes import Prober

#: Seconds before the second restart in a row, doubled by each further one. A kubelet starts with ten.
FIRST_PAUSE = 1.0
LAST_PAUSE = 15.0
#: A container that ran for so many seconds is no longer restarted with a pause.
STEADY = 60.0

#: How much of a container's output becomes its message.
LAST_WORDS_LINES = 80
LAST_WORDS_BYTES = 2048

_KINDS = ("startup", "liveness", "readiness")


@dataclass
class Container:
    """A container of a pod; `spec` is its part of the pod's."""

    spec: Object
    init: bool = False
    process: Process | None = None
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last: Object = field(default_factory=dict)
    restarts: int = 0
    probers: dict[str, Prober] = field(default_factory=dict)
    _started: float = 0.0
    _pause: float = 0.0
    _resume: float = 0.0

    @property
    def name(self) -> str:
        """The container's name."""
        return str(self.spec["name"])

    @property
    def running(self) -> bool:
        """Whether its process is meant to be there."""
        return "running" in self.state

    @property
    def succeeded(self) -> bool:
        """Whether it ended, and well."""
        return bool(self.state.get("terminated", {}).get("exitCode") == 0)

    @property
    def is_started(self) -> bool:
        """Whether it runs and its startup probe, if any, has passed."""
        return self.running and self._passes("startup")

    @property
    def ready(self) -> bool:
        """Whether it may be used."""
        return self.succeeded if self.init else self.is_started and self._passes("readiness")

    def startable(self, policy: str, now: float) -> bool:
        """Whether its process is to be started now."""
        if self.running:
            return False
        if "terminated" in self.state and not self._restarts_after(policy):
            return False
        return now >= self._resume

    def wait(self, reason: str, message: str = "") -> bool:
        """Let it wait for a reason; True when that is new."""
        state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        changed = self.state != state
        if "terminated" in self.state:
            self.last = self.state
        self.state = state
        return changed

    def begin(self, process: Process, now: float) -> None:
        """Take over a process that has been started."""
        if "terminated" in self.state:
            self.last = self.state
        if self.last:
            self.restarts += 1
        self.process, self._started = process, now
        self.state = {"running": {"startedAt": timestamp()}}
        self.probers = {
            kind: Prober(self.spec[f"{kind}Probe"], now) for kind in _KINDS if f"{kind}Probe" in self.spec
        }

    def poll(self, now: float) -> bool:
        """Notice the end of the process; True when there is something to do: it ended, or a pause is over."""
        if self.running and self.process and (code := self.process.poll()) is not None:
            self._ended(code, now)
            return True
        if "waiting" in self.state and 0 < self._resume <= now:
            self._resume = 0.0
            return True
        return False

    def due_probes(self, now: float) -> list[tuple[str, Prober]]:
        """The probes to run now. The others wait until the startup probe has passed."""
        if not self.running:
            return []
        kinds = ("startup",) if not self._passes("startup") else ("liveness", "readiness")
        return [
            (kind, self.probers[kind])
            for kind in kinds
            if kind in self.probers and self.probers[kind].due(now)
        ]

    def backing_off(self, policy: str, now: float) -> bool:
        """Whether it has to be restarted, but not yet."""
        return "terminated" in self.state and self._restarts_after(policy) and now < self._resume

    @property
    def pause(self) -> float:
        """Seconds of the present pause between restarts."""
        return self._pause

    def kill(self, grace: float) -> None:
        """End the process, first with SIGTERM."""
        if self.process:
            self.process.stop(signal.SIGTERM, grace)
        if self.running:
            self._ended(self.process.poll() or 0 if self.process else 0, time.monotonic())

    def status(self) -> Object:
        """The container's status as the API has it."""
        status = {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": self.spec["image"] if self.process else "",
            "state": self.state,
            "lastState": self.last,
            "ready": self.ready,
            "started": self.is_started,
            "restartCount": self.restarts,
        }
        return {**status, "containerID": f"process://{self.process.pid}"} if self.process else status

    def _passes(self, kind: str) -> bool:
        return kind not in self.probers or self.probers[kind].passing is True

    def _restarts_after(self, policy: str) -> bool:
        if policy == "Never":
            return False
        return not (self.succeeded and (self.init or policy == "OnFailure"))

    def _last_words(self) -> str:
        """The end of its output, where the specification wants that as message."""
        if not self.process or self.spec.get("terminationMessagePolicy") != "FallbackToLogsOnError":
            return ""
        written = self.process.log.read_bytes()[self.process.log_start :]
        lines = written[-LAST_WORDS_BYTES:].decode(errors="replace").splitlines(keepends=True)
        return "".join(lines[-LAST_WORDS_LINES:])

    def _ended(self, code: int, now: float) -> None:
        # A process that a signal ended is shown as a shell shows it.
        exit_code = 128 - code if code < 0 else code
        message = self._last_words() if exit_code else ""
        self.state = {
            "terminated": {
                "exitCode": exit_code,
                "reason": "Completed" if exit_code == 0 else "Error",
                **({"message": message} if message else {}),
                "startedAt": self.state["running"]["startedAt"],
                "finishedAt": timestamp(),
            }
        }
        self._resume = now + self._pause
        grown = min(max(self._pause * 2, FIRST_PAUSE), LAST_PAUSE)
        self._pause = 0.0 if now - self._started >= STEADY else grown
