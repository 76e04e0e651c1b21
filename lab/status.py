"""What `status` shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import control
from lab.processes import command_line, survivors
from lab.settings import Settings
from lab.state import Condition, State

EXIT_CODES = {Condition.RUNNING: 0, Condition.STARTING: 3, Condition.CRASHED: 1, Condition.NONE: 3}

COMMAND_WIDTH = 80


def gather(settings: Settings) -> tuple[dict[str, Any], int]:
    """All that is known of the laboratory, and the exit code that says it in short."""
    state = State(settings)
    condition = _condition(state)
    report: dict[str, Any] = {"state": condition.value, "directory": str(settings.state)}
    if condition is Condition.NONE:
        return report, EXIT_CODES[condition]
    record = state.record()
    report["pid"] = record.pid if record and condition is not Condition.CRASHED else None
    report["failure"] = record.failure if record else None
    report["parts"] = _parts(record.parts if record else {}, condition)
    report["processes"] = {
        pid: _command(pid) for pid in survivors(settings.state) if not record or pid != record.pid
    }
    logs = sorted(str(path.relative_to(settings.logs)) for path in settings.logs.rglob("*") if path.is_file())
    report["logs"] = {"directory": str(settings.logs), "files": logs}
    if condition is Condition.RUNNING:
        report |= _running(settings)
    return report, EXIT_CODES[condition]


def _parts(written: dict[str, str], condition: Condition) -> dict[str, str]:
    if condition is not Condition.CRASHED:
        return written
    # The daemon could not write down its own end.
    return {name: "failed" if state == "failed" else "ended" for name, state in written.items()}


def _command(pid: int) -> str:
    program, *arguments = command_line(pid)
    return " ".join([Path(program).name, *arguments])[:COMMAND_WIDTH].strip()


def _condition(state: State) -> Condition:
    condition = state.condition()
    # Before the daemon runs, the programs are fetched: that can take a while.
    fetching = condition is Condition.CRASHED and state.record() is None and state.is_locked()
    return Condition.STARTING if fetching else condition


def _running(settings: Settings) -> dict[str, Any]:
    endpoints = json.loads(settings.endpoints.read_text())
    programs = json.loads((settings.state / "programs.json").read_text())
    try:
        addresses = control.ask(settings.state)
    except (OSError, ValueError) as error:
        addresses = {"unknown": f"the daemon does not answer: {error}"}
    return {
        "endpoints": endpoints,
        "addresses": addresses,
        "programs": programs,
        "psql": str(Path(programs["postgres"]["path"]).with_name("psql")),
    }


def render(report: dict[str, Any]) -> str:
    """The report for a person."""
    return "\n".join(_lines(report))


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield f"Laboratory   {report['state']}" + (f" (pid {report['pid']})" if report.get("pid") else "")
    if report["state"] == Condition.NONE.value:
        yield "Start it with: python -m lab up"
        return
    yield _row("State", report["directory"])
    if report["failure"]:
        yield _row("Failed", report["failure"])
    for name, state in report["parts"].items():
        yield _row("Part", f"{name:<12} {state}")
    for pid, program in report["processes"].items():
        yield _row("Process", f"{pid:<12} {program}")
    if "endpoints" in report:
        yield from _addresses(report)
    yield _row("Logs", f"{report['logs']['directory']}: {', '.join(report['logs']['files'])}")
    if report["state"] == Condition.CRASHED.value:
        yield "Remove it with: python -m lab down; or start anew with: python -m lab up"


def _addresses(report: dict[str, Any]) -> Iterator[str]:
    endpoints = report["endpoints"]
    yield _row("AWS", endpoints["aws_url"])
    yield _row("Kubernetes", endpoints["kubernetes_url"])
    for name, address in report["addresses"].items():
        if isinstance(address, dict):
            for item, where in address.items():
                yield _row(name.capitalize(), f"{item:<12} {where}")
        else:
            yield _row(name.capitalize(), str(address))
    yield "By hand:"
    yield f"  export KUBECONFIG={endpoints['kubeconfig']}"
    yield f"  export AWS_CONFIG_FILE={endpoints['aws_config_file']} AWS_PROFILE={endpoints['aws_profile']}"
    yield f"  export AWS_SHARED_CREDENTIALS_FILE={endpoints['aws_credentials_file']}"
    if "control_plane" in report["programs"]:
        plane = report["programs"]["control_plane"]
        folders = ":".join(str(Path(plane[name]["path"]).parent) for name in ("kubectl", "helm"))
        yield f"  export PATH={folders}:$PATH"
    trust = f"?sslmode=verify-full&sslrootcert={endpoints['database_ca_file']}"
    databases = report["addresses"].get("databases") or {"": "postgresql://USER@ADDRESS:5432/DATABASE"}
    for url in databases.values():
        yield f"  {report['psql']} '{url}{trust}'"


def _row(title: str, text: str) -> str:
    return f"{title:<12} {text}"
