"""The embedded API answers as a real API server does: the same requests, and all of the answers compared."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lab.certificates import Authority
from lab.kubernetes.embedded import EmbeddedKubernetes
from lab.settings import Settings
from tests.conformance.comparison import Declared, Difference, undeclared
from tests.conformance.scenarios import Judge, declared, groups

GROUPS = groups()
DECLARED = declared()
IDS = [request.id for group in GROUPS for request in group.requests]


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKubernetes]:
    """The judged: an embedded API server."""
    settings = Settings(state=tmp_path_factory.mktemp("embedded"))
    server = EmbeddedKubernetes(settings, Authority.create(settings.state / "certificates"))
    server.start()
    yield server
    server.stop()


class Cluster:
    """A cluster behind a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig


@pytest.fixture(scope="session")
def real() -> Cluster:
    """The judge: a real API server with the definitions of External Secrets and the Prometheus operator."""
    path = os.environ.get("CONFORMANCE_KUBECONFIG")
    assert path, "CONFORMANCE_KUBECONFIG must name the kubeconfig of a real API server."
    return Cluster(Path(path))


@pytest.fixture(scope="session")
def judge(real: Cluster, embedded: EmbeddedKubernetes) -> Judge:
    return Judge(real.kubeconfig, embedded.kubeconfig)


@pytest.fixture(scope="session")
def differences(judge: Judge) -> Mapping[str, list[Difference]]:
    """Everything is sent once, in order, whichever tests are chosen: requests build on each other."""
    return judge.differences(GROUPS)


@pytest.mark.parametrize("request_id", IDS)
def test_same_answer(request_id: str, judge: Judge, differences: Mapping[str, list[Difference]]) -> None:
    left = undeclared(request_id, differences[request_id], judge.known)
    assert not left, "\n".join(map(str, left))


@pytest.mark.parametrize("entry", DECLARED, ids=lambda entry: f"{entry.request} {entry.place}")
def test_declared_difference_is_there(
    entry: Declared, judge: Judge, differences: Mapping[str, list[Difference]]
) -> None:
    """What is declared and has been mended must go, or it would hide the next fault."""
    if not entry.concerns(judge.minor):
        pytest.skip(f"Kubernetes 1.{judge.minor} does not have this difference")
    assert any(entry.covers(name, found) for name, all_ in differences.items() for found in all_)


def test_ids_are_unique() -> None:
    assert len(set(IDS)) == len(IDS)
