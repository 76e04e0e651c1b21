#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_password_rotation
short_description: Rotate passwords of database roles, in Secrets Manager and in Aurora
description:
  - Makes a new password for each login, sets it in the database through the Data API, switches the document
    in
    Secrets Manager to it, logs in with it, and sees that the database refuses the old one.
  - As AWS's own rotation functions do it, the new password waits as C(AWSPENDING) until the database has
    it. So a
    run that was interrupted anywhere is finished by the next one, with the same password.
  - Only the key C(password) of a document changes.
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
      - Reads the documents, and says whether a rotation would be taken up.
  diff_mode:
    support: none
    details:
      - All that changes is a password.
  idempotent:
    support: none
    details:
      - Every run rotates.
options:
  cluster_arn:
    description:
      - ARN of the cluster. Its Data API must be on.
    type: str
    required: true
  admin_secret_arn:
    description:
      - Secret of a login that may change the roles' passwords, such as the master user's.
    type: str
    required: true
  database:
    description:
      - Database in which statements run, and into which the logins are tried.
    type: str
    required: true
  secret_ids:
    description:
      - Names or ARNs of the documents, each a JSON object with C(username) and C(password).
    type: list
    elements: str
    required: true
  length:
    description:
      - Length of a new password.
    type: int
    default: 32
  exclude_characters:
    description:
      - Characters that a new password does not have. By default those that RDS or connection strings cannot
        take.
    type: str
  wait_timeout:
    description:
      - Longest time to wait for a database that is waking up, in seconds.
    type: int
    default: 180
notes:
  - To try the old password, which the Data API takes from a secret only, a secret called after the document
    and
    ending in C(-old-password) exists for a moment.
  - Sessions that are open stay open. What connects anew between the change in the database and its reading
    the
    document again is refused. Where that must not be, let two roles take turns.
"""

EXAMPLES = r"""
- name: Rotate the application's password
  eks_observability.stack.aurora_password_rotation:
    cluster_arn: "{{ aurora_result.arn }}"
    admin_secret_arn: "{{ aurora_result.master_user_secret_arn }}"
    database: app
    secret_ids: [orders-postgres-app-credentials]
"""

RETURN = r"""
rotations:
  description: The rotations in the order of the task. No value is part of them.
  returned: success
  type: list
  elements: dict
  contains:
    secret:
      description: Document, as the task names it.
      type: str
    username:
      description: Role in the database.
      type: str
    resumed:
      description: Whether a rotation that did not end was, or would be, taken up.
      type: bool
    version_id:
      description: Version of the document that is current now; V(null) in check mode.
      type: str
    steps:
      description: What was done, and how long it took.
      type: list
      elements: dict
      contains:
        step:
          description: What was done.
          type: str
        seconds:
          description: How long it took, in seconds.
          type: float
  sample:
    - secret: orders-postgres-app-credentials
      username: app
      resumed: false
      version_id: 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9
      steps:
        - {step: "new password in the document, as AWSPENDING", seconds: 0.21}
        - {step: new password in the database, seconds: 0.4}
        - {step: document switched to it, seconds: 0.3}
        - {step: login proven with the document, seconds: 0.2}
        - {step: old password refused by the database, seconds: 0.8}
"""

import dataclasses

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import AwsError, fail
from ansible_collections.eks_observability.stack.plugins.module_utils._database.actions import Database
from ansible_collections.eks_observability.stack.plugins.module_utils._database.api import Connection
from ansible_collections.eks_observability.stack.plugins.module_utils._rotation.actions import Rotated, rotate
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.planning import (
    EXCLUDED_CHARACTERS,
    Generated,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience


def run(module: AnsibleAWSModule) -> list[Rotated]:
    params = module.params
    admin = Connection(
        module.client("rds-data"), params["cluster_arn"], params["admin_secret_arn"], params["database"]
    )
    database = Database(admin, module.client("secretsmanager"), Patience(params["wait_timeout"]))
    excluded = params["exclude_characters"]
    how = Generated(params["length"], EXCLUDED_CHARACTERS if excluded is None else excluded)
    return [rotate(database, name, how, dry_run=module.check_mode) for name in params["secret_ids"]]


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "cluster_arn": {"type": "str", "required": True},
            "admin_secret_arn": {"type": "str", "required": True, "no_log": False},
            "database": {"type": "str", "required": True},
            "secret_ids": {"type": "list", "elements": "str", "required": True, "no_log": False},
            "length": {"type": "int", "default": 32},
            "exclude_characters": {"type": "str"},
            "wait_timeout": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    try:
        rotations = run(module)
    except AwsError as error:
        fail(module, error)
    module.exit_json(changed=bool(rotations), rotations=[dataclasses.asdict(each) for each in rotations])


if __name__ == "__main__":
    main()
