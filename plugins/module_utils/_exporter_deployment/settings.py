# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which database an exporter reads, and with which arguments. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment.model import (
    Finding,
    Object,
    Wanted,
    called,
    containers,
)

POSTGRES_PORT = 5432
_SCHEME = re.compile(r"[a-z]+://")
_REPAIR = "Run playbooks/external_secrets.yml and playbooks/postgres_exporter.yml"


def data_source(uri: str, origin: str, wanted: Wanted) -> list[Finding]:
    """Where a DATA_SOURCE_URI leads elsewhere than wanted; only host, port and database of it are told."""
    try:
        parts = urlsplit(uri if _SCHEME.match(uri) else f"//{uri}")
        host, port = parts.hostname or "", parts.port or POSTGRES_PORT
    except ValueError:
        return [Finding(f"DATA_SOURCE_URI ({origin}) is not host:port/database", _REPAIR)]
    seen = {"host": host, "port": port, "database": unquote(parts.path.removeprefix("/"))}
    hoped = {"host": (wanted.host or "").lower(), "port": wanted.port, "database": wanted.database}
    wrong = [
        f"{name} {found} instead of {hoped[name]}"
        for name, found in seen.items()
        if hoped[name] and found != hoped[name]
    ]
    if not wrong:
        return []
    return [Finding(f"DATA_SOURCE_URI ({origin}) leads to another database: {', '.join(wrong)}", _REPAIR)]


def arguments(deployment: Object, wanted: Wanted) -> Iterator[Finding]:
    """Arguments that are missing or too many."""
    if wanted.arguments is None:
        return
    given = {argument for container in containers(deployment) for argument in container.get("args") or []}
    lacks = [argument for argument in wanted.arguments if argument not in given]
    extra = sorted(given - set(wanted.arguments))
    words = [f"lacks {', '.join(lacks)}"] if lacks else []
    words += [f"has {', '.join(extra)} besides"] if extra else []
    if words:
        yield Finding(
            f"{called('Deployment', deployment)} does not run with the wanted arguments: it "
            + " and ".join(words),
            "Run playbooks/postgres_exporter.yml",
        )
