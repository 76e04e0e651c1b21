"""Stand-in for prometheus-operator: what its objects ask for becomes files and a pod."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence

import yaml

from lab.standins.api.client import Api
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.events import WARNING, Reporter
from lab.standins.api.kinds import (
    CONFIG_MAP,
    NAMESPACE,
    POD,
    POD_MONITOR,
    PROMETHEUS,
    PROMETHEUS_RULE,
    SECRET,
    SERVICE,
    SERVICE_MONITOR,
    Kind,
)
from lab.standins.api.label_selectors import matches
from lab.standins.api.objects import Key, Object, key_of, labels_of, reference_to
from lab.standins.prometheus_operator import checks
from lab.standins.prometheus_operator.prometheus_pod import CONFIG_FILE, PORT, prometheus_pod
from lab.standins.prometheus_operator.prometheus_status import prometheus_status
from lab.standins.prometheus_operator.promtool import Promtool
from lab.standins.prometheus_operator.scrape_configs import (
    configuration,
    pod_monitor_configs,
    service_monitor_configs,
)

USER = "system:serviceaccount:monitoring:kube-prometheus-stack-operator"
#: Annotation of the pod: by it the operator sees that the pod is not the one wanted any more.
_INPUT_HASH = "prometheus-operator-input-hash"
_REJECTED = "InvalidConfiguration"
_SELECTING = "SelectingConfigurationResources"
_SELECTING_RULES = "SelectingPrometheusRuleResources"
#: ConfigMaps that Prometheus is ready to read rules from. One has room for all that a laboratory has.
_RULE_MAPS = 3
_LOG = logging.getLogger(__name__)


def controllers(api: Api, promtool: Promtool) -> list[Controller]:
    """The operator's loops."""
    operator = _Operator(api, promtool)
    return [Controller("prometheuses", api, operator.watches(), operator.reconcile)]


class _Operator:
    """Keeps Prometheus' configuration in step with the objects that its selectors pick."""

    def __init__(self, api: Api, promtool: Promtool) -> None:
        self._api = api
        self._promtool = promtool
        self._events = Reporter(api, "prometheus-controller")
        self._told: set[tuple[str, str, str]] = set()

    def watches(self) -> list[Watch]:
        selected = (SERVICE_MONITOR, POD_MONITOR, PROMETHEUS_RULE)
        return [
            Watch(PROMETHEUS, relevant=_specified),
            *(Watch(kind, keys=self._all, relevant=_specified) for kind in selected),
            Watch(NAMESPACE, keys=self._all, relevant=_specified),
            Watch(POD, keys=_owner, relevant=_with_conditions),
            *(Watch(kind, keys=_owner, relevant=_specified) for kind in (SECRET, CONFIG_MAP, SERVICE)),
        ]

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        prometheus = self._api.get(PROMETHEUS, name, namespace)
        if prometheus is None or prometheus["metadata"].get("deletionTimestamp"):
            return None
        rules = self._selected(prometheus, PROMETHEUS_RULE, "rule")
        services = self._selected(prometheus, SERVICE_MONITOR, "serviceMonitor")
        pods = self._selected(prometheus, POD_MONITOR, "podMonitor")
        rule_maps = [f"prometheus-{name}-rulefiles-{number}" for number in range(_RULE_MAPS)]
        self._write_rules(prometheus, rules, rule_maps[0])
        scraping = [
            *self._scrape_configs(prometheus, services, service_monitor_configs),
            *self._scrape_configs(prometheus, pods, pod_monitor_configs),
        ]
        text = yaml.dump(
            configuration(prometheus, scraping, rule_maps), Dumper=yaml.CSafeDumper, sort_keys=False
        )
        # The time stamp of a gzip file would make every one differ.
        packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
        self._write(
            prometheus, SECRET, {"metadata": {"name": f"prometheus-{name}"}, "data": {CONFIG_FILE: packed}}
        )
        self._write(prometheus, SERVICE, _governing_service())
        pod = self._run(prometheus, rule_maps)
        selected = len(rules) + len(services) + len(pods)
        self._api.set_status(PROMETHEUS, prometheus, prometheus_status(prometheus, pod, selected))
        return None

    def _write_rules(self, prometheus: Object, rules: Sequence[Object], map_name: str) -> None:
        files = {}
        for rule in rules:
            metadata = rule["metadata"]
            problem = self._promtool.rules(rule["spec"])
            if problem:
                # The real operator, too, keeps the cause to its log.
                _LOG.info("PrometheusRule %s/%s: %s", *key_of(rule), problem)
                self._reject(prometheus, rule, f"PrometheusRule {metadata['name']}", "invalid rule")
            else:
                file = f"{metadata['namespace']}-{metadata['name']}-{metadata['uid']}.yaml"
                files[file] = yaml.dump(rule["spec"], Dumper=yaml.CSafeDumper, sort_keys=False)
        metadata = {"name": map_name, "labels": {"prometheus-name": prometheus["metadata"]["name"]}}
        self._write(prometheus, CONFIG_MAP, {"metadata": metadata, "data": files})

    def _scrape_configs(
        self, prometheus: Object, monitors: Sequence[Object], make: Callable[[Object, Object], list[Object]]
    ) -> list[Object]:
        configs: list[Object] = []
        for monitor in monitors:
            problem = checks.problem(prometheus, monitor, self._promtool)
            if problem:
                self._reject(prometheus, monitor, '"{}/{}"'.format(*key_of(monitor)), problem)
            else:
                configs += make(prometheus, monitor)
        return configs

    def _selected(self, prometheus: Object, kind: Kind, field: str) -> list[Object]:
        """Objects that a selector picks: none without one, all with an empty one."""
        spec, selector, namespaces = prometheus["spec"], f"{field}Selector", f"{field}NamespaceSelector"
        if spec.get(selector) is None:
            return []
        own = prometheus["metadata"]["namespace"]
        wanted = {own}
        if spec.get(namespaces) is not None:
            every = self._api.find(NAMESPACE)
            wanted = {one["metadata"]["name"] for one in every if matches(spec[namespaces], labels_of(one))}
        found = [
            obj
            for obj in self._api.find(kind)
            if obj["metadata"]["namespace"] in wanted and matches(spec[selector], labels_of(obj))
        ]
        return sorted(found, key=key_of)

    def _reject(self, prometheus: Object, obj: Object, what: str, problem: str) -> None:
        # Once for each version of an object: a reconcile comes with every change of anything.
        about = (prometheus["metadata"]["uid"], obj["metadata"]["uid"], obj["metadata"]["resourceVersion"])
        if about not in self._told:
            self._told.add(about)
            text = f"{what} was rejected due to invalid configuration: {problem}"
            action = _SELECTING_RULES if obj["kind"] == PROMETHEUS_RULE.name else _SELECTING
            self._events.report(obj, prometheus, WARNING, _REJECTED, action, text)

    def _write(self, prometheus: Object, kind: Kind, wanted: Object) -> None:
        """Create an object that Prometheus owns, or write it again when it differs."""
        namespace = prometheus["metadata"]["namespace"]
        labels = {
            "app.kubernetes.io/managed-by": "prometheus-operator",
            **(wanted["metadata"].get("labels") or {}),
        }
        metadata = {**wanted["metadata"], "namespace": namespace, "labels": labels}
        body = {"apiVersion": kind.api, "kind": kind.name, **wanted, "metadata": metadata}
        metadata["ownerReferences"] = [reference_to(prometheus)]
        current = self._api.get(kind, metadata["name"], namespace)
        if current is None:
            self._api.create(kind, body)
        elif any((current.get(part) or {}) != wanted[part] for part in wanted.keys() & {"data"}):
            self._api.replace(kind, {**current, "data": wanted["data"]})

    def _run(self, prometheus: Object, rule_maps: list[str]) -> Object | None:
        """The pod as it is, after a new one or its end has been asked for where that is due."""
        pod = prometheus_pod(prometheus, rule_maps)
        digest = hashlib.sha256(json.dumps(pod["spec"], sort_keys=True).encode()).hexdigest()
        pod["metadata"]["annotations"][_INPUT_HASH] = digest
        namespace, name = key_of(pod)
        current = self._api.get(POD, name, namespace)
        if current is None:
            return self._api.create(POD, pod)
        if not current["metadata"].get("deletionTimestamp"):
            annotations = current["metadata"].get("annotations") or {}
            finished = (current.get("status") or {}).get("phase") in {"Failed", "Succeeded"}
            if finished or annotations.get(_INPUT_HASH) != digest:
                self._api.delete(POD, name, namespace)
        return current

    def _all(self, _item: Object) -> Iterable[Key]:
        return [key_of(prometheus) for prometheus in self._api.find(PROMETHEUS)]


def _governing_service() -> Object:
    spec = {
        "clusterIP": "None",
        "ports": [{"name": "web", "port": PORT, "targetPort": PORT, "protocol": "TCP"}],
        "selector": {"app.kubernetes.io/name": "prometheus"},
        "type": "ClusterIP",
    }
    return {
        "metadata": {"name": "prometheus-operated", "labels": {"operated-prometheus": "true"}},
        "spec": spec,
    }


def _owner(obj: Object) -> Iterable[Key]:
    owners = obj["metadata"].get("ownerReferences") or []
    return [
        (obj["metadata"]["namespace"], owner["name"]) for owner in owners if owner["kind"] == PROMETHEUS.name
    ]


def _specified(obj: Object) -> object:
    """All but what others report of an object."""
    metadata = {
        key: obj["metadata"].get(key) for key in ("uid", "labels", "annotations", "deletionTimestamp")
    }
    return {**obj, "metadata": metadata, "status": None}


def _with_conditions(pod: Object) -> object:
    return [_specified(pod), (pod.get("status") or {}).get("conditions")]
