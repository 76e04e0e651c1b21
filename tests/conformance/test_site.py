"""The playbooks on a real control plane, run by a user who has the documented rights and no others."""

from __future__ import annotations

import pytest

from lab.settings import ADMINISTRATOR
from tests.conformance.deployer import USER
from tests.conformance.journeys import AWAY, DEATHS, USERS, Interrupted, Journey


def test_the_role_installs_external_secrets_where_there_is_none(usual: Journey) -> None:
    assert usual.installed.code == 0, usual.installed.output
    # The namespace, and the release.
    assert usual.installed.changed == {"aurora": 2}


def test_the_documented_rights_are_enough_and_used(usual: Journey) -> None:
    assert usual.first.code == 0, usual.first.output
    assert "panels with data" in usual.first.output
    assert usual.first.changed["aurora"] > 0
    assert usual.first.writes(USER) != []
    assert usual.first.writes(ADMINISTRATOR) == []


def test_second_run_changes_nothing(usual: Journey) -> None:
    assert usual.second.code == 0, usual.second.output
    assert usual.second.changed == {"aurora": 0}, usual.second.output


@pytest.mark.parametrize("user", USERS)
def test_check_of_an_empty_cluster_writes_nothing(usual: Journey, user: str) -> None:
    run = usual.empty_checks[user]
    assert run.code == 0, run.output
    assert run.changed["aurora"] > 0
    assert run.writes(USERS[user]) == []
    assert run.kubernetes


@pytest.mark.parametrize("user", USERS)
def test_check_of_a_converged_cluster_writes_nothing_and_sees_nothing_to_do(
    usual: Journey, user: str
) -> None:
    run = usual.converged_checks[user]
    assert run.code == 0, run.output
    assert run.changed == {"aurora": 0}, run.output
    assert run.writes(USERS[user]) == []
    assert any(entry["dryRun"] and entry["user"] == USERS[user] for entry in run.kubernetes)


def test_verification_passes(usual: Journey) -> None:
    assert usual.verified.code == 0, usual.verified.output
    assert usual.verified.writes(USER) == []


def test_the_namespace_enforces_the_restricted_standard(usual: Journey) -> None:
    assert usual.enforced == "restricted"
    assert "violates PodSecurity" in usual.refused


def test_no_run_prints_a_secret(usual: Journey) -> None:
    runs = [usual.first, usual.second, usual.verified, usual.teardown, *usual.converged_checks.values()]
    assert usual.secrets
    assert [secret[:3] for secret in usual.secrets for run in runs if secret in run.output] == []


def test_teardown_leaves_the_cluster_as_it_was(usual: Journey) -> None:
    assert usual.teardown.code == 0, usual.teardown.output
    assert usual.after - usual.before == set()
    assert usual.before - usual.after == set()


@pytest.mark.parametrize("server", [name for killed in DEATHS for name in killed])
def test_a_run_in_which_a_server_dies_ends_well_or_with_a_sentence(
    interrupted: Interrupted, server: str
) -> None:
    run = interrupted.deaths[server]
    assert "Traceback" not in run.output
    if run.code != 0:
        assert "FAILED! =>" in run.output
        sentences = ("not all applied to namespace", "Not in sync", "127.0.0.1", "target")
        assert any(sentence in run.output for sentence in sentences), run.output


def test_a_run_that_meets_no_api_server_fails_with_a_sentence(interrupted: Interrupted) -> None:
    run = interrupted.deaths[AWAY]
    assert run.code != 0
    assert "were not all applied to namespace observability" in run.output
    assert "run this again" in run.output


def test_the_next_run_ends_well(interrupted: Interrupted) -> None:
    assert interrupted.last.code == 0, interrupted.last.output
    assert "panels with data" in interrupted.last.output


def test_the_oldest_versions_are_what_ran(interrupted: Interrupted) -> None:
    assert interrupted.versions == ("v1.34.4", "v0.17.0")
