#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secretsmanager_document
short_description: Keep JSON documents in AWS Secrets Manager
description:
  - Creates, changes, restores and deletes secrets whose value is a JSON object, several in one call.
  - Documents are compared as data. Keys that the task names are set, other keys stay.
  - A generated value that exists stays, so a password survives every run until O(rotate=true).
  - A secret that is scheduled for deletion is restored.
  - Rotation and resource policy are only touched where the task names them.
  - No value is ever returned or shown.
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
      - The value of a secret that is scheduled for deletion cannot be read.
      - So its RV(documents[].changed_keys) are empty then.
  diff_mode:
    support: full
    details:
      - Shows the names of keys and which of them get a new value, never a value.
  idempotent:
    support: full
    details:
      - With O(rotate=true) every run makes new values.
options:
  state:
    description:
      - V(present) creates or changes the documents, V(absent) deletes them.
    type: str
    choices: [present, absent]
    default: present
  documents:
    description:
      - The documents.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the secret.
        type: str
        required: true
      values:
        description:
          - Keys with values that are no secret.
        type: dict
      secret_values:
        description:
          - Keys with values that are secret.
        type: dict
      generated:
        description:
          - Keys whose values are made by Secrets Manager when they are missing.
          - Each may have the keys C(length), by default V(32), and C(exclude_characters).
          - By default, characters that RDS or connection strings cannot take are excluded.
        type: dict
      description:
        description:
          - Description of the secret. Left out, it stays.
        type: str
      kms_key_id:
        description:
          - KMS key of the secret. Left out, it stays. An alias is only looked at when the secret is created.
        type: str
      tags:
        description:
          - Tags of the secret. Left out, they stay.
        type: dict
      rotation:
        description:
          - When, and by which function, AWS rotates the secret. Left out, it stays.
          - Of a secret that belongs to RDS this is all that can be changed, and it needs no function.
        type: dict
        suboptions:
          enabled:
            description:
              - Whether AWS rotates the secret.
            type: bool
            default: true
          lambda_arn:
            description:
              - ARN of the function that rotates. Left out, it stays.
            type: str
          automatically_after_days:
            description:
              - Days between two rotations.
            type: int
          schedule_expression:
            description:
              - Schedule in the place of O(documents[].rotation.automatically_after_days), such as
                V(cron(0 3 ? * SUN *)) or V(rate(30 days)).
            type: str
          duration:
            description:
              - Length of the window in which AWS rotates, such as V(3h).
            type: str
          rotate_immediately:
            description:
              - Whether a changed rotation begins with one at once.
            type: bool
            default: false
      resource_policy:
        description:
          - Policy of the secret, which AWS refuses where it would let in the public. Left out, it stays.
          - An empty one takes it away.
        type: dict
  purge_tags:
    description:
      - Whether tags that a document's C(tags) does not name are removed. Tags of AWS itself stay.
    type: bool
    default: true
  rotate:
    description:
      - Whether every generated value is made anew.
    type: bool
    default: false
  recovery_window_in_days:
    description:
      - Days for which a deleted secret can be restored, V(7) to V(30). V(0) deletes it for good.
    type: int
    default: 30
  wait_timeout:
    description:
      - Longest time to wait for a name that AWS refuses while its secret is being deleted, in seconds.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Have credentials for the application
  eks_observability.stack.secretsmanager_document:
    documents:
      - name: orders-app-credentials
        description: Login of the application
        values:
          engine: postgres
          host: orders.cluster-abc.eu-central-1.rds.amazonaws.com
          port: 5432
          dbname: app
          username: app
        generated:
          password: {length: 40}
        tags: {project: orders}

- name: Make a new password
  eks_observability.stack.secretsmanager_document:
    rotate: true
    documents:
      - name: orders-app-credentials
        generated:
          password: {length: 40}

- name: Delete the credentials, with a week to think it over
  eks_observability.stack.secretsmanager_document:
    state: absent
    recovery_window_in_days: 7
    documents:
      - name: orders-app-credentials
"""

RETURN = r"""
documents:
  description: The documents in the order of the task. No value is part of it.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the secret.
      type: str
    arn:
      description: ARN of the secret; V(null) while it does not exist.
      type: str
    version_id:
      description: Current version of the value; V(null) while it does not exist.
      type: str
    current_since:
      description:
        - When the value became, or would become, the current one, in UTC, to the second.
        - AWS tells when its version was made, and when a rotation by AWS ended. It is the later one.
        - It is V(null) while the secret does not exist.
      type: str
    changed_keys:
      description: Names of the keys that got, or would get, a new value.
      type: list
      elements: str
    created:
      description: Whether the secret was, or would be, created.
      type: bool
    restored:
      description: Whether the secret was, or would be, restored from its scheduled deletion.
      type: bool
  sample:
    - name: orders-app-credentials
      arn: arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-app-credentials-AbCdEf
      version_id: 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9
      current_since: "2026-11-23T10:00:00Z"
      changed_keys: [password]
      created: false
      restored: false
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import fail
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.actions import (
    Outcome,
    Way,
    ensure_absent,
    ensure_present,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.api import SecretError
from ansible_collections.eks_observability.stack.plugins.module_utils._secrets.planning import DocumentWish
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import Patience

DOCUMENT = {
    "name": {"type": "str", "required": True},
    "values": {"type": "dict"},
    "secret_values": {"type": "dict", "no_log": True},
    "generated": {"type": "dict"},
    "description": {"type": "str"},
    "kms_key_id": {"type": "str"},
    "tags": {"type": "dict"},
    "rotation": {
        "type": "dict",
        "options": {
            "enabled": {"type": "bool", "default": True},
            "lambda_arn": {"type": "str"},
            "automatically_after_days": {"type": "int"},
            "schedule_expression": {"type": "str"},
            "duration": {"type": "str"},
            "rotate_immediately": {"type": "bool", "default": False},
        },
        "mutually_exclusive": [("automatically_after_days", "schedule_expression")],
    },
    "resource_policy": {"type": "dict"},
}


def run(module: AnsibleAWSModule) -> list[Outcome]:
    params, client = module.params, module.client("secretsmanager")
    if params["state"] == "absent":
        days = params["recovery_window_in_days"]
        return [
            ensure_absent(client, each["name"], days, dry_run=module.check_mode)
            for each in params["documents"]
        ]
    way = Way(rotate=params["rotate"], purge_tags=params["purge_tags"], dry_run=module.check_mode)
    patience = Patience(params["wait_timeout"])
    wishes = [DocumentWish.from_options(each) for each in params["documents"]]
    return [ensure_present(client, wish, way, patience) for wish in wishes]


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "documents": {"type": "list", "elements": "dict", "required": True, "options": DOCUMENT},
            "purge_tags": {"type": "bool", "default": True},
            "rotate": {"type": "bool", "default": False},
            "recovery_window_in_days": {"type": "int", "default": 30},
            "wait_timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    try:
        outcomes = run(module)
    except SecretError as error:
        fail(module, error)
    changed = [outcome for outcome in outcomes if outcome.changed]
    module.exit_json(
        changed=bool(changed),
        documents=[outcome.returned() for outcome in outcomes],
        diff={
            "before": {outcome.name: outcome.before for outcome in changed},
            "after": {outcome.name: outcome.after for outcome in changed},
        },
    )


if __name__ == "__main__":
    main()
