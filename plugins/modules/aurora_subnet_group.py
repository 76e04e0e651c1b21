#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_subnet_group
short_description: Manage a DB subnet group
description:
  - Creates, changes and deletes the DB subnet group of an Aurora cluster.
  - An option that the task leaves out is never touched.
  - Differs from M(amazon.aws.rds_subnet_group) in that it names what changes, so that check mode tells of a
    drift.
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
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) creates or changes the group, V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name of the group. AWS keeps it in lower case.
    type: str
    required: true
  description:
    description:
      - Description of the group. A new group needs one.
    type: str
  subnet_ids:
    description:
      - All subnets of the group, in any order, in two availability zones at least. A new group needs them.
    type: list
    elements: str
  tags:
    description:
      - Tags of the group.
    type: dict
  purge_tags:
    description:
      - Whether tags that O(tags) does not name are removed. Tags of AWS itself stay.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Put the database into the private subnets
  eks_observability.stack.aurora_subnet_group:
    name: orders-aurora-postgres
    description: Subnets of the orders database
    subnet_ids: [subnet-0a1b2c3d, subnet-1b2c3d4e]
    tags: {project: orders}
"""

RETURN = r"""
changes:
  description: Names of what changed, or would change.
  returned: always
  type: list
  elements: str
  sample: [subnet_ids]
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils import _tags
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import AwsError, fail
from ansible_collections.eks_observability.stack.plugins.module_utils._changes import Changes, returned
from ansible_collections.eks_observability.stack.plugins.module_utils._groups.subnets import (
    SubnetGroup,
    ensure_absent,
    ensure_present,
)


def run(module: AnsibleAWSModule) -> Changes:
    params, client, name = module.params, module.client("rds"), module.params["name"].lower()
    if params["state"] == "absent":
        return ensure_absent(client, name, dry_run=module.check_mode)
    subnets = params["subnet_ids"]
    wish = SubnetGroup(
        description=params["description"],
        subnet_ids=None if subnets is None else tuple(subnets),
        tags=_tags.wished(params["tags"]),
    )
    return ensure_present(client, name, wish, purge_tags=params["purge_tags"], dry_run=module.check_mode)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "required": True},
            "description": {"type": "str"},
            "subnet_ids": {"type": "list", "elements": "str"},
            "tags": {"type": "dict"},
            "purge_tags": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    try:
        changes = run(module)
    except AwsError as error:
        fail(module, error)
    module.exit_json(**returned(changes))


if __name__ == "__main__":
    main()
