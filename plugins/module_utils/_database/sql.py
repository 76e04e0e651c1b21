# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a task as SQL: the Data API takes parameters in queries, but PostgreSQL takes none in DDL."""

from __future__ import annotations

from .errors import DatabaseError


def identifier(name: str) -> str:
    """A name as PostgreSQL reads it back unchanged, whatever is in it."""
    if not name:
        raise DatabaseError("a name in the database must not be empty")
    if len(name.encode()) > 63:
        raise DatabaseError(f"the name {name} is longer than the 63 bytes that PostgreSQL keeps of it")
    return '"' + _without_nul(name).replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as PostgreSQL reads it back unchanged, whatever standard_conforming_strings says."""
    quoted = "'" + _without_nul(text).replace("\\", "\\\\").replace("'", "''") + "'"
    return "E" + quoted if "\\" in text else quoted


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise DatabaseError("text in the database must not have a NUL character in it")
    return text
