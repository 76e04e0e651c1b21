# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of a secret as a rotation sees them: plain data in, plain data out.

As AWS's own rotation functions do it, the new password waits in the version AWSPENDING until the database has
it. So a rotation that was interrupted is seen, and goes on with the same password.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from .._secrets.api import CURRENT, PENDING, SecretError
from .._secrets.planning import parse_document


@dataclasses.dataclass(frozen=True)
class Login:
    """What logs in, and the rest of its document."""

    version_id: str
    document: Mapping[str, t.Any] = dataclasses.field(repr=False)

    @property
    def username(self) -> str:
        return str(self.document["username"])

    @property
    def password(self) -> str:
        return str(self.document["password"])

    def with_password(self, password: str) -> dict[str, t.Any]:
        """The document that takes the place of this one."""
        return {**self.document, "password": password}


def login_of(name: str, read: Mapping[str, t.Any] | None) -> Login:
    """The login in a version of a secret. Raises SecretError where there is none."""
    document = parse_document(name, read)
    missing = [key for key in ("username", "password") if not document.get(key)]
    if read is None or missing:
        raise SecretError(
            f"Could not rotate secret {name}: it has no {' and no '.join(missing) or 'value'}."
            " Write it first, for instance with playbooks/secrets.yml"
        )
    return Login(read["VersionId"], document)


def pending_version(described: Mapping[str, t.Any]) -> str | None:
    """The version in which a rotation that did not end has left its password."""
    stages: Mapping[str, list[str]] = described.get("VersionIdsToStages") or {}
    versions = [each for each, labels in stages.items() if PENDING in labels and CURRENT not in labels]
    return versions[0] if versions else None


def refuse_owned(name: str, described: Mapping[str, t.Any] | None) -> Mapping[str, t.Any]:
    """The description of a secret that we may rotate. Raises SecretError for any other."""
    if described is None:
        raise SecretError(f"Could not rotate secret {name}: it does not exist in this region")
    if "DeletedDate" in described:
        raise SecretError(f"Could not rotate secret {name}: it is scheduled for deletion. Restore it first")
    if described.get("OwningService"):
        raise SecretError(
            f"Could not rotate secret {name}: it belongs to {described['OwningService']}, which rotates it by"
            " itself. For the master of a cluster use aurora_cluster with rotate_master_user_password"
        )
    return described
