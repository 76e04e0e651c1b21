#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: irsa_oidc_provider
short_description: Have IAM trust the tokens of an EKS cluster
description:
  - Creates the OIDC provider of an issuer in IAM, or adds to it the audiences and tags that it lacks.
  - Nothing is ever taken from a provider that is there, because others of the cluster count on it.
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
      - V(present) creates the provider or adds to it, V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  url:
    description:
      - URL of the issuer, as RV(eks_observability.stack.eks_cluster_info#module:cluster.issuer) has it.
    type: str
    required: true
  client_ids:
    description:
      - Audiences whose tokens the provider takes.
    type: list
    elements: str
    default: [sts.amazonaws.com]
  tags:
    description:
      - Tags that the provider has. Others stay.
    type: dict
"""

EXAMPLES = r"""
- name: Look at the cluster
  eks_observability.stack.eks_cluster_info:
    name: orders
  register: eks

- name: Let service accounts of the cluster assume roles
  eks_observability.stack.irsa_oidc_provider:
    url: "{{ eks.cluster.issuer }}"
"""

RETURN = r"""
changes:
  description: Names of what changed, or would change.
  returned: always
  type: list
  elements: str
  sample: [client_ids]
arn:
  description: ARN of the provider; V(null) while it does not exist.
  returned: with O(state=present)
  type: str
  sample: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils import _tags
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import AwsError, fail
from ansible_collections.eks_observability.stack.plugins.module_utils._changes import returned
from ansible_collections.eks_observability.stack.plugins.module_utils._irsa.providers import (
    ensure_absent,
    ensure_present,
)


def run(module: AnsibleAWSModule) -> dict[str, t.Any]:
    params, client = module.params, module.client("iam")
    if params["state"] == "absent":
        return returned(ensure_absent(client, params["url"], dry_run=module.check_mode))
    tags = _tags.wished(params["tags"])
    changes, arn = ensure_present(
        client, params["url"], params["client_ids"], tags, dry_run=module.check_mode
    )
    return {**returned(changes), "arn": arn}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "url": {"type": "str", "required": True},
            "client_ids": {"type": "list", "elements": "str", "default": ["sts.amazonaws.com"]},
            "tags": {"type": "dict"},
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
