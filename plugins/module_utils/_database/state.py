# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one query that reads everything a plan needs."""

from __future__ import annotations

from collections.abc import Iterable

from .model import RoleWish
from .sql import literal

# {roles}: names as literals. {asked}: rows of (role, kind, target, privilege).
# "held" counts what a role has by PUBLIC or by membership; "grants" is only what was granted to itself.
STATE = """\
SELECT json_build_object(
  'extensions', (SELECT json_agg(extname) FROM pg_extension),
  'roles', (SELECT coalesce(json_object_agg(r.rolname, json_build_object(
    'login', r.rolcanlogin,
    'connection_limit', r.rolconnlimit,
    'member_of', (SELECT coalesce(json_agg(DISTINCT g.rolname), '[]')
      FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid),
    'settings', (SELECT coalesce(json_agg(c), '[]')
      FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE s.setrole = r.oid AND s.setdatabase = 0),
    'held', (SELECT coalesce(json_agg(json_build_array(a.kind, a.target, a.privilege)), '[]')
      FROM (VALUES {asked}) a (role, kind, target, privilege)
      LEFT JOIN pg_database d ON a.kind = 'DATABASE' AND d.datname = a.target
      LEFT JOIN pg_namespace n ON a.kind = 'SCHEMA' AND n.nspname = a.target
      WHERE a.role = r.rolname AND CASE a.kind
        WHEN 'DATABASE' THEN has_database_privilege(r.oid, d.oid, a.privilege)
        ELSE has_schema_privilege(r.oid, n.oid, a.privilege) END),
    'grants', (SELECT coalesce(json_agg(json_build_array(e.kind, e.target, e.privilege_type)), '[]')
      FROM (SELECT 'DATABASE', datname, x.* FROM pg_database, aclexplode(datacl) x
        UNION ALL SELECT 'SCHEMA', nspname, x.* FROM pg_namespace, aclexplode(nspacl) x)
        e (kind, target, grantor, grantee, privilege_type, is_grantable)
      WHERE e.grantee = r.oid)
  )), '{{}}') FROM pg_roles r WHERE r.rolname IN ({roles}))
)::text"""


def state_query(roles: Iterable[RoleWish]) -> str:
    """SQL whose one value is JSON for model.State."""
    wishes = list(roles)
    rows = [
        f"({literal(wish.name)}, {literal(grant.kind)}, {literal(grant.target)}, {literal(grant.privilege)})"
        for wish in wishes
        for grant in wish.grants
    ]
    return STATE.format(
        roles=", ".join(literal(wish.name) for wish in wishes) or "NULL",
        asked=", ".join(rows) or "(NULL, NULL, NULL, NULL)",
    )
