"""What both laboratories are given to scrape, and what each of them shows of it."""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.waiting import wait_until
from tests.conformance.cluster import Cluster, Object, RefusedError
from tests.e2e.laboratory import Laboratory

#: What a case comes to: the health of its targets or rules, or that the operator refuses it.
Outcome = Sequence[str] | str
REJECTED = "rejected"

SETTLE_SECONDS = 120
MONITORING, PROMETHEUS = "monitoring", "judged"
_SELECTED = {"judged": "yes"}
#: What a Service that has nobody behind it yet answers.
_STARTING = {404, 500, 502, 503}

# What is each laboratory's own: addresses, random names, identities, directories, times, the way to the API.
_OWN = (
    (re.compile(r"\b(?:127|198)\.\d+\.\d+\.\d+\b"), "ADDRESS"),
    (re.compile(r"\bexporter-[0-9a-z]+-[0-9a-z]{5}\b"), "exporter-POD"),
    (re.compile(r"/\S*/(?=prometheus-judged-rulefiles-\d)"), "/RULES/"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UID"),
)
_OWN_LABELS = re.compile(
    r"__meta_kubernetes_(?:pod_container_id|pod_controller_name|pod_label_pod_template_hash|endpointslice_name)"
)
#: Written now and then: when a slice was last changed by a pod, and how long a kubelet may remember a Secret.
_UNSTEADY = re.compile(
    r"__meta_kubernetes_(?:endpoint(?:slice|s)_annotation(?:present)?_endpoints_kubernetes_io_last_change_trigger_time"
    r"|node_annotation(?:present)?_node_alpha_kubernetes_io_ttl)"
)
_TIMES = {
    "activeAt",
    "alerts",
    "evaluationTime",
    "lastEvaluation",
    "lastScrape",
    "lastScrapeDuration",
    "lastTransitionTime",
}
_ACCESS = {"api_server", "authorization", "tls_config"}


@dataclass(frozen=True)
class Case:
    """One monitor or rule, and what comes of it: at first, and after each later change."""

    name: str
    body: Object
    expected: Sequence[Outcome]
    changes: Sequence[Object]

    @classmethod
    def read(cls, text: Object) -> Case:
        """From an entry of `cases`."""
        metadata = {
            "name": re.sub(r"[^a-z0-9]+", "-", text["case"].lower()),
            "namespace": text.get("namespace", "scraped"),
            "labels": text.get("labels", _SELECTED),
        }
        body = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": text.get("kind", "ServiceMonitor"),
            "metadata": metadata,
            "spec": text["spec"],
        }
        changes = text.get("then", [])
        return cls(text["case"], body, [text["expect"], *(one["expect"] for one in changes)], changes)

    @property
    def place(self) -> str:
        """Namespace and name."""
        return f"{self.body['metadata']['namespace']}/{self.body['metadata']['name']}"

    def outcome(self, stage: int) -> Outcome:
        """What is expected after so many changes."""
        return self.expected[min(stage, len(self.changes))]


GIVEN = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text())
CASES = [Case.read(one) for one in GIVEN["cases"]]
STAGES = range(max(len(case.expected) for case in CASES))


@dataclass(frozen=True)
class Shown:
    """What a laboratory shows of a case, without what is the laboratory's own."""

    configuration: Sequence[Object]
    active: Sequence[Object]
    dropped: Sequence[Object]
    groups: Sequence[Object]
    events: Sequence[Sequence[str]]

    @property
    def outcome(self) -> Outcome:
        """What the case has come to."""
        if self.events and not self.configuration and not self.groups:
            return REJECTED
        rules = [rule["health"] for group in self.groups for rule in group["rules"]]
        return sorted([target["health"] for target in self.active] + rules)


@dataclass(frozen=True)
class Look:
    """Everything that a laboratory shows at one moment."""

    targets: Object
    groups: Sequence[Object]
    configuration: Object
    events: Sequence[Object]
    prometheus: Object

    def of(self, case: Case) -> Shown:
        """The part that a case has made."""
        kind = case.body["kind"]
        pool = re.compile(rf"{kind[0].lower()}{kind[1:]}/{case.place}/\d+")
        file = re.compile(rf"/{case.place.replace('/', '-')}-[-0-9a-f]{{36}}\.yaml")
        return Shown(
            configuration=[
                _scrape_config(one)
                for one in self.configuration.get("scrape_configs") or []
                if pool.fullmatch(one["job_name"])
            ],
            active=_sorted(one for one in self.targets["activeTargets"] if pool.fullmatch(one["scrapePool"])),
            dropped=_sorted(
                one
                for one in self.targets["droppedTargets"]
                if pool.fullmatch(one["scrapePool"])
                # Those of other namespaces were not made by the cases.
                and one["discoveredLabels"]["__meta_kubernetes_namespace"].startswith("scraped")
            ),
            groups=_sorted(one for one in self.groups if file.search(one["file"])),
            events=sorted({
                (one["type"], one["reason"], one["message"])
                for one in self.events
                if _is_of(one["involvedObject"], case.body)
            }),
        )  # fmt: skip

    @property
    def common(self) -> Object:
        """The configuration that belongs to no case."""
        return {key: _neutral(value) for key, value in self.configuration.items() if key != "scrape_configs"}

    @property
    def status(self) -> Object:
        """What the operator says of Prometheus."""
        return dict(_neutral(self.prometheus["status"]))


class Scraping:
    """One laboratory, with a Prometheus of its own for the cases."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._cluster = Cluster(laboratory)

    def prepare(self) -> None:
        """Make everything of the first stage."""
        for body in [*GIVEN["objects"], *(case.body for case in CASES), *self._prometheus()]:
            self._create(body)

    def change(self, stage: int) -> None:
        """Make the changes that lead to a later stage."""
        for case in CASES:
            if stage <= len(case.changes):
                self._change(case.body, case.changes[stage - 1])

    def clear(self) -> None:
        """Remove what takes the machine's time."""
        for kind in ("Prometheus", "Service"):
            self._cluster.delete(kind, PROMETHEUS, MONITORING)
        for body in GIVEN["objects"]:
            if body["kind"] == "Namespace":
                self._cluster.delete("Namespace", body["metadata"]["name"])

    def look(self) -> Look | None:
        """What Prometheus and the API show now; None while Prometheus starts."""
        try:
            return Look(
                targets=self._ask("targets"),
                groups=self._ask("rules")["groups"],
                configuration=_parsed(self._ask("status/config")["yaml"]),
                events=self._cluster.find("Event"),
                prometheus=self._cluster.get("Prometheus", PROMETHEUS, MONITORING) or {},
            )
        except RefusedError as error:
            if error.status in _STARTING:
                return None
            raise

    def _create(self, body: Object) -> None:
        text = json.dumps(body).replace("EXPORTER", self._cluster.exporter)
        self._cluster.create(json.loads(text))

    def _change(self, body: Object, change: Object) -> None:
        kind, name, namespace = body["kind"], body["metadata"]["name"], body["metadata"]["namespace"]
        if "patch" in change:
            self._cluster.patch(kind, name, namespace, change["patch"])
        elif change["object"] is None:
            self._cluster.delete(kind, name, namespace)
        else:
            self._create(body)

    def _prometheus(self) -> Sequence[Object]:
        """A Prometheus like the laboratory's, but for what it selects and how often it looks."""
        (usual,) = self._cluster.find("Prometheus", MONITORING)
        selectors = {
            f"{what}{part}": {"matchLabels": _SELECTED}
            for what in ("serviceMonitor", "podMonitor", "rule")
            for part in ("Selector", "NamespaceSelector")
        }
        often = {"scrapeInterval": "3s", "evaluationInterval": "1s"}
        metadata = {"name": PROMETHEUS, "namespace": MONITORING}
        port = {"name": "web", "port": 9090, "targetPort": usual["spec"]["portName"]}
        service = {"ports": [port], "selector": {"operator.prometheus.io/name": PROMETHEUS}}
        return [
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "Prometheus",
                "metadata": metadata,
                "spec": {**usual["spec"], **selectors, **often},
            },
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        ]

    def _ask(self, what: str) -> Any:
        return self._cluster.ask(MONITORING, f"{PROMETHEUS}:web", f"/api/v1/{what}")["data"]


def settled(labs: Sequence[Scraping], done: Callable[[Sequence[Look]], bool]) -> Sequence[Look]:
    """How the laboratories look when they are done, or after a while. Raises AssertionError without looks."""
    seen: list[Look] = []

    def look() -> bool:
        found = [one for one in at_once(Scraping.look, labs) if one]
        if len(found) == len(labs):
            seen[:] = found
        return bool(seen) and done(seen)

    # What is not as it should be then, a test says of each case.
    with contextlib.suppress(TimeoutError):
        wait_until(look, what="both laboratories to agree", timeout=SETTLE_SECONDS, pause=0.3)
    assert seen, "Prometheus answers on neither or one of the laboratories only."
    return list(seen)


def at_once(act: Callable[[Scraping], Any], labs: Sequence[Scraping]) -> Sequence[Any]:
    """What an act gives on each laboratory."""
    with ThreadPoolExecutor(len(labs)) as pool:
        return list(pool.map(act, labs))


@functools.lru_cache(maxsize=8)
def _parsed(text: str) -> Object:
    """A configuration, which changes less often than it is looked at."""
    return dict(yaml.load(text, yaml.CSafeLoader))


def _is_of(reference: Object, body: Object) -> bool:
    metadata = body["metadata"]
    wanted = (body["kind"], metadata["namespace"], metadata["name"])
    return (reference["kind"], reference.get("namespace"), reference["name"]) == wanted


def _scrape_config(configuration: Object) -> Object:
    """A scrape configuration without the way to the API, which only plain processes have to be told."""
    discovery = [
        {key: value for key, value in one.items() if key not in _ACCESS}
        for one in configuration["kubernetes_sd_configs"]
    ]
    return {**configuration, "kubernetes_sd_configs": discovery}


def _sorted(found: Iterable[Object]) -> Sequence[Object]:
    return sorted(map(_neutral, found), key=json.dumps)


def _neutral(value: Any) -> Any:
    """A value without what is each laboratory's own."""
    if isinstance(value, Mapping):
        kept = sorted(key for key in value if key not in _TIMES and not _UNSTEADY.fullmatch(key))
        return {key: "OWN" if _OWN_LABELS.fullmatch(key) else _neutral(value[key]) for key in kept}
    if isinstance(value, list):
        return [_neutral(one) for one in value]
    if isinstance(value, str):
        for pattern, name in _OWN:
            value = pattern.sub(name, value)
    return value
