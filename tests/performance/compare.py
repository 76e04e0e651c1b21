"""Compare converged runs of site.yml with those of official.yml, alternately, in one laboratory.

Usage, with the virtual environment active: python tests/performance/compare.py [--rounds 3]
It starts the laboratory at LAB_STATE (default: one of its own) if none runs there, and leaves it running.
Runs that change something build the stacks and do not count. It prints medians as ratios to official.yml.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
STATE = Path(os.environ.get("LAB_STATE") or f"/tmp/eks-observability-performance-{os.getuid()}")
#: What builds, not what verifies. The check of the sync belongs to it: the exporter's pod carries its result.
BUILDING = (
    *("aurora", "secrets", "irsa_role", "irsa_service_account", "external_secrets"),
    *("postgres_exporter_database", "postgres_exporter_deploy"),
    *("prometheus_rules_deliver", "grafana_dashboards_deliver"),
)
OFFICIAL = "official.yml"
RUNS = {
    "site.yml": ["site.yml"],
    "site.yml without verification": ["site.yml", "--tags", ",".join(BUILDING)],
    OFFICIAL: ["tests/performance/official.yml"],
}
#: These do their work in Ansible's own process; every other task starts a process for its module.
IN_PROCESS = {
    f"ansible.builtin.{name}" for name in ("assert", "debug", "include_role", "set_fact", "set_stats")
} | {"ansible.builtin.validate_argument_spec"}


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds, modules run, requests to AWS and to Kubernetes."""

    seconds: float
    #: Processor seconds of Ansible and its modules; the laboratory's are not among them.
    processor: float
    modules: int
    aws: int
    kubernetes: int


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare converged runs with the official modules.")
    parser.add_argument("--rounds", type=int, default=3, help="measured runs of each (default 3)")
    rounds = parser.parse_args().rounds
    environment = {
        **os.environ,
        "LAB_STATE": str(STATE),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        # One document, in which each result names its module.
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    subprocess.run([sys.executable, "-m", "lab", "up"], cwd=ROOT, env=environment, check=True)
    costs: dict[str, list[Cost]] = {name: [] for name in RUNS}
    while any(len(runs) < rounds for runs in costs.values()):
        for name, arguments in RUNS.items():
            cost, changed = play(arguments, environment)
            print(f"{name}: {cost}, {changed} changed", flush=True)
            if not changed:
                costs[name].append(cost)
            elif costs[name]:
                sys.exit(f"{name} changed something although it had converged.")
    print("\n".join(table(costs)))
    return 0


def play(arguments: list[str], environment: dict[str, str]) -> tuple[Cost, int]:
    """Run a playbook; returns what it took and the number of tasks with a change."""
    logs = json.loads((STATE / "endpoints.json").read_text())["requests"]
    offsets = {name: Path(path).stat().st_size for name, path in logs.items()}
    started, spent = time.monotonic(), processor_seconds()
    done = subprocess.run(
        [str(BIN / "ansible-playbook"), *arguments, "-i", "inventories/lab"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    seconds, processor = time.monotonic() - started, processor_seconds() - spent
    if done.returncode:
        sys.exit(f"{arguments[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    requests = {name: count_requests(Path(path), offsets[name]) for name, path in logs.items()}
    # Warnings may be printed before the document begins.
    report = json.loads(done.stdout[done.stdout.index("{\n") :])
    changed = sum(host["changed"] for host in report["stats"].values())
    return Cost(seconds, processor, count_modules(report), requests["aws"], requests["kubernetes"]), changed


def processor_seconds() -> float:
    """Processor time of all child processes that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def count_modules(report: dict[str, Any]) -> int:
    """How often a module was run; each turn of a loop is a run."""
    results = [
        result
        for play in report["plays"]
        for task in play["tasks"]
        for result in task["hosts"].values()
        if result.get("action") not in IN_PROCESS
    ]
    turns = [turn for result in results for turn in result.get("results", [result])]
    return sum(not turn.get("skipped") for turn in turns)


def count_requests(path: Path, offset: int) -> int:
    """Requests of the playbook's user since `offset`; pods and the cluster's own parts have other users."""
    with path.open("rb") as file:
        file.seek(offset)
        users = [str(json.loads(line)["user"]) for line in file]
    return sum(user == "lab-admin" or user.endswith(":user/lab-admin") for user in users)


def table(costs: dict[str, list[Cost]]) -> list[str]:
    """The medians as ratios to the official modules."""
    measures = {
        "wall time": "seconds",
        "processor time": "processor",
        "module runs": "modules",
        "requests to AWS": "aws",
        "requests to Kubernetes": "kubernetes",
    }
    lines = [f"| run | {' | '.join(measures)} |", f"| --- |{' ---: |' * len(measures)}"]
    medians = {
        name: [statistics.median(getattr(cost, field) for cost in runs) for field in measures.values()]
        for name, runs in costs.items()
    }
    for name, values in medians.items():
        ratios = [f"{value / base:.2f}" for value, base in zip(values, medians[OFFICIAL], strict=True)]
        lines.append(f"| {name} | {' | '.join(ratios)} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
