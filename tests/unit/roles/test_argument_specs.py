"""Every input of a role is typed, described, and has the same default in its spec as in its defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROLES = Path(__file__).parents[3] / "roles"
NAMES = sorted(role.name for role in ROLES.iterdir() if role.is_dir())
UNDEFINED = object()


def specs(role: str) -> dict[str, Any]:
    found = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())
    return dict(found["argument_specs"])


def defaults(role: str) -> dict[str, Any]:
    return dict(
        DataLoader().load_from_file(str(ROLES / role / "defaults/main.yml"), trusted_as_template=True)
    )


def rendered(role: str) -> dict[str, Any]:
    """The defaults with no variable set but themselves; UNDEFINED where the inventory has to say."""
    values = defaults(role)
    templar = Templar(loader=DataLoader(), variables=values)

    def value(name: str) -> Any:
        try:
            return templar.template(values[name])
        except Exception:
            return UNDEFINED

    return {name: value(name) for name in values}


@pytest.mark.parametrize("role", NAMES)
def test_every_input_is_typed_and_described(role: str) -> None:
    for entry in specs(role).values():
        assert entry["short_description"]
        for name, option in entry["options"].items():
            assert {"type", "description"} <= option.keys(), name
            assert "{{" not in str(option), f"{name}: argument specs hold literals only"


@pytest.mark.parametrize("role", NAMES)
def test_every_input_carries_the_roles_name(role: str) -> None:
    assert all(name.startswith(f"{role}_") for name in specs(role)["main"]["options"])


@pytest.mark.parametrize("role", NAMES)
def test_defaults_and_spec_agree(role: str) -> None:
    options = specs(role)["main"]["options"]
    values = rendered(role)
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    assert documented == {name: value for name, value in values.items() if value is not UNDEFINED}
    assert all(options[name].get("required") for name, value in values.items() if value is UNDEFINED)


@pytest.mark.parametrize("role", NAMES)
def test_required_inputs_have_no_default_of_their_own(role: str) -> None:
    options = specs(role)["main"]["options"]
    assert not [name for name, option in options.items() if option.get("required") and "default" in option]


@pytest.mark.parametrize("role", NAMES)
def test_defaults_list_the_optional_inputs_as_comments(role: str) -> None:
    text = (ROLES / role / "defaults/main.yml").read_text()
    for name in specs(role)["main"]["options"]:
        assert f"\n{name}:" in text or f"\n# {name}:" in text, name


@pytest.mark.parametrize("role", NAMES)
def test_main_is_a_table_of_contents(role: str) -> None:
    tasks = yaml.safe_load((ROLES / role / "tasks/main.yml").read_text())
    assert all("ansible.builtin.import_tasks" in task and "tags" in task for task in tasks)
    assert len((ROLES / role / "tasks/main.yml").read_text().splitlines()) <= 30


@pytest.mark.parametrize("role", NAMES)
def test_documented_tags_exist(role: str) -> None:
    tasks = yaml.safe_load((ROLES / role / "tasks/main.yml").read_text())
    tags = {tag for task in tasks for tag in task["tags"]} - {"always"}
    readme = (ROLES / role / "README.md").read_text()
    line = next(line for line in readme.splitlines() if line.startswith("Tags:"))
    assert {word.strip("`.,") for word in line.split() if word.startswith("`")} == tags
