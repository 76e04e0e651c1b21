"""irsa_role against the laboratory's IAM; every change is seen by boto3."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.modules.irsa_role import main
from botocore.exceptions import ClientError


def policy(*actions: str, **more: t.Any) -> dict[str, t.Any]:
    statement = {"Effect": "Allow", "Action": list(actions), **(more or {"Resource": "*"})}
    return {"Version": "2012-10-17", "Statement": [statement]}


TRUST = policy("sts:AssumeRole", Principal={"AWS": "arn:aws:iam::123456789012:root"})
OTHER_TRUST = policy("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})
READ, WRITE = policy("secretsmanager:GetSecretValue"), policy("secretsmanager:PutSecretValue")


class Iam:
    """An administrator's view of one role."""

    def __init__(self, client: t.Any, name: str) -> None:
        self.client, self.name = client, name

    def seen(self) -> dict[str, t.Any] | None:
        try:
            role = self.client.get_role(RoleName=self.name)["Role"]
        except ClientError:
            return None
        names = self.client.list_role_policies(RoleName=self.name)["PolicyNames"]
        attached = self.client.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]
        return {
            "path": role["Path"],
            "trust": role["AssumeRolePolicyDocument"],
            "description": role.get("Description", ""),
            "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "session": role["MaxSessionDuration"],
            "inline": {
                name: self.client.get_role_policy(RoleName=self.name, PolicyName=name)["PolicyDocument"]
                for name in names
            },
            "managed": [one["PolicyArn"] for one in attached],
            "tags": {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
        }


@pytest.fixture
def iam(aws: t.Any, name: str) -> Iam:
    return Iam(aws.client("iam"), name)


@pytest.fixture
def boundary(iam: Iam) -> str:
    made = iam.client.create_policy(PolicyName=f"b-{iam.name}", PolicyDocument=json.dumps(policy("*")))
    arn: str = made["Policy"]["Arn"]
    return arn


@pytest.fixture
def asked(iam: Iam, boundary: str) -> dict[str, t.Any]:
    return {
        "name": iam.name,
        "path": "/teams/",
        "description": "demo",
        "trust_policy": TRUST,
        "permissions_boundary": boundary,
        "max_session_duration": 7200,
        "inline_policies": {"read": READ},
        "managed_policies": [],
        "tags": {"project": "demo"},
    }


def test_the_life_of_a_role(run: t.Any, iam: Iam, asked: dict[str, t.Any], boundary: str) -> None:
    assert run(main, check=True, **asked)["arn"] is None
    assert iam.seen() is None
    results = run.matrix(main, **asked)
    assert results[1]["arn"] == f"arn:aws:iam::123456789012:role/teams/{iam.name}"
    made = {
        "path": "/teams/",
        "trust": TRUST,
        "description": "demo",
        "boundary": boundary,
        "session": 7200,
        "inline": {"read": READ},
        "managed": [],
        "tags": {"project": "demo"},
    }
    assert iam.seen() == made
    changes: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = [
        ({"trust_policy": OTHER_TRUST}, {"trust": OTHER_TRUST}),
        ({"description": ""}, {"description": ""}),
        ({"permissions_boundary": ""}, {"boundary": None}),
        ({"max_session_duration": 3600}, {"session": 3600}),
        ({"inline_policies": {"write": WRITE}}, {"inline": {"write": WRITE}}),
        ({"managed_policies": [boundary]}, {"managed": [boundary]}),
        ({"managed_policies": []}, {"managed": []}),
        ({"tags": {"team": "db"}}, {"tags": {"team": "db"}}),
    ]
    for change, after in changes:
        results = run.matrix(main, name=iam.name, **change)
        assert results[0]["changes"] == results[1]["changes"] == list(change)
        made |= after
        assert iam.seen() == made
    run.matrix(main, name=iam.name, state="absent")
    assert iam.seen() is None


Drift = t.Callable[[Iam, str], object]
DRIFTS: dict[str, Drift] = {
    "trust_policy": lambda iam, arn: iam.client.update_assume_role_policy(
        RoleName=iam.name, PolicyDocument=json.dumps(OTHER_TRUST)
    ),
    "description": lambda iam, arn: iam.client.update_role(
        RoleName=iam.name, Description="other", MaxSessionDuration=7200
    ),
    "max_session_duration": lambda iam, arn: iam.client.update_role(
        RoleName=iam.name, Description="demo", MaxSessionDuration=3600
    ),
    "permissions_boundary": lambda iam, arn: iam.client.delete_role_permissions_boundary(RoleName=iam.name),
    "inline_policies": lambda iam, arn: iam.client.put_role_policy(
        RoleName=iam.name, PolicyName="back-door", PolicyDocument=json.dumps(policy("*"))
    ),
    "managed_policies": lambda iam, arn: iam.client.attach_role_policy(RoleName=iam.name, PolicyArn=arn),
    "tags": lambda iam, arn: iam.client.tag_role(RoleName=iam.name, Tags=[{"Key": "project", "Value": "x"}]),
}


@pytest.mark.parametrize("field", DRIFTS)
def test_drift_is_named_and_repaired(
    run: t.Any, iam: Iam, asked: dict[str, t.Any], boundary: str, field: str
) -> None:
    run(main, **asked)
    before = iam.seen()
    DRIFTS[field](iam, boundary)
    assert iam.seen() != before
    results = run.matrix(main, **asked)
    assert results[0]["changes"] == results[1]["changes"] == [field]
    assert iam.seen() == before


def test_a_killed_run_is_finished_by_the_next(run: t.Any, iam: Iam, asked: dict[str, t.Any]) -> None:
    iam.client.create_role(RoleName=iam.name, Path="/teams/", AssumeRolePolicyDocument=json.dumps(TRUST))
    run.matrix(main, **asked)
    seen = iam.seen()
    assert seen
    assert seen["inline"] == {"read": READ}


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
def test_what_cannot_be_done_changes_nothing(
    run: t.Any, iam: Iam, asked: dict[str, t.Any], check: bool
) -> None:
    assert "a new one needs a trust_policy" in run.failure(main, check=check, name=iam.name)
    run(main, **asked)
    assert "its path is /teams/, not /" in run.failure(main, check=check, **{**asked, "path": "/"})
    assert run.calls.mutating == []
