"""Rules of containers: ports, environment, mounts, probes, resources."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.kubernetes.embedded import quantities
from lab.kubernetes.embedded.errors import (
    Problem,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
    value_not_found,
)
from lab.kubernetes.embedded.objects import Object, dig
from lab.kubernetes.embedded.validation import names
from lab.kubernetes.embedded.validation.metadata import worded
from lab.kubernetes.embedded.validation.services import number_or_name, protocol

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_SCHEMES = ("HTTP", "HTTPS")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
#: What the downward API gives.
_FIELD_PATHS = (
    r"metadata\.(name|namespace|uid|labels(\['.*'\])?|annotations(\['.*'\])?)"
    r"|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs)"
)
_STANDARD_RESOURCES = ("cpu", "memory", "ephemeral-storage")


def container_problems(container: Object, field: str, volumes: set[str]) -> Iterator[Problem]:
    """Problems of one container; `volumes` are the names it may mount."""
    name = container.get("name", "")
    if not name:
        yield required(f"{field}.name")
    else:
        yield from worded(f"{field}.name", name, names.label(name))
    if not container.get("image"):
        yield required(f"{field}.image")
    if container["terminationMessagePolicy"] not in _MESSAGE_POLICIES:
        policy = container["terminationMessagePolicy"]
        yield not_supported(f"{field}.terminationMessagePolicy", policy, _MESSAGE_POLICIES)
    yield from _ports(container.get("ports", []), f"{field}.ports")
    yield from _environment(container, field)
    yield from _mounts(container.get("volumeMounts", []), f"{field}.volumeMounts", volumes)
    if container["imagePullPolicy"] not in _PULL_POLICIES:
        yield not_supported(f"{field}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    yield from _resources(container["resources"], f"{field}.resources")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in container:
            yield from _probe(container[probe], f"{field}.{probe}", single=probe != "readinessProbe")


def _ports(ports: list[Object], field: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        where, name = f"{field}[{index}]", port.get("name", "")
        if name:
            found = names.port_name(name)
            yield from worded(f"{where}.name", name, found)
            if name in seen and not found:
                yield duplicate(f"{where}.name", name)
            seen.add(name)
        if not port.get("containerPort"):
            yield required(f"{where}.containerPort")
        else:
            number = port["containerPort"]
            yield from worded(f"{where}.containerPort", number, names.port_number(number))
        yield from protocol(f"{where}.protocol", port["protocol"])


def _environment(container: Object, field: str) -> Iterator[Problem]:
    for index, variable in enumerate(container.get("env", [])):
        where, name = f"{field}.env[{index}]", variable.get("name", "")
        if not name:
            yield required(f"{where}.name")
        else:
            yield from worded(f"{where}.name", name, names.variable_name(name))
        if "valueFrom" in variable:
            yield from _source(variable, f"{where}.valueFrom")
    for index, source in enumerate(container.get("envFrom", [])):
        where = f"{field}.envFrom[{index}]"
        chosen = [word for word in ("configMapRef", "secretRef") if word in source]
        # The real server names the list here, and not the item.
        if not chosen:
            yield invalid_value(f"{field}.envFrom", "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(chosen) > 1:
            yield invalid_value(
                f"{field}.envFrom", "", "may not have more than one field specified at a time"
            )
        for word in chosen:
            if not source[word].get("name"):
                yield required(f"{where}.{word}.name")


def _source(variable: Object, field: str) -> Iterator[Problem]:
    source = variable["valueFrom"]
    chosen = [word for word in _SOURCES if word in source]
    place = dig(source, "fieldRef", "fieldPath")
    if place and not re.fullmatch(_FIELD_PATHS, place):
        detail = f"error converting fieldPath: field label not supported: {place}"
        yield invalid_value(f"{field}.fieldRef.fieldPath", place, detail)
    for word in ("configMapKeyRef", "secretKeyRef"):
        if word in source:
            for name in ("name", "key"):
                if not source[word].get(name):
                    yield required(f"{field}.{word}.{name}")
    if not chosen:
        listed = ", ".join(f"`{word}`" for word in _SOURCES[:-1])
        yield invalid_value(field, "", f"must specify one of: {listed} or `{_SOURCES[-1]}`")
    elif variable.get("value"):
        yield invalid_value(field, "", "may not be specified when `value` is not empty")
    elif len(chosen) > 1:
        yield invalid_value(field, "", "may not have more than one field specified at a time")


def _mounts(mounts: list[Object], field: str, volumes: set[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        where, name, path = f"{field}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield required(f"{where}.name")
        if name not in volumes:
            yield value_not_found(f"{where}.name", name)
        if not path:
            yield required(f"{where}.mountPath")
        if path in seen:
            yield invalid_value(f"{where}.mountPath", path, "must be unique")
        seen.add(path)
        if ".." in mount.get("subPath", "").split("/"):
            yield invalid_value(f"{field}.subPath", mount["subPath"], "must not contain '..'")


def _resources(resources: Object, field: str) -> Iterator[Problem]:
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    for word, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            where = f"{field}.{word}[{name}]"
            if "/" not in name and name not in _STANDARD_RESOURCES and not name.startswith("hugepages-"):
                yield invalid_value(where, name, "must be a standard resource type or fully qualified")
                yield invalid_value(where, name, "must be a standard resource for containers")
            if quantities.parse(amount) < 0:
                yield invalid_value(where, amount, "must be greater than or equal to 0")
    for name, amount in requests.items():
        if name in limits and quantities.parse(amount) > quantities.parse(limits[name]):
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid_value(f"{field}.requests", amount, detail)


def _probe(probe: Object, field: str, *, single: bool) -> Iterator[Problem]:
    chosen = [word for word in _HANDLERS if word in probe]
    for word in chosen[1:]:
        yield forbidden_field(f"{field}.{word}", "may not specify more than 1 handler type")
    if not chosen:
        yield required(field, "must specify a handler type")
    elif chosen[0] in ("httpGet", "tcpSocket"):
        yield from number_or_name(f"{field}.{chosen[0]}.port", probe[chosen[0]].get("port", 0))
    elif chosen[0] == "exec" and not probe["exec"].get("command"):
        yield required(f"{field}.exec.command")
    if "httpGet" in probe and probe["httpGet"]["scheme"] not in _SCHEMES:
        yield not_supported(f"{field}.httpGet.scheme", probe["httpGet"]["scheme"], _SCHEMES)
    names_of_counts = (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    )
    for name in names_of_counts:
        if probe.get(name, 0) < 0:
            yield invalid_value(f"{field}.{name}", probe[name], "must be greater than or equal to 0")
    if single and probe["successThreshold"] != 1:
        yield invalid_value(f"{field}.successThreshold", probe["successThreshold"], "must be 1")
