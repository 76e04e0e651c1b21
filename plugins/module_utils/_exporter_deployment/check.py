# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the Deployment of an exporter, in the order of causes. PRIVATE: it may change at any time."""

from __future__ import annotations

import base64
import functools
import typing as t
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment import (
    certificates,
    model,
    pods,
    settings,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment.model import (
    Finding,
    Object,
    Wanted,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import Reader
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.selectors import mismatch
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.waiting import outlast
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut

CREDENTIALS = "checksum/credentials"
DATA_HASH = "reconcile.external-secrets.io/data-hash"
Wait = Callable[[Callable[[], tuple[bool, list["Sight"]]]], list["Sight"]]


@dataclass
class Sight:
    """What one look has found."""

    name: str
    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def result(self) -> dict[str, t.Any]:
        """What the module returns."""
        return {
            "name": self.name,
            "healthy": not self.findings,
            "problems": [{"what": one.what, "remedy": one.remedy} for one in self.findings],
            "warnings": self.warnings,
        }


def check(cluster: Reader, namespace: str, wanted: Sequence[Wanted], wait: Wait) -> list[Sight]:
    """Look at each Deployment until nothing is left that may pass.

    Raises KubernetesError, and LibraryError where this Python reads no certificates.
    """

    def probe() -> tuple[bool, list[Sight]]:
        sights = [Look(cluster, namespace, one).sight() for one in wanted]
        return not any(finding.passing for sight in sights for finding in sight.findings), sights

    try:
        return outlast(wait, probe)
    except TimedOut as error:
        return t.cast(list[Sight], error.last)


class Look:
    """One look at one Deployment and what belongs to it."""

    def __init__(self, cluster: Reader, namespace: str, wanted: Wanted) -> None:
        self._cluster = cluster
        self._secret = functools.cache(functools.partial(self._get, "api/v1", "secrets"))
        self._namespace = namespace
        self._wanted = wanted

    def sight(self) -> Sight:
        """Everything that is wrong, the likeliest cause of the rest first. Raises as check does."""
        wanted = self._wanted
        deployment = self._get("apis/apps/v1", "deployments", wanted.name)
        if deployment is None:
            missing = f"Deployment {self._namespace}/{wanted.name} does not exist"
            return Sight(wanted.name, [Finding(missing, "Run playbooks/postgres_exporter.yml")])
        authorities = self._authorities(deployment)
        running = self._pods(deployment)
        findings = [
            *settings.arguments(deployment, wanted),
            *self._data_source(deployment),
            *authorities.findings,
            *pods.rollout(deployment, running),
            *self._credentials(deployment, running),
        ]
        return Sight(wanted.name, findings, authorities.warnings)

    def _pods(self, deployment: Object) -> list[Object]:
        """Those that it selects and that are not over, such as one that was evicted."""
        selector = deployment["spec"].get("selector") or {}
        # The API server narrows the list by what is easily written; expressions are judged here.
        labels = ",".join(f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items())
        path = f"/api/v1/namespaces/{quote(self._namespace)}/pods"
        found = (self._cluster.get(path, [("labelSelector", labels)]) or {}).get("items") or []
        return [
            pod
            for pod in found
            if mismatch(selector, pod["metadata"].get("labels") or {}) is None and not pods.over(pod)
        ]

    def _credentials(self, deployment: Object, running: Sequence[Object]) -> Iterator[Finding]:
        hashes = {}
        for name in model.secrets_used(deployment):
            secret = self._secret(name) or {"metadata": {}}
            data_hash = (secret["metadata"].get("annotations") or {}).get(DATA_HASH)
            if data_hash:
                hashes[f"Secret {self._namespace}/{name}"] = data_hash
        yield from pods.credentials(running, CREDENTIALS, hashes)

    def _data_source(self, deployment: Object) -> list[Finding]:
        entry = model.variable(deployment, "DATA_SOURCE_URI")
        if entry is None:
            return []
        reference = model.secret_reference(entry)
        if not reference:
            return settings.data_source(
                entry.get("value") or "", model.called("Deployment", deployment), self._wanted
            )
        origin = f"Secret {self._namespace}/{reference['name']}"
        data = (self._secret(reference["name"]) or {}).get("data") or {}
        if reference["key"] not in data:
            what = f"{origin} does not exist or lacks the key {reference['key']}"
            return [Finding(what, "Run playbooks/external_secrets.yml")]
        value = base64.b64decode(data[reference["key"]]).decode(errors="replace")
        return settings.data_source(value, origin, self._wanted)

    def _authorities(self, deployment: Object) -> Sight:
        """Whether the certificates that its pods trust are valid."""
        seen = Sight(self._wanted.name)
        for name, optional in model.config_maps_mounted(deployment):
            origin, found = f"ConfigMap {self._namespace}/{name}", self._get("api/v1", "configmaps", name)
            if found is None and not optional:
                what = f"{origin} does not exist, and pods that mount it do not start"
                seen.findings.append(Finding(what, "Run playbooks/postgres_exporter.yml"))
            for key, text in ((found or {}).get("data") or {}).items():
                if certificates.has_certificates(key, text):
                    self._bundle(f"{key} of {origin}", certificates.read(text), seen)
        return seen

    def _bundle(self, origin: str, bundle: certificates.Bundle, seen: Sight) -> None:
        now = datetime.now(UTC)
        problems = bundle.problems(now)
        if bundle.valid(now):
            # Bundles keep what once was valid; which of them signs the database's certificate is not known.
            seen.warnings += [f"{origin}: {problem}" for problem in problems]
        else:
            what = f"{origin} has no valid CA certificate: {'; '.join(problems) or 'it has none at all'}"
            remedy = (
                "Run playbooks/postgres_exporter.yml with a bundle of today (postgres_exporter_ca_file or "
                "postgres_exporter_ca_url)"
            )
            seen.findings.append(Finding(what, remedy))
        seen.warnings += [f"{origin}: {warning}" for warning in bundle.warnings(now)]

    def _get(self, api: str, plural: str, name: str) -> Object | None:
        return self._cluster.get(f"/{api}/namespaces/{quote(self._namespace)}/{plural}/{quote(name)}")
