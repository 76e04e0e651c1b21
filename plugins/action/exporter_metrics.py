# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module exporter_metrics, whose profile comes from the controller."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import ProfileError
from ansible_collections.eks_observability.stack.plugins.plugin_utils._profiles import load


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type information
    """Reads the profile, with all that it extends, and runs the module with it."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if arguments.get("profile") is not None:
            try:
                arguments["profile"] = load(
                    arguments["profile"], lambda path: self._find_needle("files", path)
                )
            except (ProfileError, AnsibleError) as error:
                raise AnsibleActionFail(f"The profile cannot be used. {error}") from error
        result |= self._execute_module(
            module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val
        )
        return result
