"""What a role's own defaults and variables come to, without a run of the role."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

_ROLES = Path(__file__).parents[1] / "roles"


def role_variables(role: str, facts: Mapping[str, Any]) -> Templar:
    """A templar that knows the role's variables; `facts` is what the inventory and earlier roles would say."""
    loader = DataLoader()
    files = [_ROLES / role / "defaults/main.yml", *sorted((_ROLES / role / "vars").rglob("*.yml"))]
    variables: dict[str, Any] = {}
    for path in files:
        variables |= loader.load_from_file(str(path), trusted_as_template=True)
    return Templar(loader=loader, variables={**variables, **facts, "role_path": str(_ROLES / role)})


def role_value(role: str, name: str, facts: Mapping[str, Any]) -> Any:
    """The value of one of the role's variables."""
    templar = role_variables(role, facts)
    return templar.template(templar.available_variables[name])
