"""SCRAM-SHA-256 verifiers, against the RFC and against what PostgreSQL's own library makes."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._database.scram import (
    normalised,
    verifier,
)
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq

# RFC 7677, section 3: the password is "pencil".
SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
SERVER_SIGNATURE = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
CLIENT_PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
MESSAGES = (
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)


def keys(text: str) -> tuple[bytes, bytes]:
    stored, server = text.split("$")[2].split(":")
    return base64.b64decode(stored), base64.b64decode(server)


def test_the_server_key_signs_as_in_the_rfc() -> None:
    _stored, server = keys(verifier("pencil", salt=base64.b64decode(SALT)))
    signature = hmac.digest(server, MESSAGES.encode(), "sha256")
    assert base64.b64encode(signature).decode() == SERVER_SIGNATURE


def test_the_stored_key_accepts_the_proof_of_the_rfc() -> None:
    stored, _server = keys(verifier("pencil", salt=base64.b64decode(SALT)))
    signature = hmac.digest(stored, MESSAGES.encode(), "sha256")
    proof = base64.b64decode(CLIENT_PROOF)
    client_key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored


def test_form() -> None:
    text = verifier("pencil", salt=base64.b64decode(SALT))
    assert text.startswith(f"SCRAM-SHA-256$4096:{SALT}$")


def test_every_verifier_has_its_own_salt() -> None:
    assert verifier("pencil") != verifier("pencil")


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        pytest.param("plain \\ 'text'", "plain \\ 'text'", id="ASCII stays"),
        pytest.param("a\u00adb", "ab", id="a soft hyphen is nothing"),
        pytest.param("a\u00a0b\u2009c", "a b c", id="spaces of every kind are spaces"),
        pytest.param("\u2168", "IX", id="compatibility forms are folded"),
        pytest.param("e\u0301", "\u00e9", id="accents are composed"),
        pytest.param("\u0627\u0628", "\u0627\u0628", id="text from right to left stays"),
        pytest.param("\u0627a", "\u0627a", id="mixed directions are prohibited: as it is"),
        pytest.param("\u00e9\u0007", "\u00e9\u0007", id="control characters are prohibited: as it is"),
        pytest.param("\u00ad", "\u00ad", id="nothing left: as it is"),
    ],
)
def test_normalised(password: str, expected: str) -> None:
    assert normalised(password) == expected


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8))
def test_any_password_gives_what_postgresql_makes_of_it(password: str) -> None:
    libpq = pq.PGconn.connect_start(b"host=127.0.0.1 port=1")  # It needs a connection, but never uses it.
    theirs = libpq.encrypt_password(password.encode(), b"role", b"scram-sha-256").decode()
    libpq.finish()
    salt = base64.b64decode(theirs.split("$")[1].split(":")[1])
    assert verifier(password, salt=salt) == theirs
