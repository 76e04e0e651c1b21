"""What the laboratory knows about a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Program:
    """An executable that was tried, and its version, for example 0.19.1."""

    path: Path
    version: str

    @property
    def major(self) -> str:
        """First number of the version, for example 17."""
        return self.version.split(".", maxsplit=1)[0]


class _Set:
    """A dataclass whose fields are programs."""

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        programs = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: _plain(each) for name, each in programs.items() if each is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{name: _typed(each) for name, each in data.items()})


@dataclass(frozen=True)
class ControlPlane(_Set):
    """The programs of a real control plane. Beside those of operators lie their definitions (`crds/`)."""

    etcd: Program
    kube_apiserver: Program
    kube_controller_manager: Program
    kubectl: Program
    helm: Program
    #: Its Helm chart is in `chart/` beside it.
    external_secrets: Program
    #: The objects with which it is installed are in `manifests/` beside it.
    prometheus_operator: Program
    prometheus_config_reloader: Program
    #: Gives each container its own view of files and users.
    bwrap: Program


@dataclass(frozen=True)
class Programs(_Set):
    """All programs that the laboratory runs; initdb and psql lie beside postgres."""

    postgres: Program
    exporter: Program
    prometheus: Program
    promtool: Program
    #: For the kind `control-plane` only.
    control_plane: ControlPlane | None = None


def _plain(each: Program | ControlPlane) -> dict[str, Any]:
    if isinstance(each, ControlPlane):
        return each.to_json()
    return {"path": str(each.path), "version": each.version}


def _typed(each: Mapping[str, Any]) -> Program | ControlPlane:
    if "path" in each:
        return Program(Path(each["path"]), each["version"])
    return ControlPlane.from_json(each)
