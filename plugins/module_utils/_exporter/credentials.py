# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials within text, and text without them. PRIVATE: it may change at any time.

A text may be a hostile megabyte. Patterns are possessive (*+, ++), and no attempt reads again what the one
before it has read, so that all take time in proportion to its length.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

HIDDEN = "********"
Hide = Callable[[str], str]

_WORD = re.compile(r"\S++")
_USER_OF_URL = re.compile(r"://[^/\s:@]*+:(?=[^\s@])")
_SETTING_OF_CONNECTION = re.compile(r"\b(?:host|user|dbname|port)=", re.I)
# Not those that are hidden or empty already, nor the numbered parameters of a statement.
_NO_PASSWORD = r"(?:\*{8}|''|\$\d++)(?:[\s&,;)]|::|\Z)"
_PASSWORD_OF_CONNECTION = re.compile(
    rf"\bpassword=(?!{_NO_PASSWORD})(?:'(?:[^'\\]++|\\.)*+'?\S*+|\S++)", re.I | re.S
)
_OTHER = re.compile(
    r"\bpassword\s++(?:e|u&)?'(?:[^'\\]++|\\.|'')++'?"  # a statement, perhaps cut off
    r"|\b(?-i:(?:AKIA|ASIA)[A-Z0-9]{16})\b"  # an access key of AWS
    r"|(?<![\w-])eyJ[\w-]{10,}+\.eyJ[\w-]{10,}+"  # a JSON web token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|SCRAM-SHA-256\$\d++:",  # the hash of a password of PostgreSQL
    re.I | re.S,
)


def without_credentials(text: str) -> str:
    """`text` with stars for all that looks like a password, a token or a key."""
    if "://" in text:
        text = _WORD.sub(_without_login, text)
    if _SETTING_OF_CONNECTION.search(text):
        text = _PASSWORD_OF_CONNECTION.sub(f"password={HIDDEN}", text)
    return _OTHER.sub(HIDDEN, text)


def _without_login(match: re.Match[str]) -> str:
    """A word without user and password of its URL; a password may have an @ where it should be encoded."""
    word = match[0]
    user, end = _USER_OF_URL.search(word), word.rfind("@")
    return f"{word[: user.start()]}://{HIDDEN}{word[end:]}" if user and end > user.end() else word


@dataclass(frozen=True)
class Secrets:
    """Values that no page and no message may contain, beside what looks like a credential."""

    known: Sequence[str] = ()

    def within(self, text: str) -> bool:
        return self.hide(text) != text

    def hide(self, text: str) -> str:
        """`text` without them, as given or escaped. First hide, then cut: a part of a secret is not seen."""
        for spelling in self._spellings:
            text = text.replace(spelling, HIDDEN)
        return without_credentials(text)

    @functools.cached_property
    def _spellings(self) -> list[str]:
        """The longest first: one secret may be a part of another."""
        spellings = {spelling for secret in self.known if secret for spelling in _spelled(secret)}
        return sorted(spellings, key=len, reverse=True)


def _spelled(secret: str) -> tuple[str, ...]:
    """A secret, also as the value of a label, in a message of Python, and in a URL."""
    label = secret.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return secret, label, repr(secret)[1:-1], quote(secret, safe="", errors="replace")
