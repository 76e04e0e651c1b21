#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: exporter_metrics
short_description: Judge the metrics of an exporter
version_added: 0.1.0
description:
  - Scrapes an exporter, by URL or through the Kubernetes API, and judges what it exposes against a built-in
    profile and against expectations of the task. It scrapes at least twice, because a single page may come
    from a cache or from an exporter that hangs.
  - The page is parsed strictly (text format 0.0.4). A cut, endless, slow or binary answer, a duplicate series
    or an inconsistent histogram is a failure with its line number.
  - It only reads.
options:
  profile:
    description: Built-in knowledge of what an exporter has to say. Without it, only O(expect) is checked.
    type: str
    choices: [postgres_exporter]
  variables:
    description:
      - What O(profile) has to know. Required with it.
    type: dict
    suboptions:
      postgres_major:
        description: Major version of the database.
        type: int
        required: true
      database:
        description: A database that the statistics have to contain.
        type: str
        required: true
      collectors:
        description:
          - All collectors that are on. Each has to report success, silence is a failure. Left out, they are
            those that the version of the exporter has on by itself, with O(variables.collectors_enabled) and
            without O(variables.collectors_disabled).
        type: list
        elements: str
      collectors_enabled:
        description: Collectors that a flag C(--collector.<name>) switches on.
        type: list
        elements: str
        default: []
      collectors_disabled:
        description: Collectors that a flag C(--no-collector.<name>) switches off.
        type: list
        elements: str
        default: []
      role:
        description: Role that the exporter logs in as.
        type: str
        default: postgres_exporter
      exporter_version:
        description: Version (or its beginning) that the exporter has to report.
        type: str
      max_connections:
        description: Connection limit that the database has to have.
        type: int
      probe:
        description:
          - Whether the page is one of the path C(/probe). It is made anew for each scrape, and does not tell
            the exporter's version and the scrapes before.
        type: bool
        default: false
  expect:
    description:
      - Further expectations. Kept in a YAML file of their own, they are a profile.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the series.
        type: str
        required: true
      type:
        description: Type of its family.
        type: str
        choices: [counter, gauge, histogram, summary, untyped]
      labels:
        description:
          - Labels of the series. A value that begins with V(~) is a regular expression for the whole label
            value.
        type: dict
        default: {}
      min_series:
        description: Least number of such series. With V(0), none is fine.
        type: int
        default: 1
      max_series:
        description: Greatest number of such series.
        type: int
      value:
        description: Bound of their values.
        type: dict
        suboptions:
          op:
            description: How to compare.
            type: str
            choices: ["==", "!=", "<", "<=", ">", ">="]
            required: true
          number:
            description: What to compare with.
            type: float
            required: true
      match:
        description: For how many of the series O(expect[].value) has to hold.
        type: str
        choices: [all, any, none]
        default: all
      hint:
        description: What to do when it fails.
        type: str
  timeout:
    description: Seconds until all checks have to pass. It has to leave time for two scrapes.
    type: int
    default: 60
  interval:
    description: Seconds between two scrapes.
    type: float
    default: 2
  stable_for:
    description: How many scrapes in a row have to pass, each compared with the one before.
    type: int
    default: 1
  scrape_timeout:
    description: Seconds that one scrape may take.
    type: float
    default: 10
  max_size:
    description: Bytes that a page may have.
    type: int
    default: 33554432
extends_documentation_fragment:
  - eks_observability.stack.source.metrics_page
  - kubernetes.core.k8s_auth_options
  - eks_observability.stack.attributes
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0 (for O(service))
notes:
  - O(service) needs the right to C(get) C(services/proxy), and the control plane has to reach the pod.
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
- name: Prove that the exporter reads the database
  eks_observability.stack.exporter_metrics:
    service:
      namespace: observability
      name: postgres-exporter
      port: metrics
    profile: postgres_exporter
    variables:
      postgres_major: 17
      database: app
      collectors_enabled: [stat_statements, database_wraparound]
      collectors_disabled: [replication, wal]
      max_connections: 823

- name: Have the sample application report its connection pool
  eks_observability.stack.exporter_metrics:
    url: https://app.example.org/metrics
    headers:
      Authorization: "Bearer {{ app_token }}"
    expect: "{{ lookup('ansible.builtin.file', 'profiles/sample_app.yml') | from_yaml }}"

- name: Expect at least one connection in use
  eks_observability.stack.exporter_metrics:
    url: http://127.0.0.1:8080/metrics
    expect:
      - name: app_db_pool_connections
        type: gauge
        labels: {state: in_use}
        value: {op: ">", number: 0}
        hint: Nobody uses the application.
"""

RETURN = r"""
checks:
  description: Each check, in the order in which the data flows.
  returned: always
  type: list
  elements: dict
  sample:
    - {id: pg_up, status: pass, expected: "1", observed: "1", hint: ""}
  contains:
    id:
      description: Name of the check.
      type: str
    status:
      description: V(pass), V(fail), V(warn), or V(skip) when an earlier failure makes it pointless.
      type: str
    expected:
      description: What was expected.
      type: str
    observed:
      description: What was seen.
      type: str
    hint:
      description: What to do.
      type: str
families:
  description: Number of metric families with samples.
  returned: always
  type: int
  sample: 331
samples:
  description: Number of samples.
  returned: always
  type: int
  sample: 646
required_families:
  description: How many families O(profile) requires, and how many of these are there.
  returned: always
  type: dict
  sample: {"required": 52, "present": 52}
pg_up:
  description: Value of C(pg_up), null when there is none.
  returned: always
  type: float
  sample: 1.0
exporter_version:
  description: Version that a postgres_exporter reports, null when it reports none.
  returned: always
  type: str
  sample: 0.19.1
"""

import functools
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.expectation import Expectation
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.postgres import (
    PostgresProfile,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.verify import Wish, verify
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError, Limits
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.source import (
    SOURCE_RULES,
    open_source,
    source_spec,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

VARIABLES_SPEC = {
    "postgres_major": {"type": "int", "required": True},
    "database": {"type": "str", "required": True},
    "collectors": {"type": "list", "elements": "str"},
    "collectors_enabled": {"type": "list", "elements": "str", "default": []},
    "collectors_disabled": {"type": "list", "elements": "str", "default": []},
    "role": {"type": "str", "default": "postgres_exporter"},
    "exporter_version": {"type": "str"},
    "max_connections": {"type": "int"},
    "probe": {"type": "bool", "default": False},
}
EXPECT_SPEC = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["counter", "gauge", "histogram", "summary", "untyped"]},
    "labels": {"type": "dict", "default": {}},
    "min_series": {"type": "int", "default": 1},
    "max_series": {"type": "int"},
    "value": {
        "type": "dict",
        "options": {
            "op": {"type": "str", "choices": ["==", "!=", "<", "<=", ">", ">="], "required": True},
            "number": {"type": "float", "required": True},
        },
    },
    "match": {"type": "str", "choices": ["all", "any", "none"], "default": "all"},
    "hint": {"type": "str"},
}


def wish(params: dict[str, t.Any]) -> Wish:
    """What the task expects."""
    profile = PostgresProfile(**params["variables"]) if params["profile"] else None
    expectations = [Expectation.from_dict(given) for given in params["expect"]]
    return Wish(profile, expectations, params["stable_for"])


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **source_spec("/metrics"),
            "profile": {"type": "str", "choices": ["postgres_exporter"]},
            "variables": {"type": "dict", "options": VARIABLES_SPEC},
            "expect": {"type": "list", "elements": "dict", "default": [], "options": EXPECT_SPEC},
            "timeout": {"type": "int", "default": 60},
            "interval": {"type": "float", "default": 2},
            "stable_for": {"type": "int", "default": 1},
            "scrape_timeout": {"type": "float", "default": 10},
            "max_size": {"type": "int", "default": 33554432},
        },
        required_by={"profile": ["variables"]},
        supports_check_mode=True,
        **SOURCE_RULES,
    )
    params = module.params
    wait = functools.partial(wait_until, timeout=params["timeout"], pause=params["interval"])
    try:
        source, _cluster = open_source(params, Limits(params["max_size"], params["scrape_timeout"]))
        verdict = verify(source, wish(params), wait)
    except (FetchError, KubernetesError, ValueError) as error:
        module.fail_json(msg=str(error))
    if verdict.failures:
        lines = [f"{source.name} does not fulfil:", *map(str, verdict.failures)]
        module.fail_json(msg="\n- ".join(lines), **verdict.result())
    for check in verdict.checks:
        if check.status == "warn":
            module.warn(f"{source.name}: {check}")
    module.exit_json(changed=False, **verdict.result())


if __name__ == "__main__":
    main()
