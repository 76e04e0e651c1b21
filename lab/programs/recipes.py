"""How each program that is a Go module is built, and the files of its module that belong to it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.programs.golang import Go
from lab.programs.versions import Versions

_KUBERNETES = "k8s.io/kubernetes"
_ETCD = "go.etcd.io/etcd/server/v3"
_HELM = "helm.sh/helm/v3"
_ESO = "github.com/external-secrets/external-secrets"
_OPERATOR = "github.com/prometheus-operator/prometheus-operator"
_EXPORTER = "github.com/prometheus-community/postgres_exporter"
_YACE = "github.com/prometheus-community/yet-another-cloudwatch-exporter"
_STAMP = "-X github.com/prometheus/common/version.Version="
#: External Secrets registers some forty providers. AWS alone is wanted, and not all modules of the others can
#: be had; what is only theirs leaves go.mod.
_ESO_UNUSED = (
    "github.com/DelineaXPM/tss-sdk-go/v3",
    "github.com/IBM/secrets-manager-go-sdk/v2",
    "github.com/cyberark/conjur-api-go",
    "github.com/hashicorp/vault/api/auth/ldap",
    "github.com/previder/vault-cli",
    "github.com/pulumi/esc-sdk/sdk",
)
_ESO_FOREIGN_GENERATORS = ("acr", "cloudsmith", "gcr", "github", "grafana", "quay", "vault")
#: Of one program, the module proxy lost the version that go.mod asks for.
_ESO_MOVED = {"github.com/aws/aws-sdk-go-v2/service/ecrpublic@v1.37.7": "v1.38.2"}


@dataclass(frozen=True)
class Recipe:
    """One program. `source` lays out a module in a folder, in which `package` is built."""

    program: str
    version: str
    package: str
    source: Callable[[Go, Path], None]
    ldflags: str = ""
    #: Copies what else belongs to the program from the source to the folder of the program.
    companions: Callable[[Go, Path, Path], None] = lambda go, source, target: None


def of_control_plane(versions: Versions) -> list[Recipe]:
    """All programs of a control plane, those that take longest first."""
    return [
        *_kubernetes(versions.kubernetes),
        _external_secrets(versions.external_secrets),
        *_prometheus_operator(versions.prometheus_operator),
        Recipe("etcd", versions.etcd, _ETCD, _requiring(f"{_ETCD}@v{versions.etcd}")),
        Recipe(
            "helm",
            versions.helm,
            f"{_HELM}/cmd/helm",
            _requiring(f"{_HELM}@v{versions.helm}"),
            f"-X {_HELM}/internal/version.version=v{versions.helm}",
        ),
    ]


def yace(version: str) -> Recipe:
    """The exporter of CloudWatch."""
    return _stamped("yace", version, f"{_YACE}/cmd/yace", _YACE)


def exporter(version: str) -> Recipe:
    """A postgres_exporter."""
    return _stamped("postgres_exporter", version, f"{_EXPORTER}/cmd/postgres_exporter", _EXPORTER)


def _stamped(program: str, version: str, command: str, module: str) -> Recipe:
    """A program that says its version, as a released one does."""
    return Recipe(program, version, command, _requiring(f"{module}@v{version}"), f"{_STAMP}{version}")


def _kubernetes(version: str) -> list[Recipe]:
    _one, minor, patch = version.split(".")
    staging = f"v0.{minor}.{patch}"

    def source(go: Go, folder: Path) -> None:
        module = go.folder_of(_KUBERNETES, version) / "go.mod"
        # It names its parts by local paths; they are published with the version's own numbers, too.
        parts = re.findall(r"(k8s\.io/[a-z-]+) => \./staging", module.read_text())
        replaced = [f"-replace={part}={part}@{staging}" for part in parts]
        _requiring(f"{_KUBERNETES}@v{version}")(go, folder)
        go.edit(folder, *replaced)

    stamp = "k8s.io/component-base/version"
    numbers = {"gitVersion": f"v{version}", "gitMajor": "1", "gitMinor": minor}
    ldflags = " ".join(f"-X {stamp}.{name}={value}" for name, value in numbers.items())
    names = ("kube-apiserver", "kube-controller-manager", "kubectl")
    return [Recipe(name, version, f"{_KUBERNETES}/cmd/{name}", source, ldflags) for name in names]


def _prometheus_operator(version: str) -> list[Recipe]:
    parts = [f"{_OPERATOR}{part}@v{version}" for part in ("", "/pkg/apis/monitoring", "/pkg/client")]

    def definitions(go: Go, source: Path, target: Path) -> None:
        module = go.folder_of(_OPERATOR, version)
        _copy(module.glob("example/prometheus-operator-crd/*.yaml"), target / "crds")
        _copy(module.glob("example/rbac/prometheus-operator/*.yaml"), target / "manifests")

    stamp = f"{_STAMP}{version}"
    return [
        Recipe(
            "prometheus-operator",
            version,
            f"{_OPERATOR}/cmd/operator",
            _requiring(*parts),
            stamp,
            definitions,
        ),
        Recipe(
            "prometheus-config-reloader",
            version,
            f"{_OPERATOR}/cmd/prometheus-config-reloader",
            _requiring(*parts),
            stamp,
        ),
    ]


def _external_secrets(version: str) -> Recipe:
    def source(go: Go, folder: Path) -> None:
        # Files of Go's own store must not be changed, so the build takes a copy.
        shutil.copytree(
            go.folder_of(_ESO, version), folder, dirs_exist_ok=True, copy_function=shutil.copyfile
        )
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
        (folder / "pkg/provider/register/register.go").write_text(
            f'package register\n\nimport _ "{_ESO}/pkg/provider/aws"\n'
        )
        generators = folder / "pkg/generator/register/register.go"
        foreign = tuple(f'generator/{name}"' for name in _ESO_FOREIGN_GENERATORS)
        lines = [line for line in generators.read_text().splitlines() if not line.endswith(foreign)]
        generators.write_text("\n".join(lines) + "\n")
        go.edit(folder, *(f"-droprequire={module}" for module in _ESO_UNUSED))
        required = (folder / "go.mod").read_text()
        for moved, to in _ESO_MOVED.items():
            if moved.replace("@", " ") in required:
                go.edit(folder, f"-require={moved.partition('@')[0]}@{to}")

    def companions(go: Go, source: Path, target: Path) -> None:
        definitions = sorted(source.glob("config/crds/bases/*external-secrets.io_*.yaml"))
        _copy(definitions, target / "crds")
        chart = target / "chart"
        shutil.copytree(source / "deploy/charts/external-secrets", chart)
        _complete_chart(chart, version, definitions)

    return Recipe("external-secrets", version, ".", source, companions=companions)


def _complete_chart(chart: Path, version: str, definitions: Sequence[Path]) -> None:
    """Do what a release does with the chart of the source: number it, and put the definitions in."""
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    # The only dependency is another provider's server, which is off.
    del about["dependencies"]
    (chart / "Chart.lock").unlink()
    about |= {"version": version, "appVersion": f"v{version}"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about, sort_keys=False))
    for path in definitions:
        text = path.read_text().removeprefix("---\n").replace("{{", '{{ "{{" }}')
        guarded = f"{{{{- if .Values.installCRDs }}}}\n{text}{{{{- end }}}}\n"
        (chart / "templates/crds" / path.name).write_text(guarded)


def _requiring(*modules: str) -> Callable[[Go, Path], None]:
    """A module of our own that does nothing but require others."""

    def source(go: Go, folder: Path) -> None:
        (folder / "go.mod").write_text("module lab\n\ngo 1.26.0\n")
        go.edit(folder, *(f"-require={module}" for module in modules))

    return source


def _copy(files: Iterable[Path], target: Path) -> None:
    target.mkdir()
    for file in files:
        shutil.copyfile(file, target / file.name)
