# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what a module tells while it runs. PRIVATE: it may change at any time."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import typing as t
from collections.abc import Callable, Iterator

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.eks_observability.stack.plugins.module_utils._progress import VARIABLE

display = Display()
END = "\0"


class ProgressAction(ActionBase):  # type: ignore[misc]  # Ansible has no type information
    """Runs the module of the same name, and shows its lines as they come."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        host = (task_vars or {}).get("inventory_hostname", "localhost")
        if self._task.async_val or self._connection.transport != "local":
            result |= self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
            return result
        with shown(lambda line: display.display(f"{host}: {line}")) as pipe:
            before = self._task.environment
            # The module finds the pipe by a variable of its environment: an option would be the user's.
            self._task.environment = [*(before or []), {VARIABLE: pipe}]
            try:
                result |= self._execute_module(task_vars=task_vars)
            finally:
                self._task.environment = before
        return result


@contextlib.contextmanager
def shown(show: Callable[[str], None]) -> Iterator[str]:
    """The path of a pipe; each line that is written to it is shown at once."""
    with tempfile.TemporaryDirectory(prefix="ansible-progress-") as directory:
        path = os.path.join(directory, "pipe")
        os.mkfifo(path, 0o600)
        # Open for both, so that it neither waits for a writer nor ends with one.
        descriptor = os.open(path, os.O_RDWR)
        reader = threading.Thread(target=_read, args=(descriptor, show), daemon=True)
        reader.start()
        try:
            yield path
        finally:
            os.write(descriptor, f"{END}\n".encode())
            reader.join()
            os.close(descriptor)


def _read(descriptor: int, show: Callable[[str], None]) -> None:
    with open(descriptor, encoding="utf-8", errors="replace", closefd=False) as lines:
        for line in lines:
            if line.startswith(END):
                return
            show(line.rstrip("\n"))
