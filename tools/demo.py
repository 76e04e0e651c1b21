# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the laboratory, run site.yml on it, and say what that cost. Started by `make demo`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.request_log import read
from lab.settings import ADMINISTRATOR

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("LAB_STATE") or ROOT / ".lab")
LAB = [sys.executable, "-m", "lab"]
PLAYBOOK = ["ansible-playbook", "site.yml", "-i", "inventories/lab"]


def run(command: list[str], **environment: str) -> None:
    """Run a command here, with additions to its environment; end with its exit code if it fails."""
    code = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode
    if code:
        print(f"\n{' '.join(command)} failed with exit code {code}. Logs: {STATE / 'logs'}", file=sys.stderr)
        sys.exit(code)


def recap(log: str) -> dict[str, int]:
    """Add up the hosts' counts in the PLAY RECAP of an Ansible log, e.g. {"ok": 60, "changed": 21, ...}."""
    totals: dict[str, int] = {}
    for counts in re.findall(r" : (ok=\d+ .*)", log.rpartition("PLAY RECAP")[2]):
        for name, count in re.findall(r"(\w+)=(\d+)", counts):
            totals[name] = totals.get(name, 0) + int(count)
    return totals


def is_playbooks(request: Mapping[str, Any]) -> bool:
    """Whether a request is the playbook's: the cluster's parts are `system:...`, pods assume a role."""
    user = request["user"] or ""
    return ":user/" in user if "service" in request else user == ADMINISTRATOR


def main() -> None:
    run([*LAB, "up"])
    print(flush=True)
    endpoints = json.loads((STATE / "endpoints.json").read_text(encoding="utf-8"))
    requests = {name: Path(path) for name, path in endpoints["requests"].items()}
    offsets = {name: path.stat().st_size if path.exists() else 0 for name, path in requests.items()}
    log = Path(endpoints["logs"]) / "site.log"
    log.unlink(missing_ok=True)

    started = time.monotonic()
    run(PLAYBOOK, ANSIBLE_LOG_PATH=str(log))
    seconds = time.monotonic() - started

    tasks = recap(log.read_text(encoding="utf-8"))
    calls = {name: sum(map(is_playbooks, read(path, offsets[name]))) for name, path in requests.items()}
    print(f"wall time  {seconds:.1f} s")
    print(f"tasks      {tasks['ok']}, {tasks['changed']} of them with a change; {tasks['skipped']} skipped")
    print(f"API calls  {calls['aws']} to AWS, {calls['kubernetes']} to Kubernetes\n", flush=True)
    run([*LAB, "status"])


if __name__ == "__main__":
    main()
