"""The list of all requests, by which tests count what a run has changed."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from pathlib import Path

_READING = ("Describe", "List", "Get", "BatchGet", "AssumeRole", "Search", "Select", "Simulate")
#: Of the Data API: what they change is told by the statements in between.
_TRANSACTION = {"BeginTransaction", "CommitTransaction", "RollbackTransaction"}
_SQL = {"ExecuteStatement", "BatchExecuteStatement"}
_READING_SQL = re.compile(r"\s*(select|show)\b", re.IGNORECASE)


def is_mutating(action: str, sql: str | None = None) -> bool:
    """Whether a request may change something; `sql` is the statement of a Data API request."""
    if action in _SQL:
        return _READING_SQL.match(sql or "") is None
    return action not in _TRANSACTION and not action.startswith(_READING)


class RequestLog:
    """One JSON object per request, one request per line."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, service: str, action: str, user: str | None, status: int, sql: str | None = None) -> None:
        """Add a request; `user` is the caller's ARN, None where unsigned; `status` is HTTP's."""
        entry = {
            "time": round(time.time(), 3),
            "service": service,
            "action": action,
            "mutating": is_mutating(action, sql),
            "user": user,
            "status": status,
        }
        with self._lock:
            if self._file is not None:
                os.write(self._file, f"{json.dumps(entry)}\n".encode())

    def close(self) -> None:
        """Stop writing; what still arrives is dropped."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file = None
