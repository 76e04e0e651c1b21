#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_serverless_scaling
short_description: Set the capacity range of an Aurora PostgreSQL cluster
description:
  - Sets the range of capacity in ACU, and the pause of an idle cluster, and reads it back until AWS shows it.
  - Says what C(max_connections) becomes, which PostgreSQL takes over only with a reboot.
  - Reboots where that is allowed.
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
    details:
      - With O(reboot=always) every run reboots.
options:
  cluster_id:
    description:
      - Name of the cluster.
    type: str
    required: true
  min_capacity:
    description:
      - Smallest capacity in ACU, in half steps. V(0) lets the cluster pause. Left out, it stays.
    type: float
  max_capacity:
    description:
      - Largest capacity in ACU, in half steps. Left out, it stays.
    type: float
  seconds_until_auto_pause:
    description:
      - Idle time before a pause, in seconds. Left out, it stays.
      - Has a meaning only while the minimum is V(0).
    type: int
  reboot:
    description:
      - Whether members are rebooted, readers before the writer.
      - With V(if_pending), those that wait for a reboot are.
      - A reboot breaks the connections of that member.
    type: str
    choices: [never, if_pending, always]
    default: never
  wait_timeout:
    description:
      - Longest time that the run waits for AWS, in seconds, all waits together.
    type: int
    default: 900
"""

EXAMPLES = r"""
- name: Be ready for the working day
  eks_observability.stack.aurora_serverless_scaling:
    cluster_id: orders-aurora-postgres
    min_capacity: 2
    max_capacity: 16
    reboot: if_pending

- name: Sleep at night
  eks_observability.stack.aurora_serverless_scaling:
    cluster_id: orders-aurora-postgres
    min_capacity: 0
    seconds_until_auto_pause: 600
"""

RETURN = r"""
scaling_before:
  description: The range before the run; V(null) for a cluster that had none.
  returned: success
  type: dict
  sample: {"min_capacity": 0.5, "max_capacity": 4.0, "seconds_until_auto_pause": null}
scaling:
  description: The range that the cluster has now, or would have in check mode.
  returned: success
  type: dict
  sample: {"min_capacity": 0.0, "max_capacity": 4.0, "seconds_until_auto_pause": 600}
max_connections:
  description:
    - What C(max_connections) is by AWS's formula once every member has been rebooted.
    - A value in the cluster's own parameter group goes before it.
  returned: success
  type: int
  sample: 823
pending_reboot:
  description: Whether a member waits for a reboot to take over a static parameter.
  returned: success
  type: bool
  sample: false
rebooted:
  description: Members that were rebooted, or would be in check mode, in this order.
  returned: success
  type: list
  elements: str
  sample: [orders-aurora-postgres-2, orders-aurora-postgres-1]
"""

import dataclasses

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.errors import AuroraError
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.rescaling import rescale
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.scaling import ScalingWish
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.waiting import Watch
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import fail
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "cluster_id": {"type": "str", "required": True},
            "min_capacity": {"type": "float"},
            "max_capacity": {"type": "float"},
            "seconds_until_auto_pause": {"type": "int"},
            "reboot": {"type": "str", "choices": ["never", "if_pending", "always"], "default": "never"},
            "wait_timeout": {"type": "int", "default": 900},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        watch = Watch(module.client("rds"), params["cluster_id"].lower(), Patience(params["wait_timeout"]))
        outcome = rescale(
            watch, ScalingWish.from_options(params), params["reboot"], dry_run=module.check_mode
        )
    except AuroraError as error:
        fail(module, error)
    before = dataclasses.asdict(outcome.before) if outcome.before else None
    after = dataclasses.asdict(outcome.after)
    module.exit_json(
        changed=outcome.changed,
        scaling_before=before,
        scaling=after,
        max_connections=outcome.after.max_connections,
        pending_reboot=outcome.pending_reboot,
        rebooted=list(outcome.rebooted),
        diff={"before": before or {}, "after": after},
    )


if __name__ == "__main__":
    main()
