#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_cluster
short_description: Manage an Aurora PostgreSQL Serverless v2 cluster with its members
description:
  - Creates, changes and deletes an Aurora PostgreSQL cluster whose members are of the class C(db.serverless).
  - Waits until the cluster, every member and a writer are there.
  - A run that was killed is finished by the next one.
  - An option that the task leaves out is never touched; V(0), V(false) and V([]) are values.
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
      - Shows the properties that change. Passwords are never part of it.
  idempotent:
    support: full
    details:
      - With O(update_password=always) or O(rotate_master_user_password=true) every run is a change.
options:
  state:
    description:
      - V(present) creates or changes the cluster, V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  cluster_id:
    description:
      - Name of the cluster. AWS keeps it in lower case.
    type: str
    required: true
  engine_version:
    description:
      - A major version such as V(17), or an exact one such as V(17.5).
      - A new cluster gets the newest version that fits.
      - An existing cluster is left as it is while it fits, and otherwise goes up within its major version.
    type: str
  database_name:
    description:
      - First database in the cluster. Fixed at creation.
    type: str
  master_username:
    description:
      - Name of the master user. Fixed at creation.
    type: str
  manage_master_user_password:
    description:
      - Whether RDS makes the master password, keeps it in Secrets Manager and rotates it.
    type: bool
  master_user_password:
    description:
      - Password of the master user, where RDS does not manage it. It cannot be compared with the one in use.
    type: str
  master_user_secret_id:
    description:
      - Name or ARN of a secret in Secrets Manager that holds the password of the master user, instead of
        O(master_user_password). Its value is a JSON object with the key C(password).
      - So the password is in no variable. M(eks_observability.stack.secretsmanager_document) makes such a
        secret.
    type: str
  rotate_master_user_password:
    description:
      - Whether RDS makes a new password, where it manages it. Each run does so.
    type: bool
    default: false
  update_password:
    description:
      - V(on_create) sends the password of the task to a new cluster, and when RDS stops managing the
        password.
      - V(always) sends it with every run, which then always is a change.
    type: str
    choices: [on_create, always]
    default: on_create
  master_user_secret_kms_key_id:
    description:
      - KMS key of the secret that RDS manages. An alias is only looked at when the cluster is created.
    type: str
  db_subnet_group_name:
    description:
      - Subnet group of the cluster. Fixed at creation.
    type: str
  vpc_security_group_ids:
    description:
      - All security groups of the cluster, in any order.
    type: list
    elements: str
  db_cluster_parameter_group_name:
    description:
      - Cluster parameter group.
    type: str
  scaling:
    description:
      - Range of capacity of each member. What is left out stays as the cluster has it.
    type: dict
    suboptions:
      min_capacity:
        description:
          - Smallest capacity in ACU, in half steps. V(0) lets the cluster pause.
        type: float
      max_capacity:
        description:
          - Largest capacity in ACU, in half steps.
        type: float
      seconds_until_auto_pause:
        description:
          - Idle time before a pause, in seconds. Has a meaning only while the minimum is V(0).
        type: int
  backup_retention_period:
    description:
      - Days for which backups are kept.
    type: int
  preferred_backup_window:
    description:
      - Daily window for backups in UTC, such as V(02:00-03:00).
    type: str
  preferred_maintenance_window:
    description:
      - Weekly window for maintenance in UTC, such as V(sun:03:30-sun:04:30).
    type: str
  deletion_protection:
    description:
      - Whether AWS refuses to delete the cluster.
    type: bool
  storage_encrypted:
    description:
      - Whether the storage is encrypted. Fixed at creation.
    type: bool
  kms_key_id:
    description:
      - KMS key of the storage. Fixed at creation. An alias is only looked at then.
    type: str
  enable_http_endpoint:
    description:
      - Whether the Data API serves this cluster.
    type: bool
  enable_iam_database_authentication:
    description:
      - Whether database users may log in with IAM tokens.
    type: bool
  enabled_cloudwatch_logs_exports:
    description:
      - All kinds of logs that go to CloudWatch Logs.
    type: list
    elements: str
  copy_tags_to_snapshot:
    description:
      - Whether snapshots get the tags of the cluster.
    type: bool
  port:
    description:
      - Port on which the cluster listens.
    type: int
  storage_type:
    description:
      - V(aurora) bills reads and writes, V(aurora-iopt1) has them in the price.
    type: str
    choices: [aurora, aurora-iopt1]
  network_type:
    description:
      - Addresses of the cluster.
    type: str
    choices: [IPV4, DUAL]
  engine_lifecycle_support:
    description:
      - What happens when standard support of the major version ends.
      - V(open-source-rds-extended-support) goes on, at a price, which is what AWS does unless it is told.
      - V(open-source-rds-extended-support-disabled) does not, and the cluster is upgraded.
    type: str
    choices: [open-source-rds-extended-support, open-source-rds-extended-support-disabled]
  auto_minor_version_upgrade:
    description:
      - Whether AWS installs minor versions in the maintenance window.
    type: bool
  database_insights_mode:
    description:
      - Mode of Database Insights. V(advanced) needs O(enable_performance_insights=true) and a
        O(performance_insights_retention_period) of V(465) or more.
    type: str
    choices: [standard, advanced]
  enable_performance_insights:
    description:
      - Whether Performance Insights collects the load of the members.
    type: bool
  performance_insights_retention_period:
    description:
      - Days for which Performance Insights keeps its data.
    type: int
  performance_insights_kms_key_id:
    description:
      - KMS key of that data. An alias is only looked at when Performance Insights is switched on.
    type: str
  monitoring_interval:
    description:
      - Seconds between two values of Enhanced Monitoring, V(0) for none.
    type: int
    choices: [0, 1, 5, 10, 15, 30, 60]
  monitoring_role_arn:
    description:
      - IAM role with which Enhanced Monitoring writes to CloudWatch Logs.
    type: str
  members:
    description:
      - All members of the cluster. In a new cluster the first one becomes the writer.
      - Members that are missing are added one after another.
      - Then members that are not named are deleted, a writer last.
      - Those that stay are made C(db.serverless) and not publicly accessible, where somebody changed that.
    type: list
    elements: dict
    suboptions:
      instance_id:
        description:
          - Name of the member. AWS keeps it in lower case.
        type: str
        required: true
      promotion_tier:
        description:
          - Order of promotion, V(0) to V(15).
          - Members of the tiers V(0) and V(1) scale together with the writer.
        type: int
  ca_certificate_identifier:
    description:
      - Certificate authority of the members' server certificates.
    type: str
  tags:
    description:
      - Tags of the cluster and of its members.
    type: dict
  purge_tags:
    description:
      - Whether tags that O(tags) does not name are removed. Tags of AWS itself stay.
    type: bool
    default: true
  allow_unprotect:
    description:
      - Whether O(state=absent) may lift the deletion protection of the cluster.
    type: bool
    default: false
  skip_final_snapshot:
    description:
      - Whether O(state=absent) deletes the data without a last snapshot.
    type: bool
    default: false
  final_snapshot_id:
    description:
      - Name of the last snapshot. By default the name of the cluster, C(-final-) and the time in UTC.
    type: str
  wait_timeout:
    description:
      - Longest time that the run waits for AWS, in seconds, all waits together.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Have a database that sleeps at night
  eks_observability.stack.aurora_cluster:
    cluster_id: orders-aurora-postgres
    engine_version: "17"
    database_name: app
    master_username: dbadmin
    manage_master_user_password: true
    db_subnet_group_name: orders-private
    vpc_security_group_ids: [sg-0a1b2c3d4e5f60718]
    scaling:
      min_capacity: 0
      max_capacity: 4
      seconds_until_auto_pause: 900
    storage_encrypted: true
    deletion_protection: true
    enable_http_endpoint: true
    members:
      - instance_id: orders-aurora-postgres-1
      - instance_id: orders-aurora-postgres-2
        promotion_tier: 1
    tags:
      project: orders

- name: Send the server's log to CloudWatch, and touch nothing else
  eks_observability.stack.aurora_cluster:
    cluster_id: orders-aurora-postgres
    enabled_cloudwatch_logs_exports: [postgresql]

- name: Delete the database and keep a snapshot of it
  eks_observability.stack.aurora_cluster:
    cluster_id: orders-aurora-postgres
    state: absent
    allow_unprotect: true
"""

RETURN = r"""
cluster:
  description:
    - The cluster as it is now, or would be in check mode.
    - In check mode, V(null) stands for what only AWS can know.
  returned: with O(state=present)
  type: dict
  contains:
    cluster_id:
      description: Name of the cluster.
      type: str
    arn:
      description: ARN of the cluster.
      type: str
    resource_id:
      description: Identifier that IAM policies for database users name.
      type: str
    status:
      description: State of the cluster.
      type: str
    endpoint:
      description: Host of the writer.
      type: str
    reader_endpoint:
      description: Host that answers as one of the readers.
      type: str
    port:
      description: Port of both endpoints.
      type: int
    engine_version:
      description: Exact version of the engine.
      type: str
    database_name:
      description: First database.
      type: str
    master_username:
      description: Name of the master user.
      type: str
    master_user_secret_arn:
      description: Secret of the master user, that of RDS or that of O(master_user_secret_id).
      type: str
    scaling:
      description: Range of capacity, with the keys of the option of this name.
      type: dict
    members:
      description: Members, the writer first.
      type: list
      elements: dict
      contains:
        instance_id:
          description: Name of the member.
          type: str
        status:
          description: State of the member.
          type: str
        is_writer:
          description: Whether this member takes writes.
          type: bool
        promotion_tier:
          description: Order of promotion.
          type: int
        parameter_group_status:
          description: V(pending-reboot) where a static parameter waits for a reboot.
          type: str
        endpoint:
          description: Host of this member.
          type: str
    deletion_protection:
      description: Whether AWS refuses to delete the cluster.
      type: bool
    tags:
      description: Tags of the cluster.
      type: dict
  sample:
    cluster_id: orders-aurora-postgres
    arn: arn:aws:rds:eu-central-1:123456789012:cluster:orders-aurora-postgres
    resource_id: cluster-ABCDEFGHIJKL01234
    status: available
    endpoint: orders-aurora-postgres.cluster-abc.eu-central-1.rds.amazonaws.com
    reader_endpoint: orders-aurora-postgres.cluster-ro-abc.eu-central-1.rds.amazonaws.com
    port: 5432
    engine_version: "17.5"
    database_name: app
    master_username: dbadmin
    master_user_secret_arn: arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!cluster-0123-AbCdEf
    scaling: {min_capacity: 0.0, max_capacity: 4.0, seconds_until_auto_pause: 900}
    members:
      - instance_id: orders-aurora-postgres-1
        status: available
        is_writer: true
        promotion_tier: 1
        parameter_group_status: in-sync
        endpoint: orders-aurora-postgres-1.abc.eu-central-1.rds.amazonaws.com
    deletion_protection: true
    tags: {project: orders}
changes:
  description: Names of the properties that changed, or would change.
  returned: always
  type: list
  elements: str
  sample: [scaling]
final_snapshot_id:
  description: Name of the last snapshot, where one is made.
  returned: with O(state=absent)
  type: str
  sample: orders-aurora-postgres-final-20261122101500
"""

import datetime
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils import _tags
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.actions import ensure_present
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.deletion import (
    DeletionWish,
    ensure_absent,
    snapshot_name,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.errors import AuroraError
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.fields import FIELDS
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.members import MemberWish
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.planning import ClusterWish
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.scaling import ScalingWish
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.waiting import Watch
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import AwsError, fail
from ansible_collections.eks_observability.stack.plugins.module_utils._changes import returned
from ansible_collections.eks_observability.stack.plugins.module_utils._progress import teller
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.api import read_secret
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.planning import parse_document
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience

# Stands for the password in a secret that check mode has only predicted.
UNBORN = "(known once the secret exists)"

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "cluster_id": {"type": "str", "required": True},
    "engine_version": {"type": "str"},
    "database_name": {"type": "str"},
    "master_username": {"type": "str"},
    "manage_master_user_password": {"type": "bool", "no_log": False},
    "master_user_password": {"type": "str", "no_log": True},
    "master_user_secret_id": {"type": "str", "no_log": False},
    "rotate_master_user_password": {"type": "bool", "default": False, "no_log": False},
    "update_password": {
        "type": "str",
        "choices": ["on_create", "always"],
        "default": "on_create",
        "no_log": False,
    },
    "master_user_secret_kms_key_id": {"type": "str", "no_log": False},
    "db_subnet_group_name": {"type": "str"},
    "vpc_security_group_ids": {"type": "list", "elements": "str"},
    "db_cluster_parameter_group_name": {"type": "str"},
    "scaling": {
        "type": "dict",
        "options": {
            "min_capacity": {"type": "float"},
            "max_capacity": {"type": "float"},
            "seconds_until_auto_pause": {"type": "int"},
        },
    },
    "backup_retention_period": {"type": "int"},
    "preferred_backup_window": {"type": "str"},
    "preferred_maintenance_window": {"type": "str"},
    "deletion_protection": {"type": "bool"},
    "storage_encrypted": {"type": "bool"},
    "kms_key_id": {"type": "str"},
    "enable_http_endpoint": {"type": "bool"},
    "enable_iam_database_authentication": {"type": "bool"},
    "enabled_cloudwatch_logs_exports": {"type": "list", "elements": "str"},
    "copy_tags_to_snapshot": {"type": "bool"},
    "port": {"type": "int"},
    "storage_type": {"type": "str", "choices": ["aurora", "aurora-iopt1"]},
    "network_type": {"type": "str", "choices": ["IPV4", "DUAL"]},
    "engine_lifecycle_support": {
        "type": "str",
        "choices": ["open-source-rds-extended-support", "open-source-rds-extended-support-disabled"],
    },
    "auto_minor_version_upgrade": {"type": "bool"},
    "database_insights_mode": {"type": "str", "choices": ["standard", "advanced"]},
    "enable_performance_insights": {"type": "bool"},
    "performance_insights_retention_period": {"type": "int"},
    "performance_insights_kms_key_id": {"type": "str", "no_log": False},
    "monitoring_interval": {"type": "int", "choices": [0, 1, 5, 10, 15, 30, 60]},
    "monitoring_role_arn": {"type": "str"},
    "members": {
        "type": "list",
        "elements": "dict",
        "options": {
            "instance_id": {"type": "str", "required": True},
            "promotion_tier": {"type": "int"},
        },
    },
    "ca_certificate_identifier": {"type": "str"},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": True},
    "allow_unprotect": {"type": "bool", "default": False},
    "skip_final_snapshot": {"type": "bool", "default": False},
    "final_snapshot_id": {"type": "str"},
    "wait_timeout": {"type": "int", "default": 1800},
}


def cluster_wish(params: t.Mapping[str, t.Any], password: str | None) -> ClusterWish:
    """The options of the task that are about the cluster."""
    values = {field.option: params[field.option] for field in FIELDS if params[field.option] is not None}
    if "scaling" in values:
        values["scaling"] = ScalingWish.from_options(values["scaling"])
    members = params["members"]
    return ClusterWish(
        cluster_id=params["cluster_id"].lower(),
        values=values,
        password=password,
        always_send_password=params["update_password"] == "always",
        rotate_managed_password=params["rotate_master_user_password"],
        members=None
        if members is None
        else tuple(MemberWish(each["instance_id"].lower(), each["promotion_tier"]) for each in members),
        ca_certificate_identifier=params["ca_certificate_identifier"],
        tags=_tags.wished(params["tags"]),
        purge_tags=params["purge_tags"],
    )


def master(module: AnsibleAWSModule) -> tuple[str | None, str | None]:
    """Password of the master user, and the ARN of the secret that it is from, as far as the task has them."""
    secret_id, check = module.params["master_user_secret_id"], module.check_mode
    if secret_id is None:
        return module.params["master_user_password"], None
    read = read_secret(module.client("secretsmanager"), secret_id)
    password = parse_document(secret_id, read).get("password")
    if read is None and check:
        return UNBORN, None
    if not password:
        raise AuroraError(
            f"Secret {secret_id} has no password for the master user of {module.params['cluster_id']}:"
            " write a JSON object with the key password to it first"
        )
    return str(password), str(read["ARN"] if read else "")


def present(module: AnsibleAWSModule, watch: Watch) -> dict[str, t.Any]:
    """The result of a run that makes or changes the cluster."""
    password, secret_arn = master(module)
    outcome = ensure_present(watch, cluster_wish(module.params, password), dry_run=module.check_mode)
    cluster = outcome.cluster
    cluster["master_user_secret_arn"] = cluster["master_user_secret_arn"] or secret_arn
    return {**returned(outcome.changes), "cluster": cluster}


def deletion_wish(params: t.Mapping[str, t.Any]) -> DeletionWish:
    """The options of the task that are about deletion."""
    now = datetime.datetime.now(datetime.UTC)
    snapshot = params["final_snapshot_id"] or snapshot_name(params["cluster_id"].lower(), now)
    return DeletionWish(params["allow_unprotect"], None if params["skip_final_snapshot"] else snapshot)


def absent(module: AnsibleAWSModule, watch: Watch) -> dict[str, t.Any]:
    """The result of a run that deletes the cluster."""
    changes, snapshot = ensure_absent(watch, deletion_wish(module.params), dry_run=module.check_mode)
    return {**returned(changes), "final_snapshot_id": snapshot}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=[
            ("skip_final_snapshot", "final_snapshot_id"),
            ("master_user_password", "master_user_secret_id"),
        ],
    )
    cluster_id = module.params["cluster_id"].lower()
    try:
        watch = Watch(module.client("rds"), cluster_id, Patience(module.params["wait_timeout"]), teller())
        work = present if module.params["state"] == "present" else absent
        module.exit_json(**work(module, watch))
    except AwsError as error:
        fail(module, error)


if __name__ == "__main__":
    main()
