"""A laboratory of Kubernetes, AWS and stand-ins, up once for all tests that need it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import programs
from lab.certificates import Authority
from lab.kubernetes import open_kubernetes
from lab.settings import Settings
from lab.standins import Standins
from lab.standins.api.client import Api
from lab.standins.api.kinds import NAMESPACE
from tests.unit.lab.standins.laboratory import NAMESPACE_NAME, Lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    # Here, as it takes seconds: most tests of this folder need no AWS.
    from lab.aws import AwsEndpoint

    try:
        found = programs.ensure(lambda line: None)
    except programs.ProgramsError as error:
        pytest.skip(f"needs the laboratory's programs: {error}")
    state = tmp_path_factory.mktemp("lab")
    settings = Settings(state=state)
    authority = Authority.create(state / "authority")
    with contextlib.ExitStack() as stack:
        kubernetes = open_kubernetes(settings, authority)
        stack.callback(kubernetes.stop)
        kubernetes.start()
        aws = AwsEndpoint(settings, authority, found.postgres, kubernetes)
        stack.callback(aws.stop)
        aws.start()
        standins = Standins(settings, kubernetes, found, aws.url)
        stack.callback(standins.stop)
        standins.start()
        api = Api(kubernetes.kubeconfig, "test")
        api.ensure(NAMESPACE, {"metadata": {"name": NAMESPACE_NAME}})
        key, secret = aws.credentials
        credentials = {"aws_access_key_id": key, "aws_secret_access_key": secret}
        laboratory = Lab(settings, api, standins, aws.url, found, credentials)
        yield laboratory
        left = laboratory.processes()
    assert left
    assert not [process for process in left if Path(f"/proc/{process}").exists()], "stopped, yet alive"
