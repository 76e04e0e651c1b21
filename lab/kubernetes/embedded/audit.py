"""The audit log: one JSON object for each request, reads too."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """What was asked."""

    user: str
    verb: str
    #: Plural with group; empty for paths that belong to no kind.
    resource: str
    subresource: str
    namespace: str
    name: str
    dryRun: bool  # noqa: N815 - the name of the field in the log


class Audit:
    """Writes the log; the file is readable by its owner only."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "a", encoding="utf-8")

    def record(self, request: Request, code: int, warnings: Sequence[str]) -> None:
        """Append one line."""
        time = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        entry = {"time": time, **asdict(request), "code": code, "warnings": list(warnings)}
        self._file.write(json.dumps(entry, separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        """End of the log."""
        self._file.close()
