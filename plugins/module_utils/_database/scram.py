# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SCRAM-SHA-256 verifiers (RFC 5802, RFC 7677) as PostgreSQL keeps them: no password travels in SQL."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import stringprep
import unicodedata

ITERATIONS = 4096
SALT_BYTES = 16


def verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """The text that PostgreSQL stores for a password: SCRAM-SHA-256$<iterations>:<salt>$<stored>:<server>."""
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", normalised(password).encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored = _text(hashlib.sha256(client_key).digest())
    server = _text(hmac.digest(salted, b"Server Key", "sha256"))
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${stored}:{server}"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def normalised(password: str) -> str:
    """The password after SASLprep (RFC 4013); as it is where that refuses it, like PostgreSQL and libpq."""
    if password.isascii():
        return password
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in password
        if not stringprep.in_table_b1(char)
    )
    if not mapped or _is_prohibited(mapped):
        return password
    return unicodedata.normalize("NFKC", mapped)


def _is_prohibited(mapped: str) -> bool:
    tables = (
        stringprep.in_table_c12,
        stringprep.in_table_c21_c22,
        stringprep.in_table_c3,
        stringprep.in_table_c4,
        stringprep.in_table_c5,
        stringprep.in_table_c6,
        stringprep.in_table_c7,
        stringprep.in_table_c8,
        stringprep.in_table_c9,
        stringprep.in_table_a1,
    )
    return any(table(char) for char in mapped for table in tables) or not _reads_one_way(mapped)


def _reads_one_way(mapped: str) -> bool:
    """The rule of RFC 3454 section 6 for text that runs from right to left."""
    leftward = [stringprep.in_table_d1(char) for char in mapped]
    if not any(leftward):
        return True
    return leftward[0] and leftward[-1] and not any(stringprep.in_table_d2(char) for char in mapped)
