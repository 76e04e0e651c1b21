# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with an Aurora cluster."""

from __future__ import annotations

from .._aws import AwsError


class AuroraError(AwsError):
    """A call to RDS failed, or a cluster cannot become what was asked for."""
