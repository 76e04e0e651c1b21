"""What a role's own defaults and variables come to, without a run of the role."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

_ROLES = Path(__file__).parents[1] / "roles"


def role_value(role: str, name: str, facts: Mapping[str, Any]) -> Any:
    """One of the role's variables, where inventory and earlier roles say `facts`."""
    loader = DataLoader()
    # A role with many variables has a folder of files.
    files = [_ROLES / role / "defaults/main.yml", *sorted((_ROLES / role / "vars").rglob("*.yml"))]
    variables: dict[str, Any] = {}
    for path in files:
        variables |= loader.load_from_file(str(path), trusted_as_template=True)
    variables |= {**facts, "role_path": str(_ROLES / role)}
    return Templar(loader=loader, variables=variables).template(variables[name])
