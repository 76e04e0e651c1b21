#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: exporter_deployment_check
short_description: Say what is wrong with the Deployment of a postgres_exporter
version_added: 0.1.0
description:
  - Looks at a Deployment, its pods, and the Secrets and ConfigMaps that they use, and names what keeps the
    exporter from reading the database that it should. Metrics show such a fault late or not at all.
  - A pod that was started with credentials which its Secret no longer has is named, although it may still
    report C(pg_up 1) over its old connection. The pod's annotation C(checksum/credentials) is compared with
    the annotation C(reconcile.external-secrets.io/data-hash) of the Secret.
  - ConfigMaps that the pods mount have to exist, and each file in them with certificates, or with a name that
    ends in C(.pem) or C(.crt), needs one that is valid. Others that have expired or cannot be read, and those
    that end within 30 days, are warned of.
  - It only reads. Of a Secret, only host, port and database of C(DATA_SOURCE_URI) are looked at.
options:
  namespace:
    description: Namespace of the Deployments.
    type: str
    required: true
  deployments:
    description: Deployments to look at.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the Deployment.
        type: str
        required: true
      host:
        description: Host that C(DATA_SOURCE_URI) has to name. Any, when it is not set.
        type: str
      port:
        description: Port that C(DATA_SOURCE_URI) has to name. Any, when it is not set.
        type: int
      database:
        description: Database that C(DATA_SOURCE_URI) has to name. Any, when it is not set.
        type: str
      arguments:
        description: All arguments of the exporter, in any order. Any, when they are not set.
        type: list
        elements: str
  timeout:
    description: Seconds to wait for a rollout or a restart to end. V(0) looks once.
    type: int
    default: 0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - eks_observability.stack.attributes
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
  - cryptography >= 42.0.0, where a ConfigMap has certificates
notes:
  - Needs the right to C(get) Deployments, Secrets and ConfigMaps, and to C(list) pods, in O(namespace).
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - There is nothing to show, because nothing is changed.
  idempotent:
    support: full
seealso:
  - module: eks_observability.stack.exporter_metrics
  - module: eks_observability.stack.prometheus_evidence
author:
  - The eks_observability.stack developers (@eks-observability)
"""

EXAMPLES = r"""
- name: Know that the exporter runs with the credentials of today and reads the right database
  eks_observability.stack.exporter_deployment_check:
    namespace: observability
    deployments:
      - name: postgres-exporter
        host: demo.cluster-abc.eu-central-1.rds.amazonaws.com
        port: 5432
        database: app
"""

RETURN = r"""
deployments:
  description: Each Deployment as it was seen last. Also returned on failure.
  returned: always
  type: list
  elements: dict
  sample:
    - name: postgres-exporter
      healthy: false
      problems:
        - what: ca.pem of ConfigMap observability/postgres-exporter-ca has no valid CA certificate
          remedy: Run playbooks/postgres_exporter.yml with a bundle of today (postgres_exporter_ca_file)
      warnings: []
  contains:
    name:
      description: Name of the Deployment.
      type: str
    healthy:
      description: Whether nothing is wrong with it.
      type: bool
    problems:
      description: What is wrong and what to do, the likeliest cause of the rest first.
      type: list
      elements: dict
    warnings:
      description: What is going to be wrong.
      type: list
      elements: str
"""

import functools

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment import certificates
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment.check import check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment.model import Wanted
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    connect,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import growing, wait_until
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "namespace": {"type": "str", "required": True},
            "deployments": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "host": {"type": "str"},
                    "port": {"type": "int"},
                    "database": {"type": "str"},
                    "arguments": {"type": "list", "elements": "str"},
                },
            },
            "timeout": {"type": "int", "default": 0},
            **AUTH_ARG_SPEC,
        },
        supports_check_mode=True,
    )
    params = module.params
    wanted = [Wanted(**one) for one in params["deployments"]]
    wait = functools.partial(wait_until, timeout=params["timeout"], pause=growing(0.25, 4))
    try:
        sights = check(connect(params), params["namespace"], wanted, wait)
    except (KubernetesError, certificates.LibraryError) as error:
        module.fail_json(msg=str(error), deployments=[])
    for warning in [warning for sight in sights for warning in sight.warnings]:
        module.warn(warning)
    results = [sight.result() for sight in sights]
    problems = [str(finding) for sight in sights for finding in sight.findings]
    if problems:
        module.fail_json(msg="\n".join(problems), deployments=results)
    module.exit_json(changed=False, deployments=results)


if __name__ == "__main__":
    main()
