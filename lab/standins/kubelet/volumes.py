"""A pod's volumes as directories, and a container's mount paths as places in them."""

from __future__ import annotations

import base64
import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.standins.api.client import Api
from lab.standins.api.objects import Object
from lab.standins.kubelet.environment import ConfigError, Lookup, field_value

#: Part of a token's life after which the kubelet replaces it.
_RENEW_AT = 0.8


_MISSING_KEY = {
    "ConfigMap": "configmap references non-existent config",
    "Secret": "references non-existent secret",
}


class VolumeError(Exception):
    """A volume cannot be set up (yet)."""

    def __init__(self, volume: str, cause: str) -> None:
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {cause}')


@dataclass
class Volumes:
    """The volumes of one pod, below `root`; `lookup` finds Secrets and ConfigMaps of its namespace."""

    root: Path
    api: Api
    lookup: Lookup
    _tokens: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def prepare(self, pod: Object) -> None:
        """Write all volumes, or bring them up to date. Raises VolumeError."""
        for volume in pod["spec"].get("volumes") or []:
            directory = self.root / volume["name"]
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if "emptyDir" in volume:
                continue
            try:
                files = self._files(volume, pod)
            except ConfigError as error:
                raise VolumeError(volume["name"], str(error)) from error
            _write(directory, files)

    def paths(self, container: Object) -> dict[str, Path]:
        """Where each mount path of a container is."""
        return {
            mount["mountPath"]: self.root / mount["name"] / (mount.get("subPath") or "")
            for mount in container.get("volumeMounts") or []
        }

    def renewal(self) -> float | None:
        """Seconds until a token has to be replaced."""
        ends = [renew for _token, renew in self._tokens.values()]
        return max(0.0, min(ends) - time.time()) if ends else None

    def _files(self, volume: Object, pod: Object) -> dict[str, bytes]:
        if "projected" in volume:
            files: dict[str, bytes] = {}
            for source in volume["projected"].get("sources") or []:
                files.update(self._source(source, pod))
            return files
        # A volume and a source of a projected one name a Secret in different words.
        if "secret" in volume:
            secret = volume["secret"]
            return self._source({"secret": {**secret, "name": secret["secretName"]}}, pod)
        return self._source(volume, pod)

    def _source(self, source: Object, pod: Object) -> dict[str, bytes]:
        if "secret" in source:
            return self._object("Secret", source["secret"])
        if "configMap" in source:
            return self._object("ConfigMap", source["configMap"])
        if "downwardAPI" in source:
            items = source["downwardAPI"].get("items") or []
            return {item["path"]: field_value(pod, item["fieldRef"]["fieldPath"]).encode() for item in items}
        if "serviceAccountToken" in source:
            return {
                source["serviceAccountToken"]["path"]: self._token(
                    source["serviceAccountToken"], pod
                ).encode()
            }
        known = "secret, configMap, emptyDir, projected and downwardAPI"
        kinds = ", ".join(key for key in source if key != "name")
        raise ConfigError(f"the laboratory's kubelet knows volumes of {known}, not {kinds}")

    def _object(self, kind: str, reference: Object) -> dict[str, bytes]:
        obj = self.lookup(kind, reference["name"])
        if obj is None:
            if reference.get("optional"):
                return {}
            raise ConfigError(f'{kind.lower()} "{reference["name"]}" not found')
        files = _content(obj)
        if not reference.get("items"):
            return files
        chosen = {}
        for item in reference["items"]:
            if item["key"] in files:
                chosen[item["path"]] = files[item["key"]]
            elif not reference.get("optional"):
                what = _MISSING_KEY[kind]
                raise ConfigError(f"{what} key: {item['key']}")
        return chosen

    def _token(self, wish: Object, pod: Object) -> str:
        account, audience = pod["spec"].get("serviceAccountName") or "default", wish.get("audience") or ""
        token, renew = self._tokens.get((account, audience), ("", 0.0))
        if time.time() >= renew:
            life = int(wish.get("expirationSeconds") or 3600)
            audiences = [audience] if audience else []
            token = self.api.token(pod["metadata"]["namespace"], account, audiences, life, pod)
            self._tokens[account, audience] = (token, time.time() + life * _RENEW_AT)
        return token


def names_used(pod: Object) -> set[tuple[str, str]]:
    """The Secrets and ConfigMaps in the pod's volumes: (kind, name)."""
    names = set()
    for volume in pod["spec"].get("volumes") or []:
        if "secret" in volume:
            names.add(("Secret", volume["secret"]["secretName"]))
        for source in [volume, *(volume.get("projected") or {}).get("sources", [])]:
            if "configMap" in source:
                names.add(("ConfigMap", source["configMap"]["name"]))
            if "name" in (source.get("secret") or {}):
                names.add(("Secret", source["secret"]["name"]))
    return names


def _content(obj: Object) -> dict[str, bytes]:
    if obj["kind"] == "ConfigMap":
        files = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
        binary = obj.get("binaryData") or {}
    else:
        files, binary = {}, obj.get("data") or {}
    return {**files, **{key: base64.b64decode(value) for key, value in binary.items()}}


def _write(directory: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = directory / name
        with contextlib.suppress(FileNotFoundError):
            if path.read_bytes() == content:
                continue
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Readers see the old file or the new one, never a part.
        fresh = path.with_name(f".{path.name}.new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        fresh.replace(path)
    wanted = {directory / name for name in files}
    for path in directory.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
