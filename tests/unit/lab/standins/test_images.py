"""Arguments, environment and mount paths of a container become those of a process."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from lab.standins.kubelet.environment import ConfigError, names_used, variables
from lab.standins.kubelet.plain import Image, Toolbox, listen_on
from lab.standins.kubelet.runtime import StartError
from lab.standins.kubelet.substitution import expand, localized
from lab.standins.kubelet.volumes import VolumeError, Volumes

Object = dict[str, Any]
ADDRESS = "127.60.1.2"
PATHS = {"/etc/pg": "/lab/pods/1/pg", "/etc/pg/ca": "/lab/pods/1/ca"}
POD: Object = {
    "metadata": {"name": "exporter-1", "namespace": "demo", "labels": {"app": "exporter"}},
    "spec": {"containers": [{"name": "one"}]},
    "status": {"podIP": ADDRESS},
}
SECRET: Object = {"kind": "Secret", "data": {"user": base64.b64encode(b"app").decode()}}
CONFIG: Object = {"kind": "ConfigMap", "data": {"level": "info"}}


def lookup(kind: str, name: str) -> Object | None:
    return {("Secret", "creds"): SECRET, ("ConfigMap", "config"): CONFIG}.get((kind, name))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--x"], ["--x", "--web.listen-address=127.60.1.2:9187"], id="the default port"),
        pytest.param(
            ["--web.listen-address=:9188", "--x"],
            ["--x", "--web.listen-address=127.60.1.2:9188"],
            id="the port that was asked for",
        ),
        pytest.param(
            ["--web.listen-address", "0.0.0.0:9188"],
            ["--web.listen-address=127.60.1.2:9188"],
            id="flag and value as two words",
        ),
    ],
)
def test_a_program_listens_on_the_address_of_its_pod(arguments: list[str], expected: list[str]) -> None:
    moved, port = listen_on(arguments, ADDRESS, 9187, "--web.listen-address")
    assert (moved, moved[-1]) == (expected, f"--web.listen-address={ADDRESS}:{port}")


class TestToolbox:
    box = Toolbox({"sh": Path("/bin/sh"), "psql": Path("/opt/postgres/bin/psql")})

    def test_runs_the_program_that_is_named(self) -> None:
        command = self.box.command({"command": ["/usr/local/bin/psql"]}, ["--version"], ADDRESS)
        assert command == (["/opt/postgres/bin/psql", "--version"], None)

    def test_a_shell_finds_the_others(self) -> None:
        assert self.box.environment({})["PATH"].split(":")[:2] == ["/bin", "/opt/postgres/bin"]

    @pytest.mark.parametrize("container", [{"command": ["/bin/rm"]}, {}], ids=["another", "none"])
    def test_has_no_other_program(self, container: Object) -> None:
        with pytest.raises(StartError):
            self.box.command(container, [], ADDRESS)


def test_a_program_may_call_that_address_otherwise() -> None:
    arguments = ["--listen-address=:5001", "--x"]
    moved = ["--x", f"--listen-address={ADDRESS}:5001"]
    assert listen_on(arguments, ADDRESS, 5000, "--listen-address") == (moved, 5001)


def test_an_image_is_there_once_its_program_has_been_built(tmp_path: Path) -> None:
    program = tmp_path / "yace"
    image = Image([str(program)], "/bin/yace", None, lambda paths: {})
    assert not image.is_there
    program.touch(mode=0o755)
    assert image.is_there


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("/etc/pg/username", "/lab/pods/1/pg/username", id="a file"),
        pytest.param("--path=/etc/pg", "--path=/lab/pods/1/pg", id="the directory itself"),
        pytest.param("/etc/pg/ca/ca.pem", "/lab/pods/1/ca/ca.pem", id="the deeper mount wins"),
        pytest.param(
            "db:5432/app?sslrootcert=/etc/pg/ca.pem&x=1",
            "db:5432/app?sslrootcert=/lab/pods/1/pg/ca.pem&x=1",
            id="within a DSN",
        ),
        pytest.param("/etc/pgother/x", "/etc/pgother/x", id="not a longer name"),
        pytest.param("/var/etc/pg/x", "/var/etc/pg/x", id="not the end of another path"),
    ],
)
def test_mount_paths_become_directories(text: str, expected: str) -> None:
    assert localized(text, PATHS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("$(A)/$(B)", "1/2", id="known names"),
        pytest.param("$(C)", "$(C)", id="an unknown name stays"),
        pytest.param("$$(A)", "$(A)", id="escaped"),
    ],
)
def test_references_to_variables(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


def test_environment() -> None:
    container = {
        "envFrom": [
            {"configMapRef": {"name": "config"}, "prefix": "LOG_"},
            {"secretRef": {"name": "no", "optional": True}},
        ],
        "env": [
            {"name": "USER", "valueFrom": {"secretKeyRef": {"name": "creds", "key": "user"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "BOTH", "value": "$(USER)@$(IP)"},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "creds", "key": "no", "optional": True}}},
        ],
    }
    assert variables(container, POD, lookup) == {
        "LOG_level": "info",
        "USER": "app",
        "IP": ADDRESS,
        "APP": "exporter",
        "BOTH": f"app@{ADDRESS}",
    }
    assert set(names_used(container)) == {("ConfigMap", "config"), ("Secret", "no"), ("Secret", "creds")}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        pytest.param(
            {"secretKeyRef": {"name": "no", "key": "k"}}, 'secret "no" not found', id="Secret missing"
        ),
        pytest.param(
            {"configMapKeyRef": {"name": "no", "key": "k"}},
            'configmap "no" not found',
            id="ConfigMap missing",
        ),
        pytest.param(
            {"secretKeyRef": {"name": "creds", "key": "k"}},
            "couldn't find key k in Secret demo/creds",
            id="key missing",
        ),
    ],
)
def test_what_is_missing_is_said_as_the_kubelet_says_it(source: Object, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        variables({"env": [{"name": "X", "valueFrom": source}]}, POD, lookup)
    assert str(caught.value) == error


class Tokens:
    """Hands out tokens like the API."""

    def token(self, namespace: str, account: str, audiences: list[str], seconds: int, pod: Object) -> str:
        return f"{namespace}/{account}/{','.join(audiences)}/{pod['metadata']['name']}"


@pytest.fixture
def volumes(tmp_path: Path) -> Volumes:
    return Volumes(tmp_path, Tokens(), lookup)  # type: ignore[arg-type]  # the one method that is used


def pod_with(*listed: Object) -> Object:
    return {**POD, "spec": {"serviceAccountName": "acc", "volumes": list(listed), "containers": []}}


def test_volumes_are_private_directories(volumes: Volumes) -> None:
    volumes.prepare(
        pod_with({"name": "creds", "secret": {"secretName": "creds"}}, {"name": "tmp", "emptyDir": {}})
    )
    file = volumes.root / "creds" / "user"
    assert file.read_text() == "app"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert (volumes.root / "tmp").is_dir()


def test_a_volume_follows_its_secret(volumes: Volumes) -> None:
    pod = pod_with(
        {"name": "creds", "secret": {"secretName": "creds", "items": [{"key": "user", "path": "a/u"}]}}
    )
    volumes.prepare(pod)
    volumes.lookup = lambda kind, name: {
        "kind": "Secret",
        "data": {"user": base64.b64encode(b"new").decode()},
    }
    (volumes.root / "creds" / "stale").write_text("x")
    volumes.prepare(pod)
    assert (volumes.root / "creds" / "a" / "u").read_text() == "new"
    assert not (volumes.root / "creds" / "stale").exists()


@pytest.mark.parametrize(
    ("volume", "error"),
    [
        pytest.param(
            {"secret": {"secretName": "no"}},
            'MountVolume.SetUp failed for volume "v" : secret "no" not found',
            id="Secret",
        ),
        pytest.param(
            {"configMap": {"name": "config", "items": [{"key": "k", "path": "k"}]}},
            'MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: k',
            id="key of a ConfigMap",
        ),
        pytest.param(
            {"secret": {"secretName": "creds", "items": [{"key": "k", "path": "k"}]}},
            'MountVolume.SetUp failed for volume "v" : references non-existent secret key: k',
            id="key of a Secret",
        ),
        pytest.param(
            {"hostPath": {"path": "/"}}, "knows volumes of secret", id="a kind that the lab has not"
        ),
    ],
)
def test_a_volume_that_cannot_be_set_up(volumes: Volumes, volume: Object, error: str) -> None:
    with pytest.raises(VolumeError) as caught:
        volumes.prepare(pod_with({"name": "v", **volume}))
    assert error in str(caught.value)


def test_a_projected_token(volumes: Volumes) -> None:
    source = {
        "serviceAccountToken": {"path": "token", "audience": "sts.amazonaws.com", "expirationSeconds": 1000}
    }
    volumes.prepare(pod_with({"name": "t", "projected": {"sources": [source]}}))
    assert (
        volumes.root / "t" / "token"
    ).read_text() == f"demo/acc/sts.amazonaws.com/{POD['metadata']['name']}"
    assert 790 < (volumes.renewal() or 0) <= 800
