#!/usr/bin/python
# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_evidence
short_description: Prove through Prometheus that targets, series, rules and dashboards have data
version_added: 0.1.0
description:
  - Asks Prometheus whether the targets of ServiceMonitors are up and were scraped within the last two
    intervals, whether series are as they should be, whether rules are loaded, healthy and have
    input, and whether every panel of dashboards has data, and waits until all of it is so.
  - An alert on a series that nobody exposes can never fire. So each selector of each rule has to find
    something. What stands in C(absent()) or behind C(unless) may be missing; of the operands of C(or), one is
    enough; a recorded series is proven by its own rule.
  - When the time is over, each gap is returned with its cause. For a ServiceMonitor or PrometheusRule that
    was never selected, the module asks the cluster which label or namespace is at fault; for a target that
    was dropped, which selector, port name or relabeling; for one that does not answer, whether a
    NetworkPolicy keeps Prometheus out.
  - It only reads.
options:
  targets:
    description: ServiceMonitors whose targets have to be up.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace:
        description: Namespace of the ServiceMonitor.
        type: str
        required: true
      service_monitor:
        description: Name of the ServiceMonitor.
        type: str
        required: true
      min_up:
        description: How many of its targets have to be up.
        type: int
        default: 1
  series:
    description: Expressions that have to find series.
    type: list
    elements: dict
    default: []
    suboptions:
      expr:
        description: An expression in PromQL.
        type: str
        required: true
      min_series:
        description: How many series it has to find.
        type: int
        default: 1
      value:
        description: What has to hold for the value of each of them.
        type: dict
        suboptions:
          op:
            description: How the value has to compare with the number.
            type: str
            choices: ["==", "!=", "<", "<=", ">", ">="]
            required: true
          number:
            description: The number.
            type: float
            required: true
      max_age:
        description:
          - Seconds that the samples may be old.
          - O(series[].expr) has to be a selector then, and anything else is refused. What is calculated is
            always of the time of the question, however old its input is.
        type: float
      hint:
        description: What to do where it is not so; it ends the sentence about these series.
        type: str
  rules:
    description: Rules that have to be loaded and healthy and to have input.
    type: list
    elements: dict
    default: []
    suboptions:
      groups:
        description: Groups of rules, as in C(spec.groups) of a PrometheusRule.
        type: list
        elements: dict
        required: true
      namespace:
        description: Namespace of the PrometheusRule. With O(rules[].name), a missing label can be named.
        type: str
      name:
        description: Name of the PrometheusRule.
        type: str
  dashboards:
    description:
      - Models of Grafana dashboards. Each expression of each panel has to have a value that is a number,
        unless the panel carries C("expect")=V(may_be_empty).
    type: list
    elements: dict
    default: []
  variables:
    description:
      - Values of the variables in O(dashboards), for example C(__rate_interval) or C(namespace). A list
        stands for several values at once. Built-in intervals have defaults; any other variable that is not
        given is V(.+), which fits a C(=~) matcher.
    type: dict
    default: {}
  timeout:
    description: Seconds until everything has to be proven.
    type: int
    default: 120
  interval:
    description: Seconds between two looks.
    type: float
    default: 2
  query_timeout:
    description: Seconds that one request may take.
    type: float
    default: 15
extends_documentation_fragment:
  - eks_observability.stack.source.prometheus
  - kubernetes.core.k8s_auth_options
  - eks_observability.stack.attributes
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0 (for O(service) and for the explanations)
notes:
  - O(service) needs the right to C(get) C(services/proxy). The explanations need C(get) on ServiceMonitors,
    PrometheusRules, namespaces and pods and C(list) on Prometheus objects, Services, NetworkPolicies and
    pods; without it they are less exact.
  - With O(url), the cluster is asked for explanations only when O(kubeconfig), O(context) or O(host) names
    it.
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
- name: Prove that the exporter is scraped
  eks_observability.stack.prometheus_evidence:
    service:
      namespace: monitoring
      name: kube-prometheus-stack-prometheus
      port: http-web
    targets:
      - namespace: observability
        service_monitor: postgres-exporter
    series:
      - expr: pg_up{namespace="observability"}
        value: {op: "==", number: 1}
        max_age: 60
        hint: Look at the log of the exporter.

- name: Prove that no alert and no panel is dead
  eks_observability.stack.prometheus_evidence:
    url: https://prometheus.example.org
    rules:
      - namespace: observability
        name: aurora-postgres-rules
        groups: "{{ rules.spec.groups }}"
    dashboards:
      - "{{ lookup('ansible.builtin.file', 'dashboards/overview.json') | from_json }}"
    variables:
      namespace: observability
      __rate_interval: 2m
"""

RETURN = r"""
targets:
  description: The targets of each ServiceMonitor.
  returned: always
  type: list
  elements: dict
  sample:
    - namespace: observability
      service_monitor: postgres-exporter
      min_up: 1
      up: 1
      targets: [{"url": "http://10.0.3.7:9187/metrics", "health": "up", "last_error": ""}]
series:
  description: What each expression of O(series) has found.
  returned: always
  type: list
  elements: dict
  sample:
    - expr: pg_up{namespace="observability"}
      proven: true
      series: 1
      problem: ""
rules:
  description: How many rules are there, and what is wrong with which of them.
  returned: always
  type: dict
  sample: {"expected": 2, "loaded": 2, "healthy": 2, "unhealthy": [], "without_input": []}
  contains:
    expected:
      description: Number of rules in O(rules).
      type: int
    loaded:
      description: How many of them Prometheus has loaded.
      type: int
    healthy:
      description: How many of them it has evaluated without an error.
      type: int
    unhealthy:
      description: The others, with group, rule and problem.
      type: list
      elements: dict
    without_input:
      description: Rules that can never have a result, with group, rule and the selectors that find nothing.
      type: list
      elements: dict
panels:
  description: How many panels there are, and which of them have no data.
  returned: always
  type: dict
  sample: {"total": 12, "with_data": 11, "may_be_empty": 1, "empty": []}
  contains:
    total:
      description: Number of panels with an expression.
      type: int
    with_data:
      description: How many of them have data in each expression.
      type: int
    may_be_empty:
      description: How many of the others are allowed to be empty.
      type: int
    empty:
      description: Expressions without data, each with dashboard, panel, ref_id, expr and reason.
      type: list
      elements: dict
problems:
  description: What is not proven, one sentence each.
  returned: failure
  type: list
  elements: str
"""

import functools
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.eks_observability.stack.plugins.module_utils._bounds import BOUND
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError, Limits
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    KubernetesError,
    Reader,
    connect,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.source import (
    OF_URL,
    SOURCE_RULES,
    open_source,
    source_spec,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.api import Prometheus
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.dashboards import panels
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.evidence import (
    Evidence,
    Wish,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.proof import prove
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.rules import WantedRules
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.series import (
    WantedSeries,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._prometheus.targets import WantedTarget
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import wait_until

SERIES: dict[str, t.Any] = {
    "expr": {"type": "str", "required": True},
    "min_series": {"type": "int", "default": 1},
    "value": BOUND,
    "max_age": {"type": "float"},
    "hint": {"type": "str"},
}


def wish(params: dict[str, t.Any]) -> Wish:
    """What the task wants to see proven."""
    return Wish(
        [WantedTarget(**wanted) for wanted in params["targets"]],
        [WantedRules(**wanted) for wanted in params["rules"]],
        [panel for model in params["dashboards"] for panel in panels(model, params["variables"])],
        [WantedSeries(**wanted) for wanted in params["series"]],
    )


def named_cluster(params: dict[str, t.Any]) -> Reader | None:
    """The cluster that the task names beside a URL; a default one may be any cluster."""
    if not any(
        params[name] or os.environ.get(f"K8S_AUTH_{name.upper()}")
        for name in ("kubeconfig", "context", "host")
    ):
        return None
    try:
        return connect({**params, **dict.fromkeys(OF_URL)})
    except KubernetesError:
        return None


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **source_spec(""),
            "targets": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "namespace": {"type": "str", "required": True},
                    "service_monitor": {"type": "str", "required": True},
                    "min_up": {"type": "int", "default": 1},
                },
            },
            "series": {"type": "list", "elements": "dict", "default": [], "options": SERIES},
            "rules": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "groups": {"type": "list", "elements": "dict", "required": True},
                    "namespace": {"type": "str"},
                    "name": {"type": "str"},
                },
            },
            "dashboards": {"type": "list", "elements": "dict", "default": []},
            "variables": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 120},
            "interval": {"type": "float", "default": 2},
            "query_timeout": {"type": "float", "default": 15},
        },
        supports_check_mode=True,
        **SOURCE_RULES,
    )
    params = module.params
    wait = functools.partial(wait_until, timeout=params["timeout"], pause=params["interval"])
    try:
        source, cluster = open_source(params, Limits(seconds=params["query_timeout"]))
        evidence = Evidence(Prometheus(source), wish(params))
    except (FetchError, KubernetesError, ValueError) as error:
        module.fail_json(msg=str(error))
    report = prove(evidence, lambda: cluster or named_cluster(params), wait)
    if report.problems:
        lines = [f"{source.name} does not prove:", *report.problems]
        module.fail_json(msg="\n- ".join(lines), problems=list(report.problems), **report.result)
    module.exit_json(changed=False, **report.result)


if __name__ == "__main__":
    main()
