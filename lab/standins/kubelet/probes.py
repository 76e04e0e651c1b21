"""A container's probes: what they ask, and what follows from the answers."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

import urllib3

from lab.standins.api.objects import Object

#: Seconds between the first attempts. A kubelet waits a whole period; nobody should wait so long here.
EAGER = 0.2


#: Seconds in which no failure counts: a process asked so early may not listen yet.
GRACE = 1.0


@dataclass
class Prober:
    """One probe of a running container: counts answers as the kubelet does; `now` is any steady clock.

    Until the first success it asks eagerly, but counts at most one failure a period.
    """

    probe: Object
    started: float
    passing: bool | None = None
    asking: bool = False
    _successes: int = 0
    _failures: int = 0
    _next: float = field(init=False)
    _counted: float = field(init=False)

    def __post_init__(self) -> None:
        self._next = self.started + float(self.probe.get("initialDelaySeconds") or 0)
        self._counted = self._next + GRACE

    def due(self, now: float) -> bool:
        """Whether to ask now."""
        return not self.asking and now >= self._next

    def answered(self, success: bool, now: float) -> bool:
        """Take an answer in; True when `passing` has changed."""
        before, period = self.passing, float(self.probe.get("periodSeconds") or 10)
        if success:
            self._successes, self._failures = self._successes + 1, 0
            if self._successes >= int(self.probe.get("successThreshold") or 1):
                self.passing = True
        elif self.passing or now >= self._counted:
            self._successes, self._failures = 0, self._failures + 1
            self._counted = now + period
            if self._failures >= int(self.probe.get("failureThreshold") or 3):
                self.passing = False
        self._next = now + (period if self.passing is not None else min(EAGER, period))
        return self.passing != before


def ask(probe: Object, container: Object, address: str) -> str | None:
    """Run a probe: None when the container passes, else what is wrong, in the kubelet's words."""
    timeout = float(probe.get("timeoutSeconds") or 1)
    if "httpGet" in probe:
        return _http(probe["httpGet"], container, address, timeout)
    if "tcpSocket" in probe:
        host, port = probe["tcpSocket"].get("host") or address, port_of(container, probe["tcpSocket"]["port"])
        try:
            socket.create_connection((host, port), timeout).close()
        except OSError as error:
            return f"dial tcp {host}:{port}: {_reason(error)}"
        return None
    return "the laboratory's kubelet knows httpGet and tcpSocket only"


def port_of(container: Object, port: int | str) -> int:
    """The number of a port given by number or by name. Raises ValueError."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for entry in container.get("ports") or []:
        if entry.get("name") == port:
            return int(entry["containerPort"])
    raise ValueError(f"couldn't find port: {port}")


def _http(action: Object, container: Object, address: str, timeout: float) -> str | None:
    try:
        port = port_of(container, action["port"])
    except ValueError as error:
        return str(error)
    host, scheme = action.get("host") or address, (action.get("scheme") or "HTTP").lower()
    url = f"{scheme}://{host}:{port}{action.get('path') or '/'}"
    headers = {entry["name"]: entry["value"] for entry in action.get("httpHeaders") or []}
    # Like the kubelet: a certificate is not verified.
    with urllib3.PoolManager(cert_reqs="CERT_NONE", retries=False, timeout=timeout) as http:
        try:
            status = http.request("GET", url, headers=headers, redirect=False).status
        except urllib3.exceptions.HTTPError as error:
            return f'Get "{url}": dial tcp {host}:{port}: {_reason(error)}'
    return None if 200 <= status < 400 else f"HTTP probe failed with statuscode: {status}"


def _reason(error: Exception) -> str:
    if "refused" in str(error).lower():
        return "connect: connection refused"
    timeouts = (TimeoutError, urllib3.exceptions.TimeoutError)
    return "i/o timeout" if isinstance(error, timeouts) else str(error)
