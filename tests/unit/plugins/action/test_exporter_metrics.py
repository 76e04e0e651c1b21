"""exporter_metrics as a task of a playbook: its profile is a file of the playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from tests.unit.plugins import servers

ROOT = Path(__file__).parents[4]
PROFILE = "variables: {least: {type: int}}\nexpect: [{name: up, value: {op: '>=', number: '${least}'}}]\n"


def played(
    directory: Path, *arguments: str, keywords: t.Mapping[str, t.Any] | None = None, **options: t.Any
) -> tuple[int, str]:
    """Exit code and output of a playbook with the one task."""
    options = {"timeout": 5, "interval": 0.01, "secrets": ["a-known-secret"], **options}
    task = {"eks_observability.stack.exporter_metrics": options, **(keywords or {})}
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    playbook = directory / "play.yml"
    playbook.write_text(json.dumps(play), encoding="utf-8")
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "ansible.cli.playbook",
            str(playbook),
            "-i",
            "localhost,",
            "-c",
            "local",
            *arguments,
        ],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "NO_COLOR": "1",
        },
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "mine.yml").write_text(PROFILE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["for real", "check mode"])
def test_the_profile_is_a_file_of_the_playbook(playbook: Path, arguments: list[str]) -> None:
    with servers.serve(servers.page("up 1\n")) as server:
        code, output = played(
            playbook, *arguments, "-v", url=server.url, profile="mine.yml", variables={"least": 1}
        )
    assert code == 0, output
    assert '"changed": false' in output
    assert "at least 1 series up with all values >= 1" in output
    assert "a-known-secret" not in output
    assert len(server.requests) == 2


def test_it_may_run_on_its_own(playbook: Path) -> None:
    with servers.serve(servers.page("up 1\n")) as server:
        code, output = played(
            playbook,
            keywords={"async": 60, "poll": 1},
            url=server.url,
            profile="mine.yml",
            variables={"least": 1},
        )
    assert code == 0, output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"profile": "gone.yml"}, "Could not find or access 'gone.yml'", id="no such file"),
        pytest.param({"profile": "gone"}, "there is no built-in profile gone", id="no such name"),
        pytest.param({"profile": {"expects": []}}, "profile: there is no expects", id="no such key"),
        pytest.param(
            {"profile": "mine.yml", "variables": {"most": 1}}, "has no variable most", id="no such variable"
        ),
        pytest.param(
            {"profile": "mine.yml", "variables": {"least": 2}}, "all values >= 2, seen 1", id="a failure"
        ),
    ],
)
def test_a_mistake_is_a_sentence(playbook: Path, options: dict[str, t.Any], said: str) -> None:
    with servers.serve(servers.page("up 1\n")) as server:
        code, output = played(playbook, url=server.url, **{**options, "timeout": 0})
    assert code == 2
    assert said in " ".join(output.split())
    assert "Traceback" not in output
