# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the certificates of a bundle are valid today. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SOON = timedelta(days=30)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class CertificateError(Exception):
    """Certificates cannot be read; the text is a sentence for the user."""


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


def read(text: str) -> list[Certificate]:
    """All certificates of a PEM text. Raises CertificateError."""
    blocks = _PEM.findall(text)
    if not blocks:
        return []
    try:
        from cryptography import x509
    except ImportError as error:
        raise CertificateError(
            f"Certificates cannot be read without the Python package cryptography: {error}"
        ) from error
    return list(_parsed(x509, blocks))


def _parsed(x509: t.Any, blocks: Sequence[str]) -> Iterator[Certificate]:
    for number, block in enumerate(blocks, 1):
        try:
            found = x509.load_pem_x509_certificate(block.encode())
            yield Certificate(
                found.subject.rfc4514_string(), found.not_valid_before_utc, found.not_valid_after_utc
            )
        except ValueError as error:
            raise CertificateError(f"certificate {number} is none: {error}") from error
