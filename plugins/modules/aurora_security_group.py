#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_security_group
short_description: Manage the security group of a database
description:
  - Creates, changes and deletes a security group that lets those who are named reach a database on its
    port, and
    lets nothing out. Every other rule is taken away.
  - Everybody is never let in. V(0.0.0.0/0) and V(::/0) are refused.
  - Differs from M(amazon.aws.ec2_security_group) in that it says why AWS refuses something, and goes on
    where an
    answer was lost.
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
      - Name of the group.
    type: str
    required: true
  vpc_id:
    description:
      - VPC of the group. Groups of this name in other VPCs are left alone.
    type: str
    required: true
  description:
    description:
      - Description of a new group. AWS fixes it at creation, so it is not compared.
    type: str
  port:
    description:
      - Port of the database.
    type: int
    default: 5432
  source_group_ids:
    description:
      - Security groups whose members may reach the database.
    type: list
    elements: str
    default: []
  source_cidrs:
    description:
      - Networks that may reach the database, as IPv4 and IPv6 ranges.
    type: list
    elements: str
    default: []
  tags:
    description:
      - Tags of the group. Left out, they stay.
    type: dict
  purge_tags:
    description:
      - Whether tags that O(tags) does not name are removed. Tags of AWS itself stay.
    type: bool
    default: true
  wait_timeout:
    description:
      - Longest time to wait until the interfaces of a deleted cluster are out of the group, in seconds.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Look at the cluster
  eks_observability.stack.eks_cluster_info:
    name: orders
  register: eks

- name: Let the pods of the EKS cluster and the office reach the database
  eks_observability.stack.aurora_security_group:
    name: orders-aurora-postgres
    vpc_id: "{{ eks.cluster.vpc_id }}"
    description: PostgreSQL of orders
    source_group_ids: ["{{ eks.cluster.cluster_security_group_id }}"]
    source_cidrs: [10.20.0.0/16]
"""

RETURN = r"""
changes:
  description: Names of what changed, or would change.
  returned: always
  type: list
  elements: str
  sample: [ingress]
group_id:
  description: Id of the group; V(null) while it does not exist.
  returned: with O(state=present)
  type: str
  sample: sg-0a1b2c3d4e5f60718
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils import _tags
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import fail
from ansible_collections.eks_observability.stack.plugins.module_utils._changes import returned
from ansible_collections.eks_observability.stack.plugins.module_utils._groups.api import GroupError
from ansible_collections.eks_observability.stack.plugins.module_utils._groups.firewall import (
    FirewallWish,
    ensure_absent,
    ensure_present,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience


def run(module: AnsibleAWSModule) -> dict[str, t.Any]:
    params, client = module.params, module.client("ec2")
    name, vpc_id = params["name"], params["vpc_id"]
    if params["state"] == "absent":
        patience = Patience(params["wait_timeout"])
        return returned(ensure_absent(client, name, vpc_id, patience, dry_run=module.check_mode))
    wish = FirewallWish(
        name=name,
        vpc_id=vpc_id,
        description=params["description"],
        port=params["port"],
        group_ids=tuple(params["source_group_ids"]),
        cidrs=tuple(params["source_cidrs"]),
        tags=_tags.wished(params["tags"]),
        purge_tags=params["purge_tags"],
    )
    changes, group_id = ensure_present(client, wish, dry_run=module.check_mode)
    return {**returned(changes), "group_id": group_id}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "required": True},
            "vpc_id": {"type": "str", "required": True},
            "description": {"type": "str"},
            "port": {"type": "int", "default": 5432},
            "source_group_ids": {"type": "list", "elements": "str", "default": []},
            "source_cidrs": {"type": "list", "elements": "str", "default": []},
            "tags": {"type": "dict"},
            "purge_tags": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except GroupError as error:
        fail(module, error)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
