#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_cluster_info
short_description: Read what a database beside an EKS cluster needs to know of it
description:
  - Describes an EKS cluster, its network and its OIDC issuer, or several clusters in one call.
  - Finds the provider in IAM that trusts this issuer.
  - It only reads. A cluster that does not exist is a failure.
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
    support: none
    details:
      - There is nothing to show, because nothing is changed.
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the EKS cluster.
    type: str
    required: true
  more_names:
    description:
      - Names of other EKS clusters in the same region, which RV(clusters) then holds after this one.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Look at the cluster
  eks_observability.stack.eks_cluster_info:
    name: orders
  register: eks

- name: Show who may be trusted
  ansible.builtin.debug:
    var: eks.cluster.oidc_provider_arn
"""

RETURN = r"""
cluster:
  description: The cluster.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the cluster.
      type: str
    arn:
      description: ARN of the cluster.
      type: str
    account:
      description: Account of the cluster.
      type: str
    partition:
      description: Partition of AWS, such as V(aws) or V(aws-cn).
      type: str
    region:
      description: Region of the cluster.
      type: str
    endpoint:
      description: URL of the Kubernetes API.
      type: str
    issuer:
      description: URL of the OIDC issuer of the cluster's tokens.
      type: str
    oidc_provider_arn:
      description: ARN of the provider in IAM for this issuer; V(null) where IAM has none.
      type: str
    oidc_client_ids:
      description: Audiences whose tokens this provider takes.
      type: list
      elements: str
    vpc_id:
      description: VPC of the cluster.
      type: str
    subnet_ids:
      description: Subnets of the cluster.
      type: list
      elements: str
    cluster_security_group_id:
      description: Security group that EKS made for nodes and pods.
      type: str
    version:
      description: Version of Kubernetes.
      type: str
    status:
      description: State of the cluster.
      type: str
  sample:
    name: orders
    arn: arn:aws:eks:eu-central-1:123456789012:cluster/orders
    account: "123456789012"
    partition: aws
    region: eu-central-1
    endpoint: https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com
    issuer: https://oidc.eks.eu-central-1.amazonaws.com/id/0123
    oidc_provider_arn: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123
    oidc_client_ids: [sts.amazonaws.com]
    vpc_id: vpc-0a1b2c3d
    subnet_ids: [subnet-0a1b2c3d, subnet-1b2c3d4e]
    cluster_security_group_id: sg-0a1b2c3d
    version: "1.34"
    status: ACTIVE
clusters:
  description: The cluster of O(name), then those of O(more_names), each as RV(cluster).
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.eks_observability.stack.plugins.module_utils._aws import fail
from ansible_collections.eks_observability.stack.plugins.module_utils._eks.api import EksError
from ansible_collections.eks_observability.stack.plugins.module_utils._eks.cluster import read_clusters


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "more_names": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    names = [module.params["name"], *module.params["more_names"]]
    try:
        clusters = read_clusters(module.client("eks"), module.client("iam"), names)
    except EksError as error:
        fail(module, error)
    module.exit_json(changed=False, cluster=clusters[0], clusters=clusters)


if __name__ == "__main__":
    main()
