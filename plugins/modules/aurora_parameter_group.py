#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_parameter_group
short_description: Manage a cluster parameter group
description:
  - Creates, changes and deletes the cluster parameter group of an Aurora cluster.
  - A parameter that is a list, such as C(shared_preload_libraries), gets the items of the task added; those
    that
    are there stay. Which parameters are lists, and which wait for a reboot, is asked of AWS.
  - A parameter that the task leaves out is never touched.
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
    details:
      - Shows the parameters that change, by name.
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
  family:
    description:
      - Family of the engine, such as V(aurora-postgresql17). Fixed at creation, and a new group needs it.
    type: str
  description:
    description:
      - Description of a new group. AWS fixes it at creation, so it is not compared.
    type: str
  parameters:
    description:
      - Parameters by name. Booleans, numbers and lists are written as AWS takes them.
      - V(null) goes back to the default of the engine.
    type: dict
    default: {}
  tags:
    description:
      - Tags of the group.
    type: dict
  purge_tags:
    description:
      - Whether tags that O(tags) does not name are removed. Tags of AWS itself stay.
    type: bool
    default: true
notes:
  - A static parameter comes into force when the members of the cluster are rebooted, for which
    M(eks_observability.stack.aurora_serverless_scaling) has
    O(eks_observability.stack.aurora_serverless_scaling#module:reboot).
"""

EXAMPLES = r"""
- name: Have statements counted, and reads timed
  eks_observability.stack.aurora_parameter_group:
    name: orders-aurora-postgres
    family: aurora-postgresql17
    description: Parameters of the orders database
    parameters:
      shared_preload_libraries: [pg_stat_statements]
      track_io_timing: true
      log_min_duration_statement: 1000

- name: Take back what was only meant for a day
  eks_observability.stack.aurora_parameter_group:
    name: orders-aurora-postgres
    parameters:
      log_min_duration_statement:
"""

RETURN = r"""
changes:
  description: Names of what changed, or would change.
  returned: always
  type: list
  elements: str
  sample: [shared_preload_libraries]
parameters:
  description: The parameters of the task as the group has them now, or would have; V(null) is the engine's
    default.
  returned: with O(state=present)
  type: dict
  sample: {"shared_preload_libraries": "pg_cron,pg_stat_statements"}
static:
  description: Changed parameters that come into force with a reboot.
  returned: with O(state=present)
  type: list
  elements: str
  sample: [shared_preload_libraries]
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils import _tags
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import AwsError, fail
from ansible_collections.eks_observability.stack.plugins.module_utils._changes import returned
from ansible_collections.eks_observability.stack.plugins.module_utils._groups.parameters import (
    ParameterGroupWish,
    ensure_absent,
    ensure_present,
)


def run(module: AnsibleAWSModule) -> dict[str, t.Any]:
    params, client, name = module.params, module.client("rds"), module.params["name"].lower()
    if params["state"] == "absent":
        return returned(ensure_absent(client, name, dry_run=module.check_mode))
    wish = ParameterGroupWish(
        name=name,
        family=params["family"],
        description=params["description"],
        parameters=params["parameters"],
        tags=_tags.wished(params["tags"]),
        purge_tags=params["purge_tags"],
    )
    outcome = ensure_present(client, wish, dry_run=module.check_mode)
    return {
        **returned(outcome.changes),
        "parameters": outcome.parameters,
        "static": list(outcome.static),
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "required": True},
            "family": {"type": "str"},
            "description": {"type": "str"},
            "parameters": {"type": "dict", "default": {}},
            "tags": {"type": "dict"},
            "purge_tags": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except AwsError as error:
        fail(module, error)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
