"""Stand-in for Grafana's dashboard sidecar: labelled ConfigMaps become files in a directory."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path

from lab.standins.api.client import Api
from lab.standins.api.controller import Controller, Watch
from lab.standins.api.kinds import CONFIG_MAP
from lab.standins.api.label_selectors import has_all
from lab.standins.api.objects import Key, Object, labels_of

USER = "system:serviceaccount:monitoring:kube-prometheus-stack-grafana"
LABEL = {"grafana_dashboard": "1"}
FOLDER_ANNOTATION = "grafana_folder"

_ALL: Key = ("", "dashboards")


def controllers(api: Api, directory: Path) -> list[Controller]:
    """The sidecar's loop; `directory` holds nothing else."""
    sidecar = _Sidecar(api, directory)
    return [Controller("dashboards", api, [Watch(CONFIG_MAP, keys=_if_labelled)], sidecar.reconcile)]


def _if_labelled(config_map: Object) -> Iterable[Key]:
    return [_ALL] if has_all(LABEL, labels_of(config_map)) else []


class _Sidecar:
    def __init__(self, api: Api, directory: Path) -> None:
        self._api = api
        self._directory = directory

    def reconcile(self, _key: Key) -> float | None:
        wanted = {}
        for config_map in self._api.find(CONFIG_MAP, labels=LABEL):
            wanted.update(files(config_map))
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in wanted.items():
            path = self._directory / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_text(text)
            path.chmod(0o600)
        for path in self._directory.rglob("*.json"):
            if str(path.relative_to(self._directory)) not in wanted:
                path.unlink()
        return None


def files(config_map: Object) -> dict[str, str]:
    """Path below the directory, and content, of each dashboard in a ConfigMap.

    What is not a JSON object is logged and left out.
    """
    metadata = config_map["metadata"]
    # A folder is a name, not a way out of the directory.
    folder = re.sub(r"[^\w .-]|^\.+", "_", (metadata.get("annotations") or {}).get(FOLDER_ANNOTATION) or "")
    found = {}
    for name, text in (config_map.get("data") or {}).items():
        try:
            valid = isinstance(json.loads(text), dict)
        except ValueError:
            valid = False
        if valid:
            found[f"{folder}/{name}" if folder else name] = text
        else:
            log = logging.getLogger(__name__)
            log.error("ConfigMap %s/%s: %s is not a dashboard", metadata["namespace"], metadata["name"], name)
    return found
