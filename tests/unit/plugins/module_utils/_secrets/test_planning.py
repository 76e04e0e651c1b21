"""What has to change for a secret to become the document that the task asks for."""

from __future__ import annotations

import json
import typing as t
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.api import SecretError
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.planning import (
    DEFAULT_LENGTH,
    EXCLUDED_CHARACTERS,
    Document,
    DocumentWish,
    Generated,
    parse_document,
    plan,
    same,
)

PASSWORD = "a-long-Password-of-the-application"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:demo-AbCdEf"
MADE_AT = datetime(2026, 11, 23, 10, tzinfo=UTC)


def wish(**options: t.Any) -> DocumentWish:
    return DocumentWish.from_options({"name": "demo", **options})


def document(values: dict[str, t.Any] | None = None, **more: t.Any) -> Document:
    described = {"Name": "demo", "ARN": ARN, **more}
    value = {"SecretString": json.dumps(values), "VersionId": "v1", "CreatedDate": MADE_AT}
    read = None if values is None else value
    return Document.from_answers(described, read)


@pytest.mark.parametrize(
    ("rotated", "since"),
    [
        pytest.param({}, MADE_AT, id="when its version was made"),
        pytest.param({"LastRotatedDate": MADE_AT - timedelta(days=1)}, MADE_AT, id="rotated before that"),
        pytest.param(
            {"LastRotatedDate": MADE_AT + timedelta(minutes=2)},
            MADE_AT + timedelta(minutes=2),
            id="made as a pending version, and rotated to later",
        ),
    ],
)
def test_since_when_a_value_is_current(rotated: dict[str, datetime], since: datetime) -> None:
    assert document({"host": "db"}, **rotated).current_since == since


def test_without_a_value_none_is_current() -> None:
    assert document().current_since is None


HAS = {"host": "db", "port": 5432, "password": PASSWORD, "theirs": {"b": 1, "a": [1, 2]}}
MADE = {"password": {}}


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        pytest.param({"values": {"host": "db", "port": 5432}}, [], id="what is there"),
        pytest.param({"values": {"host": "other"}}, ["host"], id="another value"),
        pytest.param({"values": {"reader": "db"}}, ["reader"], id="another key"),
        pytest.param({"values": {"port": "5432"}}, ["port"], id="text is not a number"),
        pytest.param({"values": {"theirs": {"a": [1, 2], "b": 1}}}, [], id="order of keys does not count"),
        pytest.param({"values": {"host": None}}, ["host"], id="null is a value"),
        pytest.param({"secret_values": {"password": PASSWORD}}, [], id="the same secret"),
        pytest.param({"secret_values": {"password": "x" * 20}}, ["password"], id="another secret"),
        pytest.param({"generated": MADE}, [], id="a generated value stays"),
        pytest.param({"generated": {"token": None}}, ["token"], id="a missing one is made"),
        pytest.param({}, [], id="nothing asked"),
    ],
)
def test_keys(asked: dict[str, t.Any], changed: list[str]) -> None:
    step = plan(wish(**asked), document(HAS), rotate=False, purge_tags=True)
    assert list(step.changed_keys) == changed
    assert step.changed is bool(changed)
    assert step.known.keys() >= HAS.keys(), "keys that the task does not name stay"


def test_rotation_makes_every_generated_value_anew() -> None:
    step = plan(wish(generated=MADE, values={"host": "db"}), document(HAS), rotate=True, purge_tags=True)
    assert list(step.to_generate) == ["password"]
    assert step.changed_keys == ("password",)


def test_an_empty_generated_value_is_none() -> None:
    step = plan(wish(generated=MADE), document({"password": ""}), rotate=False, purge_tags=True)
    assert list(step.to_generate) == ["password"]


def test_a_secret_without_a_value_gets_one() -> None:
    step = plan(wish(values={"host": "db"}), document(None), rotate=False, purge_tags=True)
    assert (step.create, step.changed_keys) == (False, ("host",))


def test_a_missing_secret_is_created_with_every_key() -> None:
    step = plan(wish(values={"host": "db"}, generated=MADE), None, rotate=False, purge_tags=True)
    assert (step.create, step.changed_keys) == (True, ("host", "password"))


def test_of_a_deleted_secret_only_the_restoration_is_known() -> None:
    step = plan(wish(values={"host": "db"}), document(None, DeletedDate="now"), rotate=False, purge_tags=True)
    assert (step.restore, step.changed, step.changed_keys) == (True, True, ())


@pytest.mark.parametrize(
    ("asked", "update"),
    [
        pytest.param({}, {}, id="left out"),
        pytest.param({"description": "old"}, {}, id="the same description"),
        pytest.param({"description": ""}, {"Description": ""}, id="no description is a value"),
        pytest.param({"kms_key_id": "alias/x"}, {}, id="an alias tells nothing"),
        pytest.param({"kms_key_id": "2222"}, {"KmsKeyId": "2222"}, id="another key"),
    ],
)
def test_description_and_key(asked: dict[str, t.Any], update: dict[str, str]) -> None:
    current = document(HAS, Description="old", KmsKeyId="arn:aws:kms:r:1:key/1111")
    assert plan(wish(**asked), current, rotate=False, purge_tags=True).update == update


@pytest.mark.parametrize(
    ("tags", "purge", "add", "remove"),
    [
        pytest.param(None, True, {}, (), id="left out"),
        pytest.param({"a": "1"}, True, {}, (), id="the same: AWS's own tag stays"),
        pytest.param({"a": 1}, True, {}, (), id="numbers are text in AWS"),
        pytest.param({"b": "2"}, True, {"b": "2"}, ("a",), id="another, with purge"),
        pytest.param({"b": "2"}, False, {"b": "2"}, (), id="another, without purge"),
        pytest.param({}, True, {}, ("a",), id="no tags is a value"),
    ],
)
def test_tags(tags: t.Any, purge: bool, add: dict[str, str], remove: tuple[str, ...]) -> None:
    current = document(HAS, Tags=[{"Key": "a", "Value": "1"}, {"Key": "aws:x", "Value": "y"}])
    step = plan(wish(tags=tags), current, rotate=False, purge_tags=purge)
    assert (step.add_tags, step.remove_tags) == (add, remove)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, id="order of keys"),
        pytest.param([1, 2], [2, 1], False, id="order of items"),
        pytest.param(1, True, False, id="a number is no truth"),
        pytest.param(1, 1.0, False, id="nor is it a fraction"),
        pytest.param("é", "é", True, id="text beyond ASCII"),
    ],
)
def test_same(one: t.Any, other: t.Any, equal: bool) -> None:
    assert same(one, other) is equal


@pytest.mark.parametrize(
    "read",
    [
        pytest.param({"SecretString": PASSWORD}, id="plain text"),
        pytest.param({"SecretString": json.dumps([PASSWORD])}, id="a list"),
        pytest.param({"SecretBinary": PASSWORD.encode()}, id="bytes"),
    ],
)
def test_a_value_that_is_no_document_is_an_error_that_does_not_tell_it(read: dict[str, t.Any]) -> None:
    with pytest.raises(SecretError, match="value of secret demo is not a JSON object") as raised:
        parse_document("demo", read)
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize(
    ("asked", "rotate"),
    [
        pytest.param({"values": {"port": 1}}, False, id="a value"),
        pytest.param({"tags": {}}, False, id="tags"),
        pytest.param({}, True, id="a new password"),
    ],
)
def test_a_secret_of_rds_is_left_to_rds(asked: dict[str, t.Any], rotate: bool) -> None:
    current = document(HAS, OwningService="rds")
    with pytest.raises(SecretError, match="belongs to rds"):
        plan(wish(**asked), current, rotate=rotate, purge_tags=True)


def test_the_rotation_of_a_secret_of_rds_is_ours_to_set() -> None:
    rotation = dict.fromkeys(("lambda_arn", "schedule_expression", "duration"))
    rotation |= {"enabled": True, "automatically_after_days": 30, "rotate_immediately": False}
    asked = DocumentWish.from_options({"name": "demo", "rotation": rotation})
    step = plan(asked, document(HAS, OwningService="rds"), rotate=False, purge_tags=True)
    assert list(step.safeguards.changes) == ["rotation"]
    assert not step.known


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        pytest.param(None, Generated(DEFAULT_LENGTH, EXCLUDED_CHARACTERS), id="left out"),
        pytest.param({"length": 40}, Generated(40, EXCLUDED_CHARACTERS), id="length"),
        pytest.param({"length": "40"}, Generated(40, EXCLUDED_CHARACTERS), id="length as text"),
        pytest.param({"exclude_characters": ""}, Generated(DEFAULT_LENGTH, ""), id="no exclusion is a value"),
    ],
)
def test_how_a_value_is_made(option: dict[str, t.Any] | None, expected: Generated) -> None:
    assert Generated.from_option("password", option) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"generated": {"p": {"lenght": 1}}}, "generated.p has no option lenght", id="typo"),
        pytest.param({"generated": {"p": {"length": "long"}}}, "'long', not a number", id="no number"),
        pytest.param({"values": {"p": 1}, "generated": {"p": {}}}, "gets p twice", id="plain and made"),
        pytest.param({"values": {"p": 1}, "secret_values": {"p": 2}}, "gets p twice", id="plain and secret"),
    ],
)
def test_mistakes_in_a_task(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(SecretError, match=words):
        wish(**options)


def test_characters_that_rds_or_a_connection_string_cannot_take_are_excluded() -> None:
    assert set("/@\"'\\ ,%:?#&+=") == set(EXCLUDED_CHARACTERS)
