"""Limits, leaks and negative counters."""

from __future__ import annotations

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.hygiene import (
    HIDDEN,
    Limits,
    Secrets,
    no_negative_counter,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.text_format import parse

PAGE = parse(b'a{x="1",y="long value"} 1\na{x="2",y="z"} 1\na{x="3",y="z"} 1\nb 1\n')


@pytest.mark.parametrize(
    ("limits", "observed"),
    [
        pytest.param(Limits(), "4 samples", id="small enough"),
        pytest.param(Limits(samples=3), "4 samples", id="too many samples"),
        pytest.param(Limits(samples_per_family=2), "3 samples of a", id="too many in a family"),
        pytest.param(Limits(values_per_label=2), "3 values of label x of a", id="too many values"),
        pytest.param(Limits(label_value_length=9), "10 characters in label y of a", id="too long a value"),
        pytest.param(Limits(0, 0, 0, 0), "4 samples", id="without limits"),
        pytest.param(Limits(4, 3, 10, 3), "4 samples", id="exactly as much as allowed"),
    ],
)
def test_limits(limits: Limits, observed: str) -> None:
    check = limits.judge(PAGE)
    assert check.observed == observed
    assert (check.status == "pass") == (limits in (Limits(), Limits(0, 0, 0, 0), Limits(4, 3, 10, 3)))


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
        pytest.param("xx hunter2 xx", id="a value of the task"),
    ],
)
def test_a_secret_is_seen_and_hidden(text: str) -> None:
    secrets = Secrets(("hunter2", ""))
    assert secrets.within(text)
    assert not secrets.within(secrets.hide(text))
    assert HIDDEN in secrets.hide(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("https://example.org/a@b", id="an address"),
        pytest.param("arn:aws:rds:eu-central-1:111122223333:db:orders-1", id="an ARN"),
        pytest.param("SELECT * FROM users WHERE password = $1", id="a statement with parameters"),
        pytest.param("invalid_password", id="the word alone"),
        pytest.param("host=db user=app password=******** sslmode=require", id="a hidden password"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_secret(text: str) -> None:
    assert not Secrets(("hunter2", "")).within(text)


def test_negative_counters() -> None:
    page = parse(b"# TYPE a counter\na -1\n# TYPE b gauge\nb -1\n# TYPE c counter\nc 0\n")
    assert (no_negative_counter(page).status, no_negative_counter(page).observed) == ("fail", "a")
