"""The pod that prometheus-operator makes for a Prometheus object (there: through a StatefulSet)."""

from __future__ import annotations

from collections.abc import Sequence

from lab.standins.api.objects import Object, reference_to
from lab.standins.kubelet.plain import CONFIG_RELOADER, PROMETHEUS
from lab.standins.prometheus_operator.scrape_configs import RULES_DIRECTORY

CONFIG_FILE = "prometheus.yaml.gz"
_CONFIG, _CONFIG_OUT, _DATA = "/etc/prometheus/config", "/etc/prometheus/config_out", "/prometheus"
_LOADED = f"{_CONFIG_OUT}/prometheus.env.yaml"
PORT = 9090


def selecting_labels(name: str) -> dict[str, str]:
    """Labels by which the operator knows the pods of a Prometheus."""
    return {
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/managed-by": "prometheus-operator",
        "app.kubernetes.io/name": "prometheus",
        "operator.prometheus.io/name": name,
        "prometheus": name,
    }


def prometheus_pod(prometheus: Object, rule_maps: Sequence[str]) -> Object:
    """The pod `prometheus-<name>-0`."""
    metadata, spec = prometheus["metadata"], prometheus["spec"]
    name = metadata["name"]
    rule_mounts = [_mount(one, f"{RULES_DIRECTORY}/{one}") for one in rule_maps]
    reloading = [_mount("config", _CONFIG), _mount("config-out", _CONFIG_OUT), *rule_mounts]
    volumes = [
        {"name": "config", "secret": {"secretName": f"prometheus-{name}"}},
        {"name": "config-out", "emptyDir": {}},
        {"name": "db", "emptyDir": {}},
        *({"name": one, "configMap": {"name": one, "optional": True}} for one in rule_maps),
    ]
    reload = ["--reload-url=http://$(POD_IP):9090/-/reload"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"prometheus-{name}-0",
            "namespace": metadata["namespace"],
            "labels": {**selecting_labels(name), "operator.prometheus.io/shard": "0"},
            "annotations": {"kubectl.kubernetes.io/default-container": "prometheus"},
            "ownerReferences": [reference_to(prometheus)],
        },
        "spec": {
            "serviceAccountName": spec.get("serviceAccountName") or "default",
            "terminationGracePeriodSeconds": 600,
            "volumes": volumes,
            "initContainers": [
                _reloader("init-config-reloader", ["--watch-interval=0"], reloading, rule_maps)
            ],
            "containers": [
                _server(spec, rule_mounts),
                _reloader("config-reloader", reload, reloading, rule_maps),
            ],
        },
    }


def _server(spec: Object, rule_mounts: Sequence[Object]) -> Object:
    return {
        "name": "prometheus",
        "image": spec.get("image") or f"{PROMETHEUS}:v{spec['version']}",
        "args": [
            f"--config.file={_LOADED}",
            "--web.enable-lifecycle",
            f"--storage.tsdb.path={_DATA}",
            f"--storage.tsdb.retention.time={spec.get('retention') or '24h'}",
        ],
        "ports": [{"name": spec.get("portName") or "web", "containerPort": PORT, "protocol": "TCP"}],
        "startupProbe": {
            **_asks("/-/ready"),
            "periodSeconds": 15,
            "timeoutSeconds": 3,
            "failureThreshold": 60,
        },
        "readinessProbe": {**_asks("/-/ready"), "periodSeconds": 5, "timeoutSeconds": 3},
        "livenessProbe": {
            **_asks("/-/healthy"),
            "periodSeconds": 5,
            "timeoutSeconds": 3,
            "failureThreshold": 6,
        },
        "volumeMounts": [_mount("config-out", _CONFIG_OUT), _mount("db", _DATA), *rule_mounts],
    }


def _reloader(
    name: str, arguments: Sequence[str], mounts: Sequence[Object], rule_maps: Sequence[str]
) -> Object:
    return {
        "name": name,
        "image": CONFIG_RELOADER,
        "command": ["/bin/prometheus-config-reloader"],
        "args": [
            *arguments,
            f"--config-file={_CONFIG}/{CONFIG_FILE}",
            f"--config-envsubst-file={_LOADED}",
            *(f"--watched-dir={RULES_DIRECTORY}/{one}" for one in rule_maps),
        ],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "SHARD", "value": "0"},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        "volumeMounts": list(mounts),
    }


def _mount(name: str, path: str) -> Object:
    return {"name": name, "mountPath": path}


def _asks(path: str) -> Object:
    return {"httpGet": {"path": path, "port": PORT, "scheme": "HTTP"}}
