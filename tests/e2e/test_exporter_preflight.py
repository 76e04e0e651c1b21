"""What the role postgres_exporter refuses, and in which words; before it touches anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any

import pytest

from tests.e2e.laboratory import BIN, ROOT

PAUSING = {"min_capacity": 0.0, "max_capacity": 2.0, "seconds_until_auto_pause": 600}
AWAKE = {"min_capacity": 0.5, "max_capacity": 2.0}
PEERS = {"postgres_exporter_database_peers": [{"ipBlock": {"cidr": "10.0.0.0/16"}}]}
PROBE = {"postgres_exporter_mode": "probe", **PEERS}

#: Name -> scaling, inputs, and words of the refusal; no words: not refused.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "awake": (AWAKE, {}, []),
    "pausing": (
        PAUSING,
        {},
        [
            "0 ACU",
            "aurora_min_capacity 0.5",
            "mode probe",
            "alerts and dashboard come from CloudWatch (cloudwatch_exporter_enabled true) or not at all",
            "mode cloudwatch_only",
            "postgres_exporter_keep_awake",
        ],
    ),
    "pausing-kept-awake": (PAUSING, {"postgres_exporter_keep_awake": True}, []),
    "pausing-probed": (PAUSING, PROBE, []),
    "pausing-probed-too-often": (
        PAUSING,
        {**PROBE, "postgres_exporter_probe_interval": "10m"},
        ["pauses after 600 seconds", "each 10m", "postgres_exporter_probe_interval"],
    ),
    "awake-probed-often": (AWAKE, {**PROBE, "postgres_exporter_probe_interval": "2m"}, []),
    "probe-of-the-world": (
        AWAKE,
        {"postgres_exporter_mode": "probe"},
        ["handed the exporter's login", "postgres_exporter_database_peers"],
    ),
    "cloudwatch-without-exporter": (
        PAUSING,
        {"postgres_exporter_mode": "cloudwatch_only"},
        ["nothing would watch", "cloudwatch_exporter_enabled"],
    ),
    "cloudwatch": (
        PAUSING,
        {"postgres_exporter_mode": "cloudwatch_only", "cloudwatch_exporter_enabled": True},
        [],
    ),
    "timeout-is-interval": (
        AWAKE,
        {"postgres_exporter_scrape_interval": "1m", "postgres_exporter_scrape_timeout": "60s"},
        ["after 60s", "after 1m", "postgres_exporter_scrape_timeout below"],
    ),
    "scraped-rarely": (
        AWAKE,
        {"postgres_exporter_scrape_interval": "61s"},
        ["postgres_exporter_scrape_interval (61s) may be 1m at most"],
    ),
    "no-interval": (AWAKE, {"postgres_exporter_scrape_interval": "soon"}, ["soon", "30s, 1m30s or 1h"]),
    "old": (AWAKE, {"postgres_exporter_version": "0.15.0"}, ["0.15.0", "0.16.0 or newer"]),
    "long-name": (AWAKE, {"postgres_exporter_name": "x" * 64}, ["63 characters", "postgres_exporter_name"]),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each case was told; one run, a host for each."""
    folder = tmp_path_factory.mktemp("preflight")
    hosts = {name: _facts(scaling) | inputs for name, (scaling, inputs, _words) in CASES.items()}
    shared = {
        "ansible_connection": "local",
        "stack_namespace": "observability",
        "stack_region": "eu-central-1",
    }
    inventory = {"stacks": {"hosts": hosts, "vars": shared}}
    (folder / "hosts.yml").write_text(json.dumps(inventory))
    (folder / "play.yml").write_text(json.dumps([_play()]))
    done = subprocess.run(
        [f"{BIN}/ansible-playbook", str(folder / "play.yml"), "-i", str(folder / "hosts.yml")],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "PLAY RECAP" in done.stdout, done.stdout + done.stderr
    found = re.findall(r"^fatal: \[([^]]+)\]: FAILED! => (\{.*\})$", done.stdout, re.MULTILINE)
    return {host: " ".join(json.dumps(json.loads(result)).split()) for host, result in found}


def _facts(scaling: dict[str, Any]) -> dict[str, Any]:
    cluster = {"cluster_id": "shop", "endpoint": "shop.example.org", "scaling": scaling, "members": []}
    return {"aurora_result": cluster, "secrets_result": {}, "external_secrets_result": {}}


def _play() -> dict[str, Any]:
    role = {"name": "eks_observability.stack.postgres_exporter", "tasks_from": "preflight"}
    return {
        "hosts": "stacks",
        "gather_facts": False,
        "tasks": [{"name": "Check the inputs", "ansible.builtin.import_role": role}],
    }


@pytest.mark.parametrize("case", CASES)
def test_preflight(refusals: dict[str, str], case: str) -> None:
    words = CASES[case][2]
    told = refusals.get(case, "")
    assert bool(told) == bool(words), told
    assert [word for word in words if word not in told] == []
