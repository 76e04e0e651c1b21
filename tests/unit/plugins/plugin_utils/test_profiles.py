"""Profiles from files on the controller, and what they extend."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.loading import (
    load as make,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.schema import (
    EXPECTATION,
    LIMITS,
    PROFILE,
    ProfileError,
)
from ansible_collections.eks_observability.stack.plugins.plugin_utils._profiles import built_in, load


def loaded(directory: Path, given: t.Any, **files: str) -> dict[str, t.Any]:
    for name, text in files.items():
        (directory / f"{name}.yml").write_text(text, encoding="utf-8")
    return load(given, lambda path: str(directory / path))


@pytest.mark.parametrize("name", built_in())
def test_a_built_in_profile(name: str) -> None:
    given = load(name, str)
    assert given["name"] == name
    examples = {"str": "x", "int": 16, "number": 1, "bool": True, "list": ["x"], "version": "0.19"}
    some = {variable: examples[about["type"]] for variable, about in given["variables"].items()}
    assert len(make(given, some).expectations) > 5


def test_there_are_three() -> None:
    assert built_in() == ["postgres_exporter", "sample_app", "yace"]


def test_a_file_extends_a_built_in_one(tmp_path: Path) -> None:
    mine = "extends: sample_app\nexpect:\n- {id: app_build_info, severity: warn}\n- {name: mine}\n"
    given = loaded(tmp_path, "mine.yml", mine=mine)
    base = load("sample_app", str)
    assert given["name"] == str(tmp_path / "mine.yml")
    assert len(given["expect"]) == len(base["expect"]) + 1
    (changed,) = [entry for entry in given["expect"] if entry.get("id") == "app_build_info"]
    assert (changed["severity"], changed["type"]) == ("warn", "gauge")


def test_a_file_is_found_beside_the_one_that_extends_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "base.yml").write_text("unsteady: [base_]", encoding="utf-8")
    (tmp_path / "sub" / "mine.yml").write_text("extends: base.yml\nunsteady: [mine_]", encoding="utf-8")
    assert loaded(tmp_path, "sub/mine.yml")["unsteady"] == ["base_", "mine_"]


def test_a_mapping_extends_a_file(tmp_path: Path) -> None:
    given = loaded(tmp_path, {"extends": "base.yml", "unsteady": ["b_"]}, base="unsteady: [a_]")
    assert given["unsteady"] == ["a_", "b_"]
    assert "extends" not in given


@pytest.mark.parametrize(
    ("given", "files", "said"),
    [
        pytest.param(
            "nothing",
            {},
            "no built-in profile nothing, only postgres_exporter, sample_app, yace; the name of a file ends",
            id="unknown name",
        ),
        pytest.param(["a"], {}, "neither a name, nor a path, nor a mapping", id="a list"),
        pytest.param("gone.yml", {}, "gone.yml: cannot be read as YAML: .*No such file", id="no file"),
        pytest.param("mine.yml", {"mine": "a: [b"}, "mine.yml: cannot be read as YAML", id="no YAML"),
        pytest.param("mine.yml", {"mine": ""}, "mine.yml: None is not a mapping", id="an empty file"),
        pytest.param(
            "mine.yml",
            {"mine": "expect: [{namen: up}]"},
            r"mine.yml.expect\[1\]: there is no namen",
            id="key",
        ),
        pytest.param(
            "mine.yml",
            {"mine": "extends: their.yml", "their": "limits: {samples: many}"},
            "their.yml.limits.samples: 'many' is not a whole number",
            id="a mistake in the file that is extended",
        ),
        pytest.param(
            "mine.yml", {"mine": "extends: mine"}, "mine.yml: there is no built-in profile mine", id="no base"
        ),
        pytest.param(
            "mine.yml",
            {"mine": "extends: their.yml", "their": "extends: mine.yml"},
            "a profile extends itself: .*mine.yml -> .*their.yml -> .*mine.yml",
            id="a cycle",
        ),
    ],
)
def test_a_mistake_is_a_sentence(tmp_path: Path, given: t.Any, files: dict[str, str], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        loaded(tmp_path, given, **files)


PAGE = Path(__file__).parents[4] / "docs" / "profiles.md"


@pytest.mark.parametrize("name", built_in())
def test_the_page_names_the_variables(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*\| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    variables = load(name, str)["variables"]
    required = {variable for variable, about in variables.items() if about.get("required")}
    assert row.replace("**", "").split(", ") == [*variables]
    assert set(re.findall(r"\*\*(\w+)\*\*", row)) == required


def test_the_page_names_the_keys() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert {key for key in (*PROFILE, *EXPECTATION, *LIMITS) if f"`{key}`" not in text} == set()


def test_the_example_of_the_page_is_a_profile(tmp_path: Path) -> None:
    example = re.findall(
        r"```yaml\n# files/orders_exporter.yml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S
    )
    given = loaded(tmp_path, "example.yml", example=example[0])
    profile = make(given, {"database": "orders", "tenant": "acme"})
    assert profile.expectations[-1].id == "orders"
    assert profile.limits.samples == 5000
