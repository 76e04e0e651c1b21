"""Reads the logs of requests to AWS and to the Kubernetes API, whichever kind of API wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


def read(path: Path, offset: int = 0, end: int | None = None) -> list[dict[str, Any]]:
    """Every request from a byte offset on, up to another one.

    Of AWS: service, action, mutating, user, status. Of Kubernetes: user, verb, resource (with its group),
    subresource, namespace, name, dryRun, code.
    """
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(offset)
        text = file.read(-1 if end is None else end - offset)
    return [_plain(json.loads(line)) for line in text.splitlines()]


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of a real API server in the words of the embedded one; all others as they are."""
    if "auditID" not in entry:
        return entry
    about: Mapping[str, str] = entry.get("objectRef") or {}
    group = about.get("apiGroup")
    query = parse_qs(urlsplit(entry["requestURI"]).query)
    return {
        "time": entry["stageTimestamp"],
        "user": entry["user"]["username"],
        "verb": entry["verb"],
        "resource": ".".join(filter(None, (about.get("resource"), group))),
        "subresource": about.get("subresource", ""),
        "namespace": about.get("namespace", ""),
        "name": about.get("name", ""),
        "dryRun": bool(query.get("dryRun")),
        "code": (entry.get("responseStatus") or {}).get("code", 0),
    }
