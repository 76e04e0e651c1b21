# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a database that is spoken to through the Data API."""

from __future__ import annotations

from .._aws import AwsError


class DatabaseError(AwsError):
    """A call failed, or a role cannot become what was asked for."""
