# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the bytecode of what is imported from zips, as __pycache__ does of what is imported from files.

Ansible runs each module from a zip of all that it imports, and Python compiles every file in there anew, even
twice: zipimport.get_filename compiles to learn a file's name. That is a tenth to a fifth of a module's
processor time. tools/install.py puts this into .venv, where it is imported whenever Python starts; the code
that runs is the same with and without it.
"""

from __future__ import annotations

import _imp
import marshal
import os
import sys
import zipimport
from contextlib import suppress
from types import CodeType

FOLDER = os.path.join(sys.prefix, "zip_bytecode")
_compile = zipimport._compile_source  # type: ignore[attr-defined]


def _kept(pathname: str, source: bytes) -> CodeType:
    path = os.path.join(FOLDER, _imp.source_hash(sys.hexversion, source).hex())
    try:
        with open(path, "rb") as file:
            code = marshal.load(file)
        _imp._fix_co_filename(code, pathname)  # type: ignore[attr-defined]
    except (OSError, EOFError, TypeError, ValueError):
        code = _compile(pathname, source)
        _keep(path, code)
    return code  # type: ignore[no-any-return]


def _keep(path: str, code: CodeType) -> None:
    """Whole or not at all; where that cannot be, the next run compiles again."""
    unfinished = f"{path}.{os.getpid()}"
    with suppress(OSError):
        os.makedirs(FOLDER, exist_ok=True)
        with open(unfinished, "wb") as file:
            marshal.dump(code, file)
        os.replace(unfinished, path)


zipimport._compile_source = _kept  # type: ignore[attr-defined]
