"""Requests, as the embedded API and as a real one write them down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.request_log import read

REAL = {
    "kind": "Event",
    "auditID": "42",
    "verb": "patch",
    "requestURI": "/apis/apps/v1/namespaces/n/deployments/d/status?dryRun=All&fieldManager=x",
    "user": {"username": "lab-admin", "groups": ["system:masters"]},
    "objectRef": {
        "resource": "deployments",
        "namespace": "n",
        "name": "d",
        "apiGroup": "apps",
        "subresource": "status",
    },
    "responseStatus": {"code": 200},
    "stageTimestamp": "2026-11-26T04:00:00.000000Z",
}
PLAIN = {
    "time": "2026-11-26T04:00:00.000000Z",
    "user": "lab-admin",
    "verb": "patch",
    "resource": "deployments.apps",
    "subresource": "status",
    "namespace": "n",
    "name": "d",
    "dryRun": True,
    "code": 200,
}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(REAL, PLAIN, id="of a real API server"),
        pytest.param(
            {**REAL, "requestURI": "/version", "objectRef": None},
            {**PLAIN, "resource": "", "subresource": "", "namespace": "", "name": "", "dryRun": False},
            id="of a real API server, for no object",
        ),
        pytest.param(PLAIN, PLAIN, id="of the embedded API"),
        pytest.param({"service": "rds", "user": None}, {"service": "rds", "user": None}, id="of AWS"),
    ],
)
def test_a_request_reads_alike_whoever_wrote_it(
    tmp_path: Path, written: dict[str, Any], expected: dict[str, Any]
) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(json.dumps(written) + "\n")
    assert read(path) == [expected]


def test_requests_before_the_offset_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text('{"verb": "get"}\n{"verb": "list"}\n')
    assert read(path, len('{"verb": "get"}\n')) == [{"verb": "list"}]
    assert read(tmp_path / "absent.jsonl") == []
