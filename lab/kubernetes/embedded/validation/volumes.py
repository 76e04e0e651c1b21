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
#: Of several kinds, the real server takes the first of these for the right one.
_ORDER = ("emptyDir", "hostPath", "secret", "persistentVolumeClaim", "downwardAPI", "configMap", "projected")
_LARGEST_MODE = 0o777


def volume_problems(volumes: list[Object], field: str, valid: set[str]) -> Iterator[Problem]:
    """Problems of a pod's volumes; adds the names of those that have none to `valid`."""
    for index, volume in enumerate(volumes):
        problems = list(_problems(volume, f"{field}[{index}]", valid))
        yield from problems
        if not problems:
            valid.add(volume["name"])


def _problems(volume: Object, field: str, known: set[str]) -> Iterator[Problem]:
    name = volume.get("name", "")
    kinds = sorted((word for word in volume if word != "name"), key=_position)
    for word in kinds[:1]:
        yield from _source(word, volume[word], f"{field}.{word}")
    for word in kinds[1:]:
        yield forbidden_field(f"{field}.{word}", "may not specify more than 1 volume type")
    if not name:
        yield required(f"{field}.name")
    else:
        yield from worded(f"{field}.name", name, names.label(name))
    if name in known:
        yield duplicate(f"{field}.name", name)


def _position(word: str) -> int:
    return _ORDER.index(word) if word in _ORDER else len(_ORDER)


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
