"""What the roles send: their own objects, from their own defaults and variables, as they send them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from tests.conformance.exchange import Request
from tests.role_variables import role_value

#: What the inventory and earlier roles would say; with the laboratory's own names where they do not matter.
_FACTS: dict[str, Any] = {
    "inventory_hostname": "aurora",
    "ansible_check_mode": False,
    "stack_project": "demo",
    "stack_region": "eu-west-1",
    "stack_eks_cluster": "demo",
    "stack_namespace": "<namespace>",
    "stack_runbooks_url": "https://runbooks.example.org/aurora",
    "aurora_result": {
        "cluster_id": "demo-aurora-postgres",
        "database_name": "app",
        "endpoint": "demo.example.org",
        "engine_version": "17.5",
        "port": 5432,
    },
    "postgres_exporter_job_admin_secret": {"name": "admin"},
    "__irsa_cluster": {"partition": "aws", "account": "123456789012"},
    "__irsa_namespaces": {"resources": []},
    "__postgres_exporter_instance": {"instance_id": "demo-aurora-postgres"},
    "postgres_exporter_monitor_labels": {"release": "kube-prometheus-stack"},
    "__postgres_exporter_ca_bundle": {"content": "-----BEGIN CERTIFICATE-----\n"},
}
_OBJECTS = {
    "irsa": "__irsa_objects",
    "external_secrets": "__external_secrets_objects",
    "postgres_exporter": "__postgres_exporter_objects",
    "cloudwatch_exporter": "__cloudwatch_exporter_objects",
    "prometheus_rules": "__prometheus_rules_object",
    "grafana_dashboards": "__grafana_dashboards_every_object",
}
#: What controllers change at once, so that only check mode has one answer.
_TRANSIENT = {"postgres_exporter": "__postgres_exporter_job"}
_PLACES = {
    "ConfigMap": "<core>/configmaps",
    "Deployment": "<apps>/deployments",
    "ExternalSecret": "<external secrets>/externalsecrets",
    "Namespace": "/api/v1/namespaces",
    "Job": "<batch>/jobs",
    "NetworkPolicy": "<networking>/networkpolicies",
    "PrometheusRule": "<monitoring>/prometheusrules",
    "SecretStore": "<external secrets>/secretstores",
    "Service": "<core>/services",
    "ServiceAccount": "<core>/serviceaccounts",
    "ServiceMonitor": "<monitoring>/servicemonitors",
}
_MANAGER = "fieldManager=eks-observability-stack&force=true"


def role_requests() -> tuple[Request, ...]:
    """For each object: check mode before, the first run, the second run, check mode after."""
    lasting = [_requests(role, item) for role, name in _OBJECTS.items() for item in _objects(role, name)]
    transient = [
        islice(_requests(role, item), 2) for role, name in _TRANSIENT.items() for item in _objects(role, name)
    ]
    return tuple(chain(*lasting, *transient))


def _objects(role: str, name: str) -> list[dict[str, Any]]:
    found = role_value(role, name, _FACTS)
    return found if isinstance(found, list) else [found]


def _requests(role: str, item: dict[str, Any]) -> Iterator[Request]:
    kind, name = item["kind"], item["metadata"]["name"]
    place = f"{_PLACES[kind]}/{name}"
    steps = (
        ("before", "GET", ""),
        ("check mode", "PATCH", f"?{_MANAGER}&dryRun=All"),
        ("first run", "PATCH", f"?{_MANAGER}"),
        ("second run", "PATCH", f"?{_MANAGER}"),
        ("check mode once more", "PATCH", f"?{_MANAGER}&dryRun=All"),
    )
    for step, method, query in steps:
        subject = kind if kind == "Namespace" else f"{kind} {name}"
        yield Request(
            f"roles: {role}, {subject}, {step}",
            f"{method} {place}{query}",
            item if method == "PATCH" else None,
            media="apply",
        )
