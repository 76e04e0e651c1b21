"""Credentials within text, and text without them."""

from __future__ import annotations

import time

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import (
    HIDDEN,
    Secrets,
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("postgresql://app:word@db:5432/app", id="a URL"),
        pytest.param("https://:word@example.org", id="a URL without user"),
        pytest.param("host=db user=app password=word", id="a connection string"),
        pytest.param("password=word host=db", id="a connection string in another order"),
        pytest.param("ALTER ROLE app PASSWORD 'word'", id="a statement"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", id="an access key"),
        pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln", id="a token"),
        pytest.param("-----BEGIN RSA PRIVATE KEY-----", id="a private key"),
        pytest.param("SCRAM-SHA-256$4096:c2FsdA==$a:b", id="a password's hash"),
        pytest.param("postgresql://app:wo@rd@db:5432/app", id="a URL whose password is not encoded"),
        pytest.param("host=db user=app password='it\\'s word'", id="a quoted password"),
        pytest.param("jdbc:postgresql://db/app?user=app&password=word", id="parameters of a URL"),
        pytest.param("ALTER ROLE app PASSWORD 'it''s word'", id="a quote in a statement"),
        pytest.param("ALTER ROLE app PASSWORD 'wo", id="a statement that was cut off"),
        pytest.param("ALTER ROLE app PASSWORD E'wo\\'rd'", id="a statement with escapes"),
        pytest.param("host=db password=*word", id="a password that begins with a star"),
        pytest.param("host=db password=********word", id="a password that begins with eight"),
        pytest.param("host=db password=$1word", id="a password like a parameter"),
        pytest.param("host=db password=''word", id="a password after quotes"),
        pytest.param("host=db password='a'word", id="a password half in quotes"),
        pytest.param("xx hunter2 xx", id="a value of the task"),
    ],
)
def test_a_secret_is_seen_and_hidden(text: str) -> None:
    secrets = Secrets(("hunter2", ""))
    assert secrets.within(text)
    assert not secrets.within(secrets.hide(text))
    assert HIDDEN in secrets.hide(text)
    left = secrets.hide(text).lower().replace("password", "")
    assert "wo" not in left
    assert "rd" not in left


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("https://example.org/a@b", id="an address"),
        pytest.param("arn:aws:rds:eu-central-1:111122223333:db:orders-1", id="an ARN"),
        pytest.param("SELECT * FROM users WHERE password = $1", id="a statement with parameters"),
        pytest.param("invalid_password", id="the word alone"),
        pytest.param("host=db user=app password=******** sslmode=require", id="a hidden password"),
        pytest.param("SELECT 1 FROM a WHERE host=$1 AND password=$2", id="a statement with numbered ones"),
        pytest.param("UPDATE a SET host=$1,password=$2,b=$3::text", id="a statement without blanks"),
        pytest.param("(host=$1 AND password=$2)", id="a statement in brackets"),
        pytest.param("host=db password='' user=app", id="no password"),
        pytest.param("db://?host=a&password=********&user=app", id="a hidden password in a URL"),
        pytest.param("asiapacificsoutheast", id="small letters are no access key"),
        pytest.param("ALTER ROLE app PASSWORD ''", id="an empty password"),
        pytest.param("http://:@example.org", id="a URL with an empty login"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_secret(text: str) -> None:
    assert not Secrets(("hunter2", "")).within(text)


SECRET = "pa\\ss\"w0rd\n'lo ng/é"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SECRET, id="as given"),
        pytest.param("pa\\\\ss\\\"w0rd\\n'lo ng/é", id="in a label"),
        pytest.param(repr(SECRET)[1:-1], id="in a message of Python"),
        pytest.param("pa%5Css%22w0rd%0A%27lo%20ng%2F%C3%A9", id="in a URL"),
        pytest.param("longer than pa", id="with another one within"),
    ],
)
def test_a_known_secret_is_hidden_however_it_is_spelled(text: str) -> None:
    assert Secrets(("pa", SECRET, "longer than pa")).hide(f"x{text}x") == f"x{HIDDEN}x"


@pytest.mark.parametrize(
    "unit",
    [
        "://",
        "://a:",
        "@://a:",
        " ://a:b@",
        "host=a ",
        "host=a password=",
        "host=a password='\\",
        "password '",
        "password ",
        "eyJ-",
        "-eyJaaaaaaaaaaaa.",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KE",
        "SCRAM-SHA-256$1",
        "AKIA",
    ],
)
def test_a_hostile_text_takes_no_longer_than_its_length(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    begin = time.process_time()
    Secrets(("hunter2",)).hide(text)
    assert time.process_time() - begin < 2
