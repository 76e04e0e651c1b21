# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the certificates of a bundle are valid today. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

SOON = timedelta(days=30)
SHOWN = 3
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class LibraryError(Exception):
    """This Python cannot read certificates; the text is a sentence for the user."""


@dataclass(frozen=True)
class Certificate:
    """What is of interest of a certificate."""

    subject: str
    begins: datetime
    ends: datetime

    def problem(self, now: datetime) -> str | None:
        """Why it is not to be trusted now."""
        if now > self.ends:
            return f"{self.subject} has expired on {self.ends:%Y-%m-%d}"
        if now < self.begins:
            return f"{self.subject} is not valid before {self.begins:%Y-%m-%d}"
        return None

    def warning(self, now: datetime) -> str | None:
        """Why it is soon not to be trusted."""
        return f"{self.subject} expires on {self.ends:%Y-%m-%d}" if now <= self.ends < now + SOON else None


@dataclass(frozen=True)
class Bundle:
    """The certificates of a text, and what is wrong with those that cannot be read."""

    found: tuple[Certificate, ...]
    broken: tuple[str, ...]

    def problems(self, now: datetime) -> list[str]:
        """Why some of it is not to be trusted now; of many reasons, the first."""
        told = [*self.broken, *(problem for one in self.found if (problem := one.problem(now)))]
        return told if len(told) <= SHOWN else [*told[:SHOWN], f"{len(told) - SHOWN} more are not valid"]

    def warnings(self, now: datetime) -> list[str]:
        return [warning for one in self.found if (warning := one.warning(now))]

    def valid(self, now: datetime) -> bool:
        """Whether one of them can be trusted; clients skip the others."""
        return any(one.problem(now) is None for one in self.found)


def has_certificates(name: str, text: str) -> bool:
    """Whether a file is a bundle, by what is in it or by what it is called."""
    return _BEGIN in text or name.endswith((".pem", ".crt"))


def read(text: str) -> Bundle:
    """All certificates of a PEM text. Raises LibraryError."""
    found, broken = [], []
    for number, block in enumerate(text.split(_BEGIN)[1:], 1):
        inside, end, _after = block.partition(_END)
        read_one = _parsed(f"{_BEGIN}{inside}{_END}\n") if end else "is cut off"
        if isinstance(read_one, Certificate):
            found.append(read_one)
        else:
            broken.append(f"certificate {number} {read_one}")
    return Bundle(tuple(found), tuple(broken))


def _parsed(block: str) -> Certificate | str:
    """The certificate, or what is wrong with it."""
    x509 = _library()
    try:
        found = x509.load_pem_x509_certificate(block.encode())
        return Certificate(
            found.subject.rfc4514_string(), found.not_valid_before_utc, found.not_valid_after_utc
        )
    except (ValueError, x509.InvalidVersion) as error:
        return f"is none: {error}"


def _library() -> t.Any:
    try:
        from cryptography import x509
    except ImportError as error:
        raise LibraryError(
            f"Certificates cannot be read without the Python package cryptography: {error}"
        ) from error
    if not hasattr(x509.Certificate, "not_valid_before_utc"):
        raise LibraryError("Certificates cannot be read with a Python package cryptography older than 42")
    return x509
