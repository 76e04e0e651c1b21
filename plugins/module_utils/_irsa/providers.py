# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make IAM trust the tokens of an OIDC issuer, or see what that would do."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from .. import _tags
from .._changes import Changes
from .._eks.api import list_oidc_providers, read_oidc_provider
from .._eks.cluster import provider_of
from . import api

if t.TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient


def ensure_present(
    client: IAMClient,
    url: str,
    client_ids: Sequence[str],
    tags: Mapping[str, str] | None,
    *,
    dry_run: bool,
) -> tuple[Changes, str | None]:
    """Create the provider, or add the client ids that it lacks; returns what differed, and its ARN.

    Other client ids stay: the provider is that of the whole cluster, and others count on it.
    """
    arn = _find(client, url)
    if arn is None:
        changes: Changes = {"url": (None, url), "client_ids": (None, list(client_ids))}
        changes |= {"tags": (None, dict(tags))} if tags else {}
        if not dry_run:
            arn = api.create_provider(client, url, client_ids, tags or {}) or _find(client, url)
        return changes, arn
    changes = plan(read_oidc_provider(client, arn) or {}, client_ids, tags)
    if not dry_run:
        _apply(client, arn, changes)
    return changes, arn


def plan(found: Mapping[str, t.Any], client_ids: Sequence[str], tags: Mapping[str, str] | None) -> Changes:
    """`found` is what GetOpenIDConnectProvider answers. Tags of others stay."""
    changes: Changes = {}
    has = found.get("ClientIDList", [])
    missing = [each for each in client_ids if each not in has]
    if missing:
        changes["client_ids"] = (sorted(has), sorted({*has, *missing}))
    before = _tags.read(found.get("Tags"))
    wanted = _tags.after(before, tags or {}, purge=False)
    if wanted != before:
        changes["tags"] = (before, wanted)
    return changes


def _find(client: IAMClient, url: str) -> str | None:
    return provider_of(url, list_oidc_providers(client))


def _apply(client: IAMClient, arn: str, changes: Changes) -> None:
    if "client_ids" in changes:
        before, wanted = changes["client_ids"]
        for client_id in wanted:
            if client_id not in before:
                api.add_client_id(client, arn, client_id)
    if "tags" in changes:
        before, wanted = changes["tags"]
        api.tag_provider(client, arn, _tags.difference(before, wanted)[0])


def ensure_absent(client: IAMClient, url: str, *, dry_run: bool) -> Changes:
    """Delete the provider. Gone already is fine."""
    arn = _find(client, url)
    if arn is None:
        return {}
    if not dry_run:
        api.delete_provider(client, arn)
    return {"url": (url, None)}
