"""aurora_password_rotation with a real PostgreSQL; psycopg tries each login, boto3 sees each version."""

from __future__ import annotations

import json
import typing as t

import psycopg
import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._rotation import actions
from ansible_collections.eks_observability.stack.plugins.modules.aurora_password_rotation import main

OLD = "a-long-Password-of-the-role"
HOSTILE = "p%40:/?#&+ \"\u00e9'\\"


class Login:
    """A role in the database with its document, and how it can log in."""

    def __init__(self, aws: t.Any, cluster: t.Any, name: str, password: str) -> None:
        self.cluster, self.name, self.authority = cluster, name, aws.authority
        self.secrets = aws.client("secretsmanager")
        self.document = f"{name}-credentials"
        admin = json.loads(self.secrets.get_secret_value(SecretId=cluster.admin_secret_arn)["SecretString"])
        self.admin = (admin["username"], admin["password"])
        with self.connect(*self.admin) as connection:
            connection.execute(f'CREATE ROLE "{name}" LOGIN')
        self.set(password)
        text = json.dumps({"username": name, "password": password, "note": "not ours"})
        self.secrets.create_secret(Name=self.document, SecretString=text)

    def connect(self, user: str, password: str) -> t.Any:
        return psycopg.connect(
            host=self.cluster.endpoint,
            user=user,
            password=password,
            dbname="app",
            sslmode="verify-full",
            sslrootcert=self.authority,
            autocommit=True,
        )

    def set(self, password: str) -> None:
        statement = psycopg.sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            psycopg.sql.Identifier(self.name), psycopg.sql.Literal(password)
        )
        with self.connect(*self.admin) as connection:
            connection.execute(statement)

    def works(self, password: str) -> bool:
        try:
            self.connect(self.name, password).close()
        except psycopg.OperationalError:
            return False
        return True

    def value(self, stage: str = "AWSCURRENT") -> dict[str, t.Any]:
        answer = self.secrets.get_secret_value(SecretId=self.document, VersionStage=stage)
        value: dict[str, t.Any] = json.loads(answer["SecretString"])
        return value

    @property
    def stages(self) -> list[str]:
        versions = self.secrets.describe_secret(SecretId=self.document)["VersionIdsToStages"]
        return sorted(stage for stages in versions.values() for stage in stages)

    @property
    def left_over(self) -> list[str]:
        found = self.secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]
        return [one["Name"] for one in found if one["Name"].startswith(f"{self.document}-")]


@pytest.fixture
def login(aws: t.Any, shared_cluster: t.Any, name: str) -> Login:
    return Login(aws, shared_cluster, name, OLD)


def asked(login: Login) -> dict[str, t.Any]:
    return {
        "cluster_arn": login.cluster.arn,
        "admin_secret_arn": login.cluster.admin_secret_arn,
        "database": "app",
        "secret_ids": [login.document],
    }


def rotated(login: Login) -> None:
    """One password everywhere, the old one worth nothing, nothing left over."""
    value = login.value()
    assert value["password"] != OLD
    assert value["note"] == "not ours"
    assert login.works(value["password"])
    assert not login.works(OLD)
    assert login.stages == ["AWSCURRENT", "AWSPREVIOUS"]
    assert login.value("AWSPREVIOUS")["password"] == OLD
    assert login.left_over == []


def test_a_rotation(run: t.Any, login: Login) -> None:
    assert run(main, check=True, **asked(login))["changed"]
    assert login.value()["password"] == OLD
    result = run(main, **asked(login))
    rotated(login)
    (rotation,) = result["rotations"]
    assert [step["step"] for step in rotation["steps"]] == [
        actions.STAGED,
        actions.SET,
        actions.CURRENT_NOW,
        actions.PROVEN,
        actions.REFUSED,
    ]
    assert all(step["seconds"] >= 0 for step in rotation["steps"])
    assert (rotation["username"], rotation["resumed"]) == (login.name, False)
    told = json.dumps(result)
    assert OLD not in told
    assert login.value()["password"] not in told


def test_the_old_password_may_be_hostile(run: t.Any, aws: t.Any, shared_cluster: t.Any, name: str) -> None:
    login = Login(aws, shared_cluster, name, HOSTILE)
    run(main, **asked(login))
    assert login.works(login.value()["password"])
    assert not login.works(HOSTILE)


class Killed(BaseException):
    """What a killed process does not get to say."""


def killed_at(place: str, run: t.Any, login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*_arguments: t.Any) -> t.NoReturn:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(actions, place, kill)
        with pytest.raises(Killed):
            run(main, **asked(login))


@pytest.mark.parametrize(
    ("place", "resumed", "safe"),
    [
        pytest.param("_stage", False, True, id="before anything"),
        pytest.param("_statement", True, True, id="before the database"),
        pytest.param("_promote", True, False, id="between database and document"),
        pytest.param("_prove", False, True, id="before the proof"),
        pytest.param("_see_refused", False, True, id="before the last look"),
    ],
)
def test_a_killed_run_is_finished_by_the_next(
    run: t.Any, login: Login, monkeypatch: pytest.MonkeyPatch, place: str, resumed: bool, safe: bool
) -> None:
    """`safe`: the document's password logs in even before the next run."""
    killed_at(place, run, login, monkeypatch)
    assert login.works(login.value()["password"]) is safe
    waiting = login.value("AWSPENDING")["password"] if resumed else None
    assert run(main, check=True, **asked(login))["rotations"][0]["resumed"] is resumed
    result = run(main, **asked(login))
    assert result["rotations"][0]["resumed"] is resumed
    assert login.works(login.value()["password"])
    assert not login.works(OLD)
    assert waiting in (None, login.value()["password"])
    assert login.left_over == []
    assert login.stages == ["AWSCURRENT", "AWSPREVIOUS"]


def test_the_trial_of_an_interrupted_run_is_taken_away(run: t.Any, login: Login) -> None:
    login.secrets.create_secret(Name=f"{login.document}-old-password", SecretString="{}")
    run(main, **asked(login))
    rotated(login)


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
@pytest.mark.parametrize(
    ("secret", "words"),
    [
        pytest.param("nowhere", "nowhere: it does not exist", id="no secret"),
        pytest.param("managed", "belongs to rds, which rotates it by itself", id="the master's"),
        pytest.param("empty", "it has no username and no password", id="no login in it"),
    ],
)
def test_mistakes_change_nothing(
    run: t.Any, login: Login, secret: str, words: str, check: bool, name: str
) -> None:
    known = {"managed": login.cluster.admin_secret_arn, "empty": f"empty-{name}"}
    if secret == "empty":
        login.secrets.create_secret(Name=known["empty"], SecretString="{}")
    wish = {**asked(login), "secret_ids": [known.get(secret, secret)]}
    assert words in run.failure(main, check=check, **wish)
    assert run.calls.mutating == []


def test_what_has_changed_since_an_interruption_stays(
    run: t.Any, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at("_statement", run, login, monkeypatch)
    staged = login.secrets.get_secret_value(SecretId=login.document, VersionStage="AWSPENDING")
    moved = {**login.value(), "host": "new.example.org"}
    login.secrets.put_secret_value(SecretId=login.document, SecretString=json.dumps(moved))
    run(main, **asked(login))
    value = login.value()
    assert value == {**moved, "password": json.loads(staged["SecretString"])["password"]}
    assert login.works(value["password"])
    now = login.secrets.get_secret_value(SecretId=login.document, VersionStage="AWSCURRENT")
    assert now["VersionId"] != staged["VersionId"], "its date would be that of the staging"


def test_a_document_may_be_named_by_its_arn(
    run: t.Any, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    create = actions.api.create_secret

    def kept(client: t.Any, name: str, request: t.Any) -> t.Any:
        names.append(name)
        return create(client, name, request)

    monkeypatch.setattr(actions.api, "create_secret", kept)
    arn = login.secrets.describe_secret(SecretId=login.document)["ARN"]
    run(main, **{**asked(login), "secret_ids": [arn]})
    assert names == [f"{login.document}-old-password"], "AWS takes no colon in a name"
