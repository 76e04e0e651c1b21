#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: external_secret_sync
short_description: Wait until external secrets are in sync, and say why when they are not
version_added: 0.1.0
description:
  - Waits until the External Secrets Operator has synced the B(current) generation of each external secret and
    its Secret carries every wanted key with a value. C(Ready=True) alone proves neither, it may be left from
    an older spec.
  - When the time is over, the module names the cause and the remedy for each external secret that is behind.
    It reads conditions and events, and checks store, service account, role annotation, templates and the
    owner of the Secret itself, as events are lost easily. What only a lost event could tell, it says to be
    unknown, unless it may look in AWS, too (O(look_in_aws)).
  - Any external secret will do, of whichever store, and with C(data), C(dataFrom) or generators. What is said
    of roles, trust and documents is for AWS Secrets Manager.
  - A cluster that serves C(external-secrets.io) in older versions only is refused at once, with the way out.
  - It only reads, unless a refresh is asked for (O(refresh)). Values of Secrets and of documents are never
    kept, compared or returned.
options:
  namespace:
    description: Namespace of the external secrets.
    type: str
    required: true
  external_secrets:
    description: External secrets to wait for.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the external secret.
        type: str
        required: true
      keys:
        description: Keys that its Secret has to carry with a value.
        type: list
        elements: str
        default: []
      not_before:
        description:
          - Time before which what it has read is too old, as ISO 8601 with a time zone, such as
            C(current_since) of M(eks_observability.stack.secretsmanager_document).
          - An external secret that was last synced before is not in sync. Both times are taken to the second,
            and the clocks of AWS and of the cluster for the same.
        type: str
  timeout:
    description: Seconds to wait at most. V(0) looks once.
    type: int
    default: 120
  refresh:
    description:
      - Which external secrets are synced anew first, whatever their interval, and waited for until they are.
        V(if_needed) are those that were last synced before their O(external_secrets[].not_before), and those
        whose last sync failed, which External Secrets tries again ever more rarely.
      - The module then sets the annotation C(force-sync) to the time, which is a change; with V(always) it is
        one with every run. In check mode it says so, and sets nothing.
      - Where a sync failed, a store that is not ready is annotated before, so that it is looked at again.
      - What is synced once for all (C(refreshPolicy) C(CreatedOnce), or an interval of 0) is not synced anew
        by this either, and the module says so.
    type: str
    choices: [never, if_needed, always]
    default: never
  look_in_aws:
    description:
      - Whether the cause is looked for in AWS as well, when Kubernetes says that a sync failed.
      - The module then reads the trust policy of the service account's role where the store is not ready,
        and else the secrets that the external secret names. It says which condition refuses the account, and
        which secret or key is missing. Secrets are looked for where the store is of Secrets Manager.
      - What is of another account than the credentials is not looked at, as names mean something else there.
      - It uses the credentials of its environment, such as E(AWS_PROFILE), and the region of the store. What
        these credentials may not read is named, and is no failure of its own.
    type: bool
    default: false
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - eks_observability.stack.attributes
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
  - boto3 >= 1.34.0 and botocore >= 1.34.0, for O(look_in_aws)
notes:
  - For O(refresh), it needs the right to C(patch) external secrets; that to C(patch) stores helps.
  - Needs the right to C(get) external secrets and Secrets in O(namespace).
  - To find causes, it needs the right to C(get) stores and service accounts and to C(list) events in
    O(namespace); for a ClusterSecretStore the right to C(get) it, the namespace, and the service account
    where that is, and to C(list) events in the namespace C(default); and the right to C(get) the path
    C(/.well-known/openid-configuration), which shows the issuer that a trust policy has to name. Without one
    of them it knows less, and says so.
  - For O(look_in_aws), the credentials need C(iam:GetRole), C(iam:ListOpenIDConnectProviders),
    C(secretsmanager:DescribeSecret) and C(secretsmanager:GetSecretValue).
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - There is nothing to show, because nothing is changed.
  idempotent:
    support: full
    details:
      - With O(refresh=always) every run asks for a refresh.
author:
  - The eks_observability.stack developers (@eks-observability)
"""

EXAMPLES = r"""
- name: Wait for the credentials of the exporter
  eks_observability.stack.external_secret_sync:
    namespace: observability
    external_secrets:
      - name: aurora-credentials
        keys: [username, password, DATA_SOURCE_URI]
    timeout: 90
  register: __credentials

- name: Find out why the credentials of the exporter do not come
  eks_observability.stack.external_secret_sync:
    namespace: observability
    external_secrets:
      - name: aurora-credentials
    timeout: 0
    look_in_aws: true

- name: Bring a password that was just rotated into the cluster
  eks_observability.stack.external_secret_sync:
    namespace: observability
    external_secrets:
      - name: aurora-credentials
        keys: [username, password, DATA_SOURCE_URI]
    refresh: always

- name: Bring what has changed in the document into the cluster, unless it is there
  eks_observability.stack.external_secret_sync:
    namespace: observability
    external_secrets:
      - name: aurora-credentials
        not_before: "{{ __documents.documents[0].current_since }}"
    refresh: if_needed

- name: Restart the exporter when its credentials change
  ansible.builtin.debug:
    msg: "checksum/credentials: {{ __credentials.external_secrets[0].data_hash }}"
"""

RETURN = r"""
external_secrets:
  description: Each external secret as it was seen last. Also returned on failure.
  returned: always
  type: list
  elements: dict
  sample:
    - name: aurora-credentials
      synced: true
      secret: aurora-credentials
      store: aurora-secret-store
      refresh_time: "2026-11-23T10:00:00Z"
      data_hash: 6a2f41a3c54f
      present_keys: [DATA_SOURCE_URI, password, username]
      condition: "Ready=True SecretSynced: secret synced"
  contains:
    name:
      description: Name of the external secret.
      type: str
    synced:
      description: Whether it is in sync with its current spec and carries all wanted keys.
      type: bool
    secret:
      description: Name of its Secret.
      type: str
    store:
      description: Name of its store.
      type: str
    refresh_time:
      description: Time of the last sync.
      type: str
    data_hash:
      description: Hash of the Secret's data, as the operator writes it. It changes when a value changes.
      type: str
    present_keys:
      description: Keys of the Secret that have a value.
      type: list
      elements: str
    condition:
      description: The condition C(Ready) in words.
      type: str
causes:
  description: Cause and remedy for each external secret that is not in sync.
  returned: failure
  type: list
  elements: dict
  sample:
    - what: ServiceAccount observability/aurora-access has no annotation eks.amazonaws.com/role-arn
      remedy: Annotate it with the ARN of the IAM role that may read the secret
      seen: >-
        ExternalSecret observability/aurora-credentials Ready=False SecretSyncedError: could not get secret
        data from provider; SecretStore aurora-secret-store Ready=False InvalidProviderConfig: unable to
        create client
  contains:
    what:
      description: What is wrong.
      type: str
    remedy:
      description: What to do about it.
      type: str
    seen:
      description: The last conditions of the external secret and of its store, in words.
      type: str
"""

import dataclasses
import functools
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import Wanted
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.refreshing import (
    refresh,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.sync import (
    ApiNotServedError,
    LookInAws,
    sync,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    connect,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import growing, wait_until
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def _aws(module: AnsibleModule) -> LookInAws:
    """What looks in AWS; imported only where it is asked for, as it takes half a second."""
    try:
        import boto3
        from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets import in_aws
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        module.fail_json(msg=f"look_in_aws needs the Python packages boto3 and botocore: {error}")
    try:
        session = boto3.session.Session()
    except BotoCoreError as error:
        module.fail_json(msg=f"look_in_aws cannot use the credentials of its environment: {error}")
    # The types of clients are known by the names of services, and which one is wanted is not.
    make: t.Any = session.client

    def client(service: str, region: str) -> t.Any:
        try:
            return make(service, region_name=region or None)
        except BotoCoreError as error:
            raise in_aws.LookError(message=f"Failed to reach {service}", exception=error) from error

    return functools.partial(in_aws.look, client)


ARGUMENTS = {
    "namespace": {"type": "str", "required": True},
    "external_secrets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "not_before": {"type": "str"},
        },
    },
    "timeout": {"type": "int", "default": 120},
    "refresh": {"type": "str", "choices": ["never", "if_needed", "always"], "default": "never"},
    "look_in_aws": {"type": "bool", "default": False},
    **AUTH_ARG_SPEC,
}
#: How long a store that is looked at again may take.
LOOK_AGAIN_SECONDS = 15


def _waiting(timeout: float) -> t.Callable[[t.Callable[[], tuple[bool, t.Any]]], t.Any]:
    return lambda probe: wait_until(probe, timeout=timeout, pause=growing(0.25, 4))


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    try:
        wanted = [Wanted.from_options(one) for one in params["external_secrets"]]
    except ValueError as error:
        module.fail_json(msg=str(error))
    refreshed = False
    try:
        cluster = connect(params)
        for index, one in enumerate(wanted if params["refresh"] != "never" else []):
            wanted[index], anew = refresh(
                cluster,
                params["namespace"],
                one,
                _waiting(min(params["timeout"], LOOK_AGAIN_SECONDS)),
                if_needed=params["refresh"] == "if_needed",
                dry_run=module.check_mode,
            )
            refreshed = refreshed or anew
        look_in_aws = _aws(module) if params["look_in_aws"] else None
        sights, causes = sync(cluster, params["namespace"], wanted, _waiting(params["timeout"]), look_in_aws)
    except (KubernetesError, ApiNotServedError) as error:
        module.fail_json(changed=refreshed, msg=str(error), external_secrets=[])
    results = [sight.result() for sight in sights]
    if causes:
        module.fail_json(
            changed=refreshed,
            msg="\n".join([f"Not in sync after {params['timeout']} s:", *map(str, causes)]),
            causes=[dataclasses.asdict(cause) for cause in causes],
            external_secrets=results,
        )
    module.exit_json(changed=refreshed, external_secrets=results)


if __name__ == "__main__":
    main()
