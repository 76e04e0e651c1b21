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
  - Reboots where, and when, that is allowed.
  - Warns of what keeps a cluster awake whose minimum is V(0).
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
  reboot_window:
    description:
      - Members are only rebooted while this window is open. Outside of it they wait for a later run.
      - In UTC, for every day such as V(22:00-04:00), or for once a week such as V(sat:22:00-sun:04:00).
    type: str
  admin_secret_arn:
    description:
      - Secret of a login with which the run looks who is connected, before it sets a minimum of V(0).
      - By default the secret that RDS manages for the master user. It is only asked through the Data API, and
        only while the minimum is still above V(0), because a question would wake a cluster that sleeps.
    type: str
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
    reboot_window: 05:00-07:00

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
postponed:
  description: Members that are to be rebooted, but not before O(reboot_window) opens.
  returned: success
  type: list
  elements: str
  sample: []
kept_awake_by:
  description: What keeps a cluster with a minimum of V(0) from pausing. Each is a warning, too.
  returned: success
  type: list
  elements: str
  sample: ["RDS Proxy orders holds connections to it: take the cluster out of the proxy"]
"""

import dataclasses

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.awake import Sleeper
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.errors import AuroraError
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.rescaling import (
    Reboots,
    Rescaled,
    rescale,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.scaling import ScalingWish
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.waiting import Watch
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.window import Window
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import fail
from ansible_collections.eks_observability.stack.plugins.module_utils._database.api import Connection
from ansible_collections.eks_observability.stack.plugins.module_utils._progress import teller
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience


def kept_awake(module: AnsibleAWSModule, watch: Watch, outcome: Rescaled) -> list[str]:
    """What keeps the cluster from pausing, with a warning for each, and for what could not be seen."""
    if outcome.after.min_capacity > 0:
        return []
    was_awake = outcome.before is None or outcome.before.min_capacity > 0
    database = connection(module, outcome) if was_awake else None
    found, unseen = Sleeper(watch, outcome.observed, database).keepers()
    for each in found:
        module.warn(f"Cluster {watch.cluster_id} may pause, but {each}.")
    for each in unseen:
        module.warn(f"Could not see all that may keep cluster {watch.cluster_id} awake. {each}")
    return found


def connection(module: AnsibleAWSModule, outcome: Rescaled) -> Connection | None:
    """The way to the database; None where there is none."""
    cluster = outcome.observed.cluster
    managed = (cluster.get("MasterUserSecret") or {}).get("SecretArn")
    secret, database = module.params["admin_secret_arn"] or managed, cluster.get("DatabaseName")
    if not (secret and database and cluster.get("HttpEndpointEnabled") and outcome.observed.members):
        return None
    return Connection(module.client("rds-data"), outcome.observed.arn, secret, database)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "cluster_id": {"type": "str", "required": True},
            "min_capacity": {"type": "float"},
            "max_capacity": {"type": "float"},
            "seconds_until_auto_pause": {"type": "int"},
            "reboot": {"type": "str", "choices": ["never", "if_pending", "always"], "default": "never"},
            "reboot_window": {"type": "str"},
            "admin_secret_arn": {"type": "str", "no_log": False},
            "wait_timeout": {"type": "int", "default": 900},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        window = Window.parse(params["reboot_window"]) if params["reboot_window"] else None
        patience = Patience(params["wait_timeout"])
        watch = Watch(module.client("rds"), params["cluster_id"].lower(), patience, teller())
        reboots = Reboots(params["reboot"], window)
        outcome = rescale(watch, ScalingWish.from_options(params), reboots, dry_run=module.check_mode)
    except AuroraError as error:
        fail(module, error)
    if outcome.postponed:
        module.warn(
            f"{', '.join(outcome.postponed)} of cluster {watch.cluster_id} wait for a reboot in the window"
            f" {params['reboot_window']} (UTC). Run again then."
        )
    before = dataclasses.asdict(outcome.before) if outcome.before else None
    after = dataclasses.asdict(outcome.after)
    module.exit_json(
        changed=outcome.changed,
        scaling_before=before,
        scaling=after,
        max_connections=outcome.after.max_connections,
        pending_reboot=outcome.pending_reboot,
        rebooted=list(outcome.rebooted),
        postponed=list(outcome.postponed),
        kept_awake_by=kept_awake(module, watch, outcome),
        diff={"before": before or {}, "after": after},
    )


if __name__ == "__main__":
    main()
