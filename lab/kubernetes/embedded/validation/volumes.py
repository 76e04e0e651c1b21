"""Rules of volumes."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.embedded.errors import Problem, duplicate, forbidden_field, invalid_value, required
from lab.kubernetes.embedded.objects import Object
from lab.kubernetes.embedded.validation import names
from lab.kubernetes.embedded.validation.metadata import worded

#: Property that a kind of volume cannot do without.
_NEEDED = {
    "secret": "secretName",
    "configMap": "name",
    "hostPath": "path",
    "persistentVolumeClaim": "claimName",
}
_LARGEST_MODE = 0o777


def volume_problems(volumes: list[Object], field: str) -> Iterator[Problem]:
    """Problems of a pod's volumes."""
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        where, name = f"{field}[{index}]", volume.get("name", "")
        if not name:
            yield required(f"{where}.name")
        else:
            yield from worded(f"{where}.name", name, names.label(name))
        if name in seen:
            yield duplicate(f"{where}.name", name)
        seen.add(name)
        kinds = [word for word in volume if word != "name"]
        for word in kinds[1:]:
            yield forbidden_field(f"{where}.{word}", "may not specify more than 1 volume type")
        for word in kinds[:1]:
            yield from _source(word, volume[word], f"{where}.{word}")


def _source(word: str, source: Object, field: str) -> Iterator[Problem]:
    needed = _NEEDED.get(word)
    if needed and not source.get(needed):
        yield required(f"{field}.{needed}")
    mode = source.get("defaultMode")
    if mode is not None and not 0 <= mode <= _LARGEST_MODE:
        detail = "must be a number between 0 and 0777 (octal), both inclusive"
        yield invalid_value(f"{field}.defaultMode", mode, detail)
    for index, item in enumerate(source.get("items", [])):
        for name in ("key", "path") if word in ("secret", "configMap") else ("path",):
            if not item.get(name):
                yield required(f"{field}.items[{index}].{name}")
        path = item.get("path", "")
        if path.startswith("/"):
            yield invalid_value(f"{field}.items[{index}].path", path, "must be a relative path")
        if ".." in path.split("/"):
            yield invalid_value(f"{field}.items[{index}].path", path, "must not contain '..'")
