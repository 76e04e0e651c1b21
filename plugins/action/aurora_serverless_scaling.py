# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module aurora_serverless_scaling, which shows what it waits for."""

from __future__ import annotations

from ansible_collections.eks_observability.stack.plugins.plugin_utils._progress import ProgressAction


class ActionModule(ProgressAction):
    """Runs the module and shows its progress."""
