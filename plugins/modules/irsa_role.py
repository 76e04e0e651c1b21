#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: irsa_role
short_description: Manage an IAM role for service accounts, with its policies
description:
  - Creates, changes and deletes an IAM role with its trust policy, its inline and its managed policies in
    one task.
  - An option that the task leaves out is never touched; V({}) and V([]) are values.
  - Policies are compared by their meaning. What changes is named, so that check mode tells of a drift.
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
      - V(present) creates or changes the role, V(absent) deletes it with its inline policies.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - Name of the role.
    type: str
    required: true
  trust_policy:
    description:
      - Who may assume the role. A new role needs it.
      - The filter P(eks_observability.stack.irsa_trust_policy#filter) makes one for service accounts.
    type: dict
  path:
    description:
      - Path of the role. Fixed at creation.
    type: str
  description:
    description:
      - Description of the role.
    type: str
  max_session_duration:
    description:
      - Longest session, in seconds.
    type: int
  permissions_boundary:
    description:
      - ARN of the policy that bounds the role. An empty one takes the boundary away.
    type: str
  inline_policies:
    description:
      - All inline policies of the role, by name. Others are deleted.
    type: dict
  managed_policies:
    description:
      - ARNs of all managed policies of the role. Others are detached.
    type: list
    elements: str
  tags:
    description:
      - Tags of the role.
    type: dict
  purge_tags:
    description:
      - Whether tags that O(tags) does not name are removed. Tags of AWS itself stay.
    type: bool
    default: true
  wait_timeout:
    description:
      - Longest time to wait until IAM shows a new role, in seconds.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Look at the cluster
  eks_observability.stack.eks_cluster_info:
    name: orders
  register: eks

- name: Let one service account read one secret
  eks_observability.stack.irsa_role:
    name: orders-aurora-access-role
    trust_policy: "{{ eks.cluster | eks_observability.stack.irsa_trust_policy('observability',
    ['aurora-access']) }}"
    inline_policies:
      read-database-credentials: "{{ secret_arns |
      eks_observability.stack.secrets_reader_policy('eu-central-1') }}"
    managed_policies: []
"""

RETURN = r"""
changes:
  description: Names of what changed, or would change.
  returned: always
  type: list
  elements: str
  sample: [trust_policy]
arn:
  description: ARN of the role; V(null) while it does not exist.
  returned: with O(state=present)
  type: str
  sample: arn:aws:iam::123456789012:role/orders-aurora-access-role
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils import _tags
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import fail
from ansible_collections.eks_observability.stack.plugins.module_utils._changes import returned
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.api import IamError
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.roles import (
    RoleWish,
    ensure_absent,
    ensure_present,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience

AS_GIVEN = (
    "name",
    "trust_policy",
    "path",
    "description",
    "max_session_duration",
    "permissions_boundary",
    "inline_policies",
    "purge_tags",
)


def run(module: AnsibleAWSModule) -> dict[str, t.Any]:
    params, client = module.params, module.client("iam")
    if params["state"] == "absent":
        return returned(ensure_absent(client, params["name"], dry_run=module.check_mode))
    managed = params["managed_policies"]
    wish = RoleWish(
        **{name: params[name] for name in AS_GIVEN},
        managed_policies=None if managed is None else tuple(managed),
        tags=_tags.wished(params["tags"]),
    )
    patience = Patience(params["wait_timeout"])
    changes, arn = ensure_present(client, wish, patience, dry_run=module.check_mode)
    return {**returned(changes), "arn": arn}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "required": True},
            "trust_policy": {"type": "dict"},
            "path": {"type": "str"},
            "description": {"type": "str"},
            "max_session_duration": {"type": "int"},
            "permissions_boundary": {"type": "str"},
            "inline_policies": {"type": "dict"},
            "managed_policies": {"type": "list", "elements": "str"},
            "tags": {"type": "dict"},
            "purge_tags": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except IamError as error:
        fail(module, error)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
