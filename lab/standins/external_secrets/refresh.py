"""When an ExternalSecret is fetched anew."""

from __future__ import annotations

from datetime import datetime

from lab.standins.api.objects import Object
from lab.standins.api.times import seconds
from lab.standins.external_secrets.synced_secret import synced_version


def needs_refresh(external: Object, now: float) -> bool:
    """Whether the provider has to be asked at `now` (seconds since the epoch)."""
    status = external.get("status") or {}
    synced, policy = status.get("syncedResourceVersion"), external["spec"].get("refreshPolicy")
    if not synced or not status.get("refreshTime"):
        return True
    if policy == "CreatedOnce":
        return False
    changed = bool(synced != synced_version(external))
    interval = _interval(external)
    if policy == "OnChange" or interval <= 0:
        # As in the real one: with an interval of 0 and the policy Periodic, a change is no reason either.
        return changed and policy == "OnChange"
    return changed or (_epoch(status["refreshTime"]) + interval) <= now


def until_refresh(external: Object, now: float) -> float | None:
    """Seconds until the provider has to be asked again; None for never."""
    interval = _interval(external)
    if interval <= 0:
        return None
    refreshed = (external.get("status") or {}).get("refreshTime")
    return max(0.0, _epoch(refreshed) + interval - now) if refreshed else interval


def _interval(external: Object) -> float:
    return seconds(external["spec"].get("refreshInterval") or "1h")


def _epoch(time_of_object: str) -> float:
    return datetime.fromisoformat(time_of_object).timestamp()
