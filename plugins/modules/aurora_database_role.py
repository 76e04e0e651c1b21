#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_database_role
short_description: Manage roles in an Aurora PostgreSQL database through the Data API
description:
  - Creates, changes and drops roles, with the least rights that the task names.
  - No network path to the database is needed.
  - The password of a role is read from its secret and sent as a SCRAM-SHA-256 verifier only.
  - Whether a role can log in with its secret is tried. Only where the password is wrong it is set.
version_added: 0.1.0
author:
  - The eks_observability.stack developers (@eks-observability)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - eks_observability.stack.attributes
attributes:
  check_mode:
    support: full
    details:
      - Runs nothing but C(SELECT).
  diff_mode:
    support: full
    details:
      - Shows the SQL, with the verifier replaced.
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) creates or changes the roles, V(absent) drops them.
      - A role that owns something is not dropped. Extensions are never dropped.
    type: str
    choices: [present, absent]
    default: present
  cluster_arn:
    description:
      - ARN of the cluster. Its HTTP endpoint must be enabled.
    type: str
    required: true
  admin_secret_arn:
    description:
      - ARN of the secret of the administrator, who runs the SQL.
    type: str
    required: true
  database:
    description:
      - Database in which the SQL is run and the roles log in.
    type: str
    required: true
  roles:
    description:
      - The roles.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the role.
        type: str
        required: true
      secret_arn:
        description:
          - ARN of the secret whose C(username) is the role and whose C(password) it gets.
          - Needed for a role that logs in.
        type: str
      login:
        description:
          - Whether the role may log in.
        type: bool
        default: true
      connection_limit:
        description:
          - Most connections at a time, V(-1) for any number. Left out, it stays.
        type: int
      member_of:
        description:
          - Roles whose rights this one gets.
        type: list
        elements: str
        default: []
      purge_member_of:
        description:
          - Whether memberships that O(roles[].member_of) does not name are revoked.
        type: bool
        default: false
      settings:
        description:
          - Settings of the role's sessions, such as C(statement_timeout). V(null) resets one. Others stay.
        type: dict
      privileges:
        description:
          - Privileges of the role, each on O(roles[].privileges[].database) or
            O(roles[].privileges[].schema). Others stay.
        type: list
        elements: dict
        default: []
        suboptions:
          database:
            description:
              - Name of the database.
            type: str
          schema:
            description:
              - Name of a schema in O(database).
            type: str
          privileges:
            description:
              - V(CONNECT), V(CREATE), V(TEMPORARY) on a database, V(CREATE), V(USAGE) on a schema.
            type: list
            elements: str
            choices: [CONNECT, CREATE, TEMPORARY, USAGE]
            required: true
  extensions:
    description:
      - Extensions that O(database) shall have.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - Longest time to wait for a database that is paused or fails over, in seconds.
    type: int
    default: 180
"""

EXAMPLES = r"""
- name: Have a role that may look, and nothing more
  eks_observability.stack.aurora_database_role:
    cluster_arn: "{{ aurora.cluster.arn }}"
    admin_secret_arn: "{{ aurora.cluster.master_user_secret_arn }}"
    database: app
    extensions: [pg_stat_statements]
    roles:
      - name: postgres_exporter
        secret_arn: "{{ credentials.documents[0].arn }}"
        member_of: [pg_monitor]
        connection_limit: 5
        settings:
          statement_timeout: 10s
          search_path: [public, pg_catalog]
        privileges:
          - database: app
            privileges: [CONNECT]

- name: Let the application make its tables
  eks_observability.stack.aurora_database_role:
    cluster_arn: "{{ aurora.cluster.arn }}"
    admin_secret_arn: "{{ aurora.cluster.master_user_secret_arn }}"
    database: app
    roles:
      - name: app
        secret_arn: "{{ credentials.documents[1].arn }}"
        privileges:
          - schema: public
            privileges: [USAGE, CREATE]
"""

RETURN = r"""
statements:
  description: The SQL that was run, or would be in check mode, with the verifier of a password replaced.
  returned: success
  type: list
  elements: str
  sample: ["ALTER ROLE \"postgres_exporter\" WITH PASSWORD '********'"]
roles:
  description: The roles in the order of the task.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the role.
      type: str
    login:
      description:
        - What the login with the role's own secret showed.
        - V(null) where it was not tried, because the role does not log in or does not exist yet.
      type: str
  sample: [{"name": "postgres_exporter", "login": "works"}]
"""

import typing as t

from ansible.module_utils.common.warnings import warn
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import AwsError, fail
from ansible_collections.eks_observability.stack.plugins.module_utils._database.actions import (
    Database,
    Login,
    Outcome,
    ensure_absent,
    ensure_present,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._database.api import Connection
from ansible_collections.eks_observability.stack.plugins.module_utils._database.model import RoleWish
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience

PRIVILEGES: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "database": {"type": "str"},
        "schema": {"type": "str"},
        "privileges": {
            "type": "list",
            "elements": "str",
            "choices": ["CONNECT", "CREATE", "TEMPORARY", "USAGE"],
            "required": True,
        },
    },
    "required_one_of": [("database", "schema")],
    "mutually_exclusive": [("database", "schema")],
}
ROLES: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "name": {"type": "str", "required": True},
        "secret_arn": {"type": "str", "no_log": False},
        "login": {"type": "bool", "default": True},
        "connection_limit": {"type": "int"},
        "member_of": {"type": "list", "elements": "str", "default": []},
        "purge_member_of": {"type": "bool", "default": False},
        "settings": {"type": "dict"},
        "privileges": PRIVILEGES,
    },
}
ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "cluster_arn": {"type": "str", "required": True},
    "admin_secret_arn": {"type": "str", "required": True, "no_log": False},
    "database": {"type": "str", "required": True},
    "roles": ROLES,
    "extensions": {"type": "list", "elements": "str", "default": []},
    "wait_timeout": {"type": "int", "default": 180},
}


# Check mode meets it where it has only predicted that the Data API is switched on.
ENDPOINT_OFF = "HttpEndpointNotEnabledException"


def run(module: AnsibleAWSModule) -> Outcome:
    params, dry_run = module.params, module.check_mode
    admin = Connection(
        module.client("rds-data"), params["cluster_arn"], params["admin_secret_arn"], params["database"]
    )
    database = Database(admin, module.client("secretsmanager"), Patience(params["wait_timeout"]))
    if params["state"] == "absent":
        wishes = [RoleWish(name=each["name"]) for each in params["roles"]]
        return ensure_absent(database, wishes, dry_run=dry_run)
    wishes = [RoleWish.from_options(each) for each in params["roles"]]
    return ensure_present(database, wishes, params["extensions"], dry_run=dry_run)


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        outcome = run(module)
    except AwsError as error:
        if not (module.check_mode and error.code == ENDPOINT_OFF):
            fail(module, error)
        warn("The Data API is off, so check mode cannot see the roles. It has to be on before a run.")
        outcome = Outcome((), {})
    for name, login in outcome.logins.items():
        if login is Login.TOO_MANY:
            warn(f"The login of role {name} could not be tried: no connection is left for it.")
    module.exit_json(
        changed=bool(outcome.statements),
        statements=list(outcome.statements),
        roles=[
            {"name": name, "login": login.value if login else None} for name, login in outcome.logins.items()
        ],
        diff={"before": "", "after": "".join(f"{statement};\n" for statement in outcome.statements)},
    )


if __name__ == "__main__":
    main()
