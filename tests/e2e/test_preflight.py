"""Inventories without a laboratory: they load, and a run without credentials ends with a sentence."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.laboratory import BIN, ROOT


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment without any credentials."""
    return {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ansible-playbook", "site.yml", "--syntax-check"], id="syntax"),
        pytest.param(["ansible-playbook", "site.yml", "--list-tasks"], id="tasks"),
        pytest.param(["ansible-inventory", "--graph"], id="graph"),
    ],
)
def test_inventory_needs_no_account(bare: dict[str, str], environment: str, command: list[str]) -> None:
    done = subprocess.run(
        [*command, "-i", f"inventories/{environment}"],
        cwd=ROOT,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_site(bare: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        ["ansible-playbook", "site.yml", "-i", "inventories/prod", *arguments],
        cwd=ROOT,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_run_without_credentials_says_what_to_do(bare: dict[str, str]) -> None:
    code, output = run_site(bare)
    assert code != 0
    assert "redentials" in output
    assert "AWS_PROFILE" in output
    assert "Traceback" not in output


def test_run_without_data_api_says_what_else_has_to_change(bare: dict[str, str]) -> None:
    """Before AWS is asked for anything, by defaults of roles that come later."""
    code, output = run_site(bare, "-e", "aurora_data_api=false")
    assert code != 0
    for word in (
        "secrets_application_login and postgres_exporter_database_access would go by the Data API",
        "set secrets_application_login: false",
        "postgres_exporter_database_access: job, or none",
    ):
        assert word in output
    assert "AWS_PROFILE" not in output
