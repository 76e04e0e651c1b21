# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says how a long wait goes while the module runs. PRIVATE: it may change at any time.

A module's output is read when it has ended. So the action plugin of the same name gives the module a pipe,
and shows what comes out of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

VARIABLE = "EKS_OBSERVABILITY_PROGRESS"


def teller() -> Callable[[str], None]:
    """A function that shows a line, each once; it does nothing where nobody looks."""
    pipe = _open(os.environ.get(VARIABLE))
    shown = ""

    def tell(line: str) -> None:
        nonlocal shown
        if pipe is not None and line != shown:
            shown = line
            try:
                os.write(pipe, f"{' '.join(line.split())}\n".encode())
            except OSError:
                return  # Nobody reads any more, which is no reason to stop.

    return tell


def _open(path: str | None) -> int | None:
    if not path:
        return None
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None  # The reader has gone, or this is another machine.
