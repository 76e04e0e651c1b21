"""Quoting: the cases that quoting is for."""

from __future__ import annotations

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._database.errors import DatabaseError
from ansible_collections.eks_observability.stack.plugins.module_utils._database.sql import (
    identifier,
    literal,
)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        pytest.param("app", '"app"', id="plain"),
        pytest.param("App user", '"App user"', id="case and space are kept"),
        pytest.param('a"; DROP ROLE dbadmin; --', '"a""; DROP ROLE dbadmin; --"', id="a quote cannot end it"),
        pytest.param("a\\b:c$1", '"a\\b:c$1"', id="nothing else is special"),
        pytest.param("é" * 31, '"' + "é" * 31 + '"', id="62 bytes fit"),
    ],
)
def test_identifier(name: str, quoted: str) -> None:
    assert identifier(name) == quoted


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("", "must not be empty", id="empty"),
        pytest.param("é" * 32, "longer than the 63 bytes", id="PostgreSQL would cut it silently"),
        pytest.param("a\0b", "NUL", id="NUL"),
    ],
)
def test_impossible_identifiers(name: str, words: str) -> None:
    with pytest.raises(DatabaseError, match=words):
        identifier(name)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        pytest.param("10s", "'10s'", id="plain"),
        pytest.param("", "''", id="empty"),
        pytest.param("'; DROP ROLE dbadmin; --", "'''; DROP ROLE dbadmin; --'", id="a quote cannot end it"),
        pytest.param("\\'; --", "E'\\\\''; --'", id="nor can a backslash"),
        pytest.param("$$ :name %s", "'$$ :name %s'", id="nothing else is special"),
    ],
)
def test_literal(text: str, quoted: str) -> None:
    assert literal(text) == quoted


def test_a_literal_cannot_have_a_nul() -> None:
    with pytest.raises(DatabaseError, match="NUL"):
        literal("a\0b")
