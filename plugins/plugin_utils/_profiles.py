# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles of exporter_metrics, from files on the controller. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import yaml
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import (
    ProfileError,
    checked,
    merged,
)

BUILT_IN = Path(__file__).parents[2] / "profiles"
SUFFIXES = (".yml", ".yaml")
Find = Callable[[str], str]


def load(given: t.Any, find: Find) -> dict[str, t.Any]:
    """The whole profile, with all that it extends; given is the name of a built-in one, a path, or a mapping.

    `find` turns a path of the task into that of a file. Raises ProfileError.
    """
    if isinstance(given, str):
        return _extended(_path(given, None, find), find, [])
    if isinstance(given, dict):
        own = checked(given, given.get("name") or "profile")
        return _with_base(own, None, find, [])
    raise ProfileError(f"profile: {given!r} is neither a name, nor a path, nor a mapping")


def built_in() -> list[str]:
    """Names of the profiles that the collection brings."""
    return sorted(path.stem for path in BUILT_IN.glob("*.yml"))


def _extended(path: Path, find: Find, descendants: list[Path]) -> dict[str, t.Any]:
    """The profile of a file, which `descendants` extend."""
    if path in descendants:
        chain = " -> ".join(map(str, [*descendants[descendants.index(path) :], path]))
        raise ProfileError(f"{path}: a profile extends itself: {chain}")
    own = checked(_read(path), str(path))
    own.setdefault("name", path.stem if path.parent == BUILT_IN else str(path))
    return _with_base(own, path, find, [*descendants, path])


def _with_base(
    own: dict[str, t.Any], path: Path | None, find: Find, descendants: list[Path]
) -> dict[str, t.Any]:
    base = own.pop("extends", None)
    if base is None:
        return own
    return merged(_extended(_path(base, path, find), find, descendants), own)


def _path(name: str, extending: Path | None, find: Find) -> Path:
    """A path in a file is searched for beside that file first."""
    if not name.endswith(SUFFIXES):
        if name not in built_in():
            raise ProfileError(
                f"{extending or 'profile'}: there is no built-in profile {name}, only "
                f"{', '.join(built_in())}; the name of a file ends in {' or '.join(SUFFIXES)}"
            )
        return BUILT_IN / f"{name}.yml"
    beside = extending.parent / name if extending else None
    return beside.resolve() if beside and beside.is_file() else Path(find(name)).resolve()


def _read(path: Path) -> t.Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProfileError(f"{path}: cannot be read as YAML: {error}") from error
