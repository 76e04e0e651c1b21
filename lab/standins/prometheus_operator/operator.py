"""Stand-in for prometheus-operator: what its objects ask for becomes files and a pod."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable

import yaml

from lab.standins.api.client import Api
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.events import Recorder
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
from lab.standins.api.times import seconds
from lab.standins.prometheus_operator.prometheus_pod import CONFIG_FILE, PORT, prometheus_pod
from lab.standins.prometheus_operator.promtool import Promtool
from lab.standins.prometheus_operator.scrape_configs import (
    configuration,
    pod_monitor_configs,
    service_monitor_configs,
    unknown_fields,
)

USER = "system:serviceaccount:monitoring:kube-prometheus-stack-operator"
#: Annotation of the pod: by it the operator sees that the pod is not the one wanted any more.
_INPUT_HASH = "prometheus-operator-input-hash"
_REJECTED = "InvalidConfiguration"


def controllers(api: Api, promtool: Promtool) -> list[Controller]:
    """The operator's loops."""
    operator = _Operator(api, promtool)
    return [Controller("prometheuses", api, operator.watches(), operator.reconcile)]


class _Operator:
    """Keeps Prometheus' configuration in step with the objects that its selectors pick."""

    def __init__(self, api: Api, promtool: Promtool) -> None:
        self._api = api
        self._promtool = promtool
        self._events = Recorder(api, "prometheus-controller")
        self._told: set[tuple[str, str]] = set()

    def watches(self) -> list[Watch]:
        selected = (SERVICE_MONITOR, POD_MONITOR, PROMETHEUS_RULE)
        return [
            Watch(PROMETHEUS, relevant=_specified),
            *(Watch(kind, keys=self._all, relevant=_specified) for kind in selected),
            Watch(NAMESPACE, keys=self._all, relevant=_specified),
            *(Watch(kind, keys=_owner, relevant=_specified) for kind in (POD, SECRET, CONFIG_MAP, SERVICE)),
        ]

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        prometheus = self._api.get(PROMETHEUS, name, namespace)
        if prometheus is None or prometheus["metadata"].get("deletionTimestamp"):
            return None
        rule_maps = [self._write_rules(prometheus)]
        scraping = self._scrape_configs(prometheus)
        text = yaml.safe_dump(configuration(prometheus, scraping, rule_maps), sort_keys=False)
        # The time stamp of a gzip file would make every one differ.
        packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
        self._write(
            prometheus, SECRET, {"metadata": {"name": f"prometheus-{name}"}, "data": {CONFIG_FILE: packed}}
        )
        self._write(prometheus, SERVICE, _governing_service())
        self._run(prometheus, rule_maps)
        return None

    def _write_rules(self, prometheus: Object) -> str:
        name = prometheus["metadata"]["name"]
        files = {}
        for rule in self._selected(prometheus, PROMETHEUS_RULE, "ruleSelector", "ruleNamespaceSelector"):
            metadata = rule["metadata"]
            problem = self._promtool.rules(rule["spec"])
            if problem:
                text = (
                    f"PrometheusRule {metadata['name']} was rejected due to invalid configuration: {problem}"
                )
                self._reject(rule, text)
                continue
            file = f"{metadata['namespace']}-{metadata['name']}-{metadata['uid']}.yaml"
            files[file] = yaml.safe_dump(rule["spec"], sort_keys=False)
        map_name = f"prometheus-{name}-rulefiles-0"
        metadata = {"name": map_name, "labels": {"prometheus-name": name}}
        self._write(prometheus, CONFIG_MAP, {"metadata": metadata, "data": files})
        return map_name

    def _scrape_configs(self, prometheus: Object) -> list[Object]:
        makers = (
            (SERVICE_MONITOR, "serviceMonitor", service_monitor_configs),
            (POD_MONITOR, "podMonitor", pod_monitor_configs),
        )
        configs: list[Object] = []
        for kind, field, make in makers:
            for monitor in self._selected(prometheus, kind, f"{field}Selector", f"{field}NamespaceSelector"):
                made = make(prometheus, monitor)
                problem = _problem(prometheus, monitor) or self._promtool.scraping(made)
                if problem:
                    where = "/".join(key_of(monitor))
                    self._reject(monitor, f'"{where}" was rejected due to invalid configuration: {problem}')
                else:
                    configs += made
        return configs

    def _selected(self, prometheus: Object, kind: Kind, selector: str, namespaces: str) -> list[Object]:
        """Objects that a selector picks: none without one, all with an empty one."""
        spec = prometheus["spec"]
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

    def _reject(self, obj: Object, text: str) -> None:
        # Once for each version of an object: a reconcile comes with every change of anything.
        about = (obj["metadata"]["uid"], obj["metadata"]["resourceVersion"])
        if about not in self._told:
            self._told.add(about)
            self._events.warn(obj, _REJECTED, text)

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

    def _run(self, prometheus: Object, rule_maps: list[str]) -> None:
        pod = prometheus_pod(prometheus, rule_maps)
        digest = hashlib.sha256(json.dumps(pod["spec"], sort_keys=True).encode()).hexdigest()
        pod["metadata"]["annotations"][_INPUT_HASH] = digest
        namespace, name = key_of(pod)
        current = self._api.get(POD, name, namespace)
        if current is None:
            self._api.create(POD, pod)
        elif not current["metadata"].get("deletionTimestamp"):
            annotations = current["metadata"].get("annotations") or {}
            finished = (current.get("status") or {}).get("phase") in {"Failed", "Succeeded"}
            if finished or annotations.get(_INPUT_HASH) != digest:
                self._api.delete(POD, name, namespace)

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


def _problem(prometheus: Object, monitor: Object) -> str | None:
    unknown = unknown_fields(monitor)
    if unknown:
        return f"the laboratory's operator does not support {', '.join(unknown)}"
    spec = monitor["spec"]
    for index, endpoint in enumerate(spec.get("endpoints") or spec.get("podMetricsEndpoints") or []):
        timeout = endpoint.get("scrapeTimeout")
        interval = endpoint.get("interval") or prometheus["spec"].get("scrapeInterval") or "30s"
        if timeout and seconds(timeout) > seconds(interval):
            return f'endpoints[{index}]: scrapeTimeout "{timeout}" greater than scrapeInterval "{interval}"'
    return None


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
