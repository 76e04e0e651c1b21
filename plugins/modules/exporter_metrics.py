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
  - Scrapes an exporter, by URL or through the Kubernetes API, and judges what it exposes against a profile
    and against expectations of the task. It scrapes at least twice, because a single page may come from a
    cache or from an exporter that hangs.
  - A profile is data (a YAML file), and what the task says extends it. The collection brings some.
  - The page is parsed strictly (text format 0.0.4 or OpenMetrics 1.0). A cut, endless, slow or binary answer,
    a duplicate series or an inconsistent histogram is a failure with its line number.
  - Whatever the profile is, no counter may fall without a restart or be negative, no label may carry a
    credential, and the page has to keep O(limits). Series that come or go are a warning. Two scrapes with a
    restart between them do not count, and an exporter that is older than the one before is another one.
  - It only reads. It may write a report, O(junit).
options:
  profile:
    description:
      - What an exporter has to say. The name of a built-in profile (V(postgres_exporter), V(sample_app) or
        V(yace)), the path of a YAML file on the controller (searched for as other files are, in C(files/) of
        the role and of the playbook), or the profile itself, a mapping.
      - What a profile consists of, and how one extends another, is in C(docs/profiles.md) of the collection.
      - Without it, only O(expect) and what holds for every exporter is checked.
    type: raw
  variables:
    description:
      - Values of the variables that O(profile) declares.
      - Those of V(postgres_exporter) are V(database) (required), V(postgres_major), V(exporter_version),
        V(aurora), V(collectors), V(collectors_enabled), V(collectors_disabled), V(role),
        V(max_connections) and V(probe).
      - Those of V(sample_app) are V(version) and V(max_pool_size), those of V(yace) V(db_cluster) and
        V(instances).
    type: dict
    default: {}
  expect:
    description:
      - Further expectations. One with the O(expect[].id) of an expectation of O(profile) changes only what it
        names, all others are added after those.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: What the check is called in results. Left out, its series.
        type: str
      kind:
        description:
          - What is judged. V(series) are those called O(expect[].name), V(difference) is the sum of
            O(expect[].of) without the sum of O(expect[].minus).
          - V(collectors), V(other_collectors) and V(families) judge those that O(profile) speaks of.
          - Left out, V(series).
        type: str
        choices: [series, difference, collectors, other_collectors, families]
      name:
        description: Name of the series. Required for these.
        type: str
      type:
        description: Type of their family.
        type: str
        choices: [counter, gauge, histogram, summary, untyped]
      labels:
        description:
          - Labels of the series. A value that begins with V(~) is a regular expression for the whole label
            value.
        type: dict
      required_labels:
        description: Labels that each of the series has to have.
        type: list
        elements: str
      forbidden_labels:
        description: Labels that none of the series may have.
        type: list
        elements: str
      min_series:
        description: Least number of such series. With V(0), none is fine. Left out, 1.
        type: int
      max_series:
        description: Greatest number of such series.
        type: int
      value:
        description: Bound of their values, or of the difference.
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
        description: For how many of the series O(expect[].value) has to hold. Left out, V(all).
        type: str
        choices: [all, any, none]
      nan:
        description: Whether a gauge may be NaN. Left out, it may not.
        type: bool
      fresh:
        description:
          - How the series have to differ from the scrape before. With V(grows) their sum is higher, with
            V(changes) one of them is another. A restart is fine, and then the scrape after it has to show it.
        type: str
        choices: [grows, changes]
      of:
        description: Name of the series that are summed up.
        type: str
      minus:
        description: Name of the series whose sum is taken away.
        type: str
      when:
        description:
          - Conditions, all of which have to hold, or else the expectation is left out. Keys are versions and
            variables of O(profile).
        type: dict
      each:
        description: Name of a variable, a list. The check is made once for each of its values, C(${each}).
        type: str
      severity:
        description: What a failure is. With V(ignore), the check is not made. Left out, V(fail).
        type: str
        choices: [fail, warn, ignore]
      stops:
        description: Whether a failure makes all that follows pointless, so that it is skipped.
        type: bool
      hint:
        description: What to do when it fails.
        type: str
  limits:
    description: How much the exporter may say. V(0) is without limit. What is left out is as in O(profile).
    type: dict
    default: {}
    suboptions:
      samples:
        description: Samples of the page. Left out, 20000.
        type: int
      samples_per_family:
        description: Samples of a family. Left out, 5000.
        type: int
      label_value_length:
        description: Characters of the value of a label. Left out, 256.
        type: int
      values_per_label:
        description: Different values of one label of a family. Left out, 2000.
        type: int
  unsteady:
    description: Beginnings of names of series that may come, go and start anew, beside those of O(profile).
    type: list
    elements: str
    default: []
  secrets:
    description: Values that no label may contain, for example the password of the exporter.
    type: list
    elements: str
    default: []
  junit:
    description:
      - Path of a file, on the target, that gets the checks as JUnit XML, one test case for each. Its
        directory has to be there. It is written whatever the outcome is, and not in check mode.
    type: path
  timeout:
    description: Seconds until all checks have to pass, at most a day. It has to leave time for two scrapes.
    type: int
    default: 60
  interval:
    description: Seconds between two scrapes, from V(0.001) to a day.
    type: float
    default: 2
  stable_for:
    description: How many scrapes in a row have to pass, each compared with the one before. At least V(1).
    type: int
    default: 1
  scrape_timeout:
    description: Seconds that one scrape may take, from V(0.001) to a day.
    type: float
    default: 10
  max_size:
    description: Bytes that a page may have. At least V(1).
    type: int
    default: 33554432
extends_documentation_fragment:
  - eks_observability.stack.source.metrics_page
  - kubernetes.core.k8s_auth_options
  - eks_observability.stack.attributes
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0 (for O(service) and O(pod))
notes:
  - O(service) needs the right to C(get) C(services/proxy), and the control plane has to reach the pod.
  - Behind a Service with several pods, each scrape may see another exporter. Ask each of them as O(pod).
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

- name: Ask the pod itself, where a NetworkPolicy keeps the API server out
  eks_observability.stack.exporter_metrics:
    pod:
      namespace: observability
      selector: app.kubernetes.io/name=postgres-exporter
      port: metrics
    profile: postgres_exporter
    variables:
      database: app

- name: Prove it with a profile that extends the built-in one, and show the checks in the CI server
  eks_observability.stack.exporter_metrics:
    url: http://127.0.0.1:9187/metrics
    profile: orders_exporter.yml
    variables:
      database: orders
    secrets: ["{{ exporter_password }}"]
    junit: "{{ playbook_dir }}/reports/exporter.xml"
  delegate_to: localhost

- name: Have the sample application report its connection pool
  eks_observability.stack.exporter_metrics:
    url: https://app.example.org/metrics
    headers:
      Authorization: "Bearer {{ app_token }}"
    profile: sample_app
    expect:
      - id: app_db_queries_total
        fresh: grows
        hint: Nobody uses the application.

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
summary:
  description: All checks in a sentence.
  returned: always
  type: str
  sample: "19 checks: 18 passed, 1 with a warning."
duration:
  description: Seconds that the verification took.
  returned: always
  type: float
  sample: 2.31
junit:
  description: The file that was written, null when none was.
  returned: always
  type: str
  sample: /srv/reports/exporter.xml
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
  description: Version that the exporter reports, if O(profile) knows where. Null when it reports none.
  returned: always
  type: str
  sample: 0.19.1
"""

import functools
import math
import os
import time
import typing as t
from collections.abc import Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.eks_observability.stack.plugins.module_utils._bounds import BOUND
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.credentials import Secrets
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.junit import report
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.loading import load
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import (
    KINDS,
    LIMITS,
    TYPES,
    ProfileError,
    checked,
    merged,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.verify import (
    Verdict,
    Wish,
    verify,
)
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

# Without defaults: what is left out is as in the profile.
EXPECT_SPEC = {
    "id": {"type": "str"},
    "kind": {"type": "str", "choices": list(KINDS)},
    "name": {"type": "str"},
    "type": {"type": "str", "choices": list(TYPES)},
    "labels": {"type": "dict"},
    "required_labels": {"type": "list", "elements": "str"},
    "forbidden_labels": {"type": "list", "elements": "str"},
    "min_series": {"type": "int"},
    "max_series": {"type": "int"},
    "value": BOUND,
    "match": {"type": "str", "choices": ["all", "any", "none"]},
    "nan": {"type": "bool"},
    "fresh": {"type": "str", "choices": ["grows", "changes"]},
    "of": {"type": "str"},
    "minus": {"type": "str"},
    "when": {"type": "dict"},
    "each": {"type": "str"},
    "severity": {"type": "str", "choices": ["fail", "warn", "ignore"]},
    "stops": {"type": "bool"},
    "hint": {"type": "str"},
}
LIMITS_SPEC = {name: {"type": "int"} for name in LIMITS}
ARGUMENT_SPEC = {
    **source_spec("/metrics"),
    "profile": {"type": "raw"},
    "variables": {"type": "dict", "default": {}},
    "expect": {"type": "list", "elements": "dict", "default": [], "options": EXPECT_SPEC},
    "limits": {"type": "dict", "default": {}, "options": LIMITS_SPEC},
    "unsteady": {"type": "list", "elements": "str", "default": []},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
    "junit": {"type": "path"},
    "timeout": {"type": "int", "default": 60},
    "interval": {"type": "float", "default": 2},
    "stable_for": {"type": "int", "default": 1},
    "scrape_timeout": {"type": "float", "default": 10},
    "max_size": {"type": "int", "default": 33554432},
}
DAY = 86400
# From and to which numbers make sense; what is no number at all is in no range.
RANGES: Mapping[str, tuple[float, float]] = {
    "timeout": (0, DAY),
    "interval": (0.001, DAY),
    "stable_for": (1, math.inf),
    "scrape_timeout": (0.001, DAY),
    "max_size": (1, math.inf),
}


class OptionError(Exception):
    """An option cannot be used; the text says why."""


def check_ranges(params: Mapping[str, t.Any]) -> None:
    """Raises OptionError."""
    for name, (least, greatest) in RANGES.items():
        if not least <= params[name] <= greatest:
            most = f" to {greatest:g}" if greatest < math.inf else ""
            raise OptionError(f"{name} is {params[name]:g}, but it has to be a number from {least:g}{most}")


def wish(params: Mapping[str, t.Any]) -> Wish:
    """What the task expects: the profile, extended by the task."""
    given = {} if params["profile"] is None else checked(params["profile"], "profile")
    own = checked({key: params[key] for key in ("expect", "limits", "unsteady")}, "the task")
    profile = load(merged(given, own), params["variables"])
    return Wish(profile, Secrets(params["secrets"]), params["stable_for"])


def check_directory(path: str) -> None:
    """Before the scrapes: a wrong path is not to cost a minute. Raises OptionError."""
    directory = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(directory):
        raise OptionError(f"junit: there is no directory {directory} for the report, make it first")


def write_report(path: str, content: bytes) -> None:
    """Raises OptionError."""
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise OptionError(f"junit: the report cannot be written: {error}") from error


def run(params: Mapping[str, t.Any], junit: str | None) -> tuple[str, Verdict, dict[str, t.Any]]:
    """The name of the source, the verdict, and what the module returns."""
    check_ranges(params)
    if junit:
        check_directory(junit)
    start = time.monotonic()
    wanted = wish(params)
    source, _cluster = open_source(params, Limits(params["max_size"], params["scrape_timeout"]))
    wait = functools.partial(wait_until, timeout=params["timeout"], pause=params["interval"])
    verdict = verify(source, wanted, wait)
    seconds = time.monotonic() - start
    if junit:
        name = wanted.profile.name
        write_report(junit, report(verdict.checks, suite=source.name, profile=name, seconds=seconds))
    return source.name, verdict, {**verdict.result(), "duration": round(seconds, 3), "junit": junit}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SOURCE_RULES)
    try:
        name, verdict, result = run(module.params, None if module.check_mode else module.params["junit"])
    except (FetchError, KubernetesError, OptionError, ProfileError) as error:
        module.fail_json(msg=str(error))
    if verdict.failures:
        lines = [f"{name} does not fulfil:", *map(str, verdict.failures)]
        module.fail_json(msg="\n- ".join(lines), **result)
    for check in verdict.checks:
        if check.status == "warn":
            module.warn(f"{name}: {check}")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
