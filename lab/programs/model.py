"""What the laboratory knows about a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """An executable that was tried, and its version, for example 0.19.1."""

    path: Path
    version: str

    @property
    def major(self) -> str:
        """First number of the version, for example 17."""
        return self.version.split(".", maxsplit=1)[0]


@dataclass(frozen=True)
class Programs:
    """All programs that the laboratory runs; initdb and psql lie beside postgres."""

    postgres: Program
    exporter: Program
    prometheus: Program
    promtool: Program

    def to_json(self) -> dict[str, dict[str, str]]:
        """The same as plain data."""
        programs = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: {"path": str(each.path), "version": each.version} for name, each in programs.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Mapping[str, str]]) -> Programs:
        """The inverse of `to_json`."""
        return cls(**{name: Program(Path(each["path"]), each["version"]) for name, each in data.items()})
