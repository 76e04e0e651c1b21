# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What formats a metrics page may have, and who reads them. PRIVATE: it may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter import (
    open_metrics,
    text_format,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import (
    Hide,
    without_credentials,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Exposition
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.reading import ParseError

ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5"

# Version and parser of each; an answer that does not say its version has this one.
FORMATS: Mapping[str, tuple[str, Callable[[bytes, Hide], Exposition]]] = {
    "text/plain": ("0.0.4", text_format.parse),
    "application/openmetrics-text": ("1.0.0", open_metrics.parse),
}


def parse(body: bytes, content_type: str, hide: Hide = without_credentials) -> Exposition:
    """A whole page, by the parser of its format. Raises ParseError, with what `hide` leaves of the page."""
    kind, *parameters = (part.strip() for part in content_type.lower().split(";"))
    given = dict(part.split("=", 1) for part in parameters if "=" in part)
    version, parser = FORMATS.get(kind, ("", None))
    if parser is None or given.get("version", version).strip('"') != version:
        wanted = " or ".join(f"{kind}; version={version}" for kind, (version, _parser) in FORMATS.items())
        answered = hide(content_type)[:80] or "no content type"
        raise ParseError(f"the answer is {answered} instead of {wanted}: this is no metrics page")
    return parser(body, hide)
