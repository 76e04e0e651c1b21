# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys the templates of an external secret name. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.S)
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|/\*.*?\*/', re.S)
_KEY = re.compile(r"(?<![\w.)$])\.([A-Za-z_]\w*)")
#: Inside of these, the dot may be something else than the document.
_STRUCTURE = re.compile(r"\b(?:range|with|define|template|block)\b")


def keys_named(templates: Iterable[str]) -> set[str]:
    """Keys of the document, of all templates in which they can be told for certain."""
    names: set[str] = set()
    for template in templates:
        actions = [_TEXT.sub(" ", action) for action in _ACTION.findall(template)]
        if not any(_STRUCTURE.search(action) for action in actions):
            names.update(name for action in actions for name in _KEY.findall(action))
    return names
