#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_leftovers
short_description: See what is left in a namespace or of API groups
version_added: 0.1.0
description:
  - Finds the objects of every kind, also of kinds that only this cluster knows, so that nothing of somebody
    else's is deleted together with a namespace or with the definitions of a kind.
  - Left out are what Kubernetes itself puts into each namespace, events and endpoints, and objects that go
    with an owner.
  - It only reads, and of each object only its metadata.
options:
  namespace:
    description: Look in this namespace. Left out, look in the whole cluster.
    type: str
  groups:
    description: Look for objects of these API groups. Left out, look for objects of all.
    type: list
    elements: str
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - eks_observability.stack.attributes
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
notes:
  - Needs the right to C(list) every kind that is looked for. Without it the module fails, because what it
    cannot see may be there.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - There is nothing to show, because nothing is changed.
  idempotent:
    support: full
author:
  - The eks_observability.stack developers (@eks-observability)
"""

EXAMPLES = r"""
- name: See what is left in the namespace
  eks_observability.stack.kubernetes_leftovers:
    namespace: observability
  register: __namespace

- name: Have the namespace gone, if it is empty
  kubernetes.core.k8s:
    api_version: v1
    kind: Namespace
    name: observability
    state: absent
  when: __namespace.leftovers | length == 0

- name: See who still needs External Secrets
  eks_observability.stack.kubernetes_leftovers:
    groups: [external-secrets.io, generators.external-secrets.io]
"""

RETURN = r"""
leftovers:
  description: The objects that are left.
  returned: success
  type: list
  elements: dict
  sample:
    - api_version: apps/v1
      kind: Deployment
      namespace: observability
      name: shop
  contains:
    api_version:
      description: Group and version of the kind.
      type: str
    kind:
      description: Kind of the object.
      type: str
    namespace:
      description: Namespace of the object; V(null) where it is in none.
      type: str
    name:
      description: Name of the object.
      type: str
"""

import dataclasses

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    connect,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.leftovers import (
    find_leftovers,
)
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "namespace": {"type": "str"},
            "groups": {"type": "list", "elements": "str"},
            **AUTH_ARG_SPEC,
        },
        required_one_of=[("namespace", "groups")],
        supports_check_mode=True,
    )
    params = module.params
    try:
        leftovers = find_leftovers(connect(params), params["namespace"], params["groups"])
    except KubernetesError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, leftovers=[dataclasses.asdict(one) for one in leftovers])


if __name__ == "__main__":
    main()
