"""What AWS adds to a diagnosis where no event is left, and what is kept of it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import typing as t
from collections.abc import Callable
from functools import partial

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.in_aws import look
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    Sight,
    Wanted,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.sync import sync
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

from lab.settings import Settings
from tests.unit.plugins.conftest import Laboratory
from tests.unit.plugins.module_utils._external_secrets.fake_cluster import FAILED, STORE_BAD, Cluster

DEFAULTS = Settings(t.cast(t.Any, None))
ISSUER = DEFAULTS.issuer
KEY = ISSUER.removeprefix("https://")
VALUE = {"username": "app", "password": "a-long-Password", "nested": {"names": ["first"]}}
NUMBERS = itertools.count()
Read = dict[str, t.Any]


def once(probe: t.Callable[[], tuple[bool, list[Sight]]]) -> list[Sight]:
    return wait_until(probe, timeout=0)


class Scene:
    """A cluster and an account that fit each other, with names of their own."""

    def __init__(self, aws: Laboratory) -> None:
        self.aws = aws
        self.name = f"looked-at-{next(NUMBERS)}"
        self.cluster = Cluster()
        objects = self.cluster.objects
        objects["discovery"]["issuer"] = ISSUER
        role = f"arn:aws:iam::{DEFAULTS.account}:role/{self.name}"
        objects["account"]["metadata"]["annotations"] = {"eks.amazonaws.com/role-arn": role}
        objects["store"]["spec"]["provider"]["aws"]["region"] = DEFAULTS.region
        objects["external_secret"]["spec"].update(data=[], dataFrom=[{"extract": {"key": self.name}}])
        self.fail("could not get secret data from provider")

    def fail(self, message: str, store: bool = False) -> None:
        condition = {**FAILED, "message": message}
        self.cluster.objects["external_secret"]["status"]["conditions"] = [condition]
        if store:
            self.cluster.objects["store"]["status"]["conditions"] = [STORE_BAD]

    def trust(self, **conditions: str) -> None:
        wanted = {"sub": "system:serviceaccount:observability:aurora-access", "aud": "sts.amazonaws.com"}
        named = {f"{KEY}:{claim}": value for claim, value in {**wanted, **conditions}.items() if value}
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{DEFAULTS.account}:oidc-provider/{KEY}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": named},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.aws.client("iam").create_role(RoleName=self.name, AssumeRolePolicyDocument=policy)

    def write(self, text: str = json.dumps(VALUE)) -> None:
        self.aws.client("secretsmanager").create_secret(Name=self.name, SecretString=text)

    def read(self, **reference: str) -> None:
        """Let the external secret read one value."""
        entry = {"secretKey": "x", "remoteRef": {"key": self.name, **reference}}
        self.cluster.objects["external_secret"]["spec"].update(data=[entry], dataFrom=[])

    def cause(self, clients: Callable[[str, str], t.Any] | None = None) -> str:
        wanted = [Wanted("aurora-credentials")]
        asked = partial(look, clients or (lambda service, region: self.aws.client(service)))
        _sights, causes = sync(self.cluster, "observability", wanted, once, asked)
        (cause,) = causes
        return str(cause)


@pytest.fixture
def scene(laboratory: Laboratory) -> Scene:
    return Scene(laboratory)


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        pytest.param({"sub": "system:serviceaccount:x:y"}, ":sub is system:serviceaccount:x:y", id="sub"),
        pytest.param({"aud": "other"}, ":aud is other", id="aud"),
    ],
)
def test_the_condition_that_refuses_is_named(scene: Scene, conditions: dict[str, str], said: str) -> None:
    scene.trust(**conditions)
    scene.fail("could not get secret data from provider", store=True)
    assert f"cannot become role arn:aws:iam::{DEFAULTS.account}:role/{scene.name}: " in scene.cause()
    assert said in scene.cause()


def test_a_trust_for_every_audience_refuses_nobody(scene: Scene) -> None:
    scene.trust(aud="")
    scene.fail("could not get secret data from provider", store=True)
    assert "nothing is seen that keeps ServiceAccount observability/aurora-access from" in scene.cause()


def test_a_role_that_does_not_exist(scene: Scene) -> None:
    scene.fail("could not get secret data from provider", store=True)
    assert f"role/{scene.name} does not exist" in scene.cause()


def test_an_issuer_without_a_provider(scene: Scene) -> None:
    scene.trust()
    scene.fail("could not get secret data from provider", store=True)
    scene.cluster.objects["discovery"]["issuer"] = "https://issuer.example"
    assert "IAM has no OIDC provider for https://issuer.example" in scene.cause()


def test_a_secret_that_does_not_exist(scene: Scene) -> None:
    assert f"Secrets Manager has no secret {scene.name} in region {DEFAULTS.region}" in scene.cause()


def test_a_secret_that_is_to_be_deleted(scene: Scene) -> None:
    scene.write()
    scene.aws.client("secretsmanager").delete_secret(SecretId=scene.name)
    assert f"Secret {scene.name} is scheduled for deletion" in scene.cause()


def test_a_secret_without_a_value(scene: Scene) -> None:
    scene.aws.client("secretsmanager").create_secret(Name=scene.name)
    assert f"Secret {scene.name} has no value with the label AWSCURRENT" in scene.cause()


@pytest.mark.parametrize(
    ("property", "said"),
    [
        pytest.param("username", "may not read", id="there, so it must be the right"),
        pytest.param("nested.names.0", "may not read", id="a path that is there"),
        pytest.param("nope", "has no key nope", id="missing"),
        pytest.param("nested.names.1", "has no key nested.names.1", id="a path that is not there"),
        pytest.param("username.x", "has no key username.x", id="a path through a value"),
    ],
)
def test_a_property(scene: Scene, property: str, said: str) -> None:
    scene.write()
    scene.read(property=property)
    assert said in scene.cause()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a word", "is not JSON", id="no JSON"),
        pytest.param("[1]", "is not a JSON object", id="a list"),
        pytest.param(json.dumps(VALUE), "may not read", id="an object, so it must be the right"),
    ],
)
def test_an_extract(scene: Scene, text: str, said: str) -> None:
    scene.write(text)
    assert said in scene.cause()


@pytest.mark.parametrize(
    ("extract", "value", "said"),
    [
        pytest.param({}, {"a b": "", "a_b": ""}, "several become a_b", id="keys that become one"),
        pytest.param(
            {"conversionStrategy": "None"}, {"a b": ""}, "(a b)", id="keys that a Secret cannot have"
        ),
        pytest.param(
            {"conversionStrategy": "Unicode"}, {"a b": "", "a_b": ""}, "may not read", id="keys told apart"
        ),
        pytest.param(
            {"decodingStrategy": "Base64"},
            {"a": "?"},
            "the event that says why is gone",
            id="values to decode",
        ),
    ],
)
def test_how_a_document_is_read(scene: Scene, extract: Read, value: Read, said: str) -> None:
    scene.write(json.dumps(value))
    scene.cluster.objects["external_secret"]["spec"]["dataFrom"][0]["extract"].update(extract)
    assert said in scene.cause()


def test_a_key_that_a_template_names_in_vain(scene: Scene) -> None:
    scene.write()
    scene.fail("could not update secret")
    template = {"data": {"a": "{{ .username }}", "b": "{{ .hots | upper }}"}}
    scene.cluster.objects["external_secret"]["spec"]["target"]["template"] = template
    assert "it names hots, and there is no such key" in scene.cause()


def test_no_value_is_kept(scene: Scene) -> None:
    scene.write()
    seen = []

    def keep(case: t.Any) -> t.Any:
        seen.append(look(lambda service, region: scene.aws.client(service), case))
        return seen[0]

    sync(scene.cluster, "observability", [Wanted("aurora-credentials")], once, keep)
    assert "password" in repr(seen)
    assert "a-long-Password" not in repr(seen)


def test_what_aws_does_not_tell_is_named(scene: Scene) -> None:
    def nobody(service: str, region: str) -> t.Any:
        stranger = dataclasses.replace(scene.aws, key="AKIANOBODY0000000000", secret="x" * 40)
        return (scene.aws if service == "sts" else stranger).client(service)

    text = scene.cause(nobody)
    assert f"Failed to describe secret {scene.name}" in text
    assert "UnrecognizedClientException" in text
