"""What a container of a real control plane sees: its own files, user and address."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.network import private
from lab.network.private import NamespaceError
from lab.programs.cache import Cache, cache_directory
from lab.programs.wanted import BWRAP
from lab.standins.kubelet.environment import ConfigError
from lab.standins.kubelet.runtime import Start, StartError
from lab.standins.kubelet.sandbox import SandboxImage, SandboxRuntime, listening
from lab.waiting import wait_until

IMAGE = "registry.example/shell:v1"
#: Says what it sees, and then waits for its end.
LOOK = """
id -u; id -g; ls /; cat /etc/aurora/ca.pem; echo "$GREETING"
touch /writable 2>/dev/null && echo root is writable; touch /data/file && echo data is writable
touch /etc/aurora/file 2>/dev/null && echo mount is writable
grep CapEff /proc/self/status; echo ready
trap 'echo asked to end; exit 7' TERM; while :; do read -r -t 1 line < /dev/zero; done
"""


@pytest.mark.parametrize(
    ("arguments", "defaults", "expected"),
    [
        pytest.param(["--listen-address=:8080"], {}, ["--listen-address=198.18.0.9:8080"], id="no host"),
        pytest.param(["--live-addr=0.0.0.0:8082"], {}, ["--live-addr=198.18.0.9:8082"], id="all hosts"),
        pytest.param(["--metrics-addr=10.0.0.1:80"], {}, ["--metrics-addr=10.0.0.1:80"], id="another host"),
        pytest.param(
            ["--reload-url=http://localhost:9090/-/reload"],
            {},
            ["--reload-url=http://198.18.0.9:9090/-/reload"],
            id="the pod itself",
        ),
        pytest.param([], {"--web.listen": 90}, ["--web.listen=198.18.0.9:90"], id="the program's default"),
        pytest.param(
            ["--web.listen-address=:91"],
            {"--web.listen-address": 90},
            ["--web.listen-address=198.18.0.9:91"],
            id="given, so no default",
        ),
        pytest.param(["--config=a:1", "--port=10250"], {}, ["--config=a:1", "--port=10250"], id="no address"),
    ],
)
def test_a_container_listens_on_its_pods_address(
    arguments: Sequence[str], defaults: Mapping[str, int], expected: list[str]
) -> None:
    assert listening(arguments, "198.18.0.9", defaults) == expected


@pytest.fixture
def runtime() -> SandboxRuntime:
    found = Cache(cache_directory({})).newest(BWRAP)
    path = shutil.which("bwrap") or (found and str(found.path))
    if not path:
        pytest.skip("no bubblewrap here; `python -m lab programs` fetches it")
    try:
        private.require()
    except NamespaceError as error:
        pytest.skip(str(error))
    image = SandboxImage(Path("/bin/bash"), "/bin/shell", user=65534)
    return SandboxRuntime(Path(path), {IMAGE: image}, {"PATH": "/usr/bin"})


def start(tmp_path: Path, **container: Any) -> Start:
    for name in ("ca", "data"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "ca/ca.pem").write_text("a certificate\n")
    mounts = [{"mountPath": "/etc/aurora", "readOnly": True}, {"mountPath": "/data"}]
    metadata = {"name": "pod", "namespace": "default", "uid": "1"}
    return Start(
        name="test",
        pod={"metadata": metadata, "spec": {"securityContext": {"runAsGroup": 2000}}},
        container={"name": "shell", "image": IMAGE, "volumeMounts": mounts, **container},
        arguments=["-c", LOOK],
        environment={"GREETING": "hello"},
        mounts={"/etc/aurora": tmp_path / "ca", "/data": tmp_path / "data"},
        address="198.18.0.9",
        home=tmp_path,
        log=tmp_path / "log",
    )


def seen(runtime: SandboxRuntime, start: Start) -> list[str]:
    process = runtime.start(start)
    try:
        wait_until(lambda: "ready" in start.log.read_text(), what="the container to look", timeout=10)
    finally:
        process.stop(timeout=5)
    assert process.poll() == 7, start.log.read_text()
    return start.log.read_text().splitlines()


def test_a_container_has_the_user_files_and_rights_that_its_specification_gives(
    runtime: SandboxRuntime, tmp_path: Path
) -> None:
    context = {"runAsUser": 1000, "runAsNonRoot": True, "readOnlyRootFilesystem": True}
    lines = seen(runtime, start(tmp_path, securityContext=context))
    assert lines[:2] == ["1000", "2000"]
    assert {"etc", "data", "bin"} <= set(lines)
    assert not {"root", "home", "work", "var"} & set(lines)
    assert ["a certificate" in lines, "hello" in lines, "data is writable" in lines] == [True] * 3
    assert ["root is writable" in lines, "mount is writable" in lines] == [False, False]
    assert "CapEff:\t0000000000000000" in lines


def test_a_container_is_asked_to_end_before_it_is_killed(runtime: SandboxRuntime, tmp_path: Path) -> None:
    assert seen(runtime, start(tmp_path))[-1] == "asked to end"


def test_a_root_that_is_not_locked_can_be_written(runtime: SandboxRuntime, tmp_path: Path) -> None:
    lines = seen(runtime, start(tmp_path))
    assert lines[0] == "65534"
    assert "root is writable" in lines
    assert not Path("/writable").exists()


def test_root_is_refused_where_the_pod_forbids_it(runtime: SandboxRuntime, tmp_path: Path) -> None:
    refused = start(tmp_path, securityContext={"runAsUser": 0, "runAsNonRoot": True})
    with pytest.raises(ConfigError, match="runAsNonRoot and image will run as root"):
        runtime.start(refused)


def test_a_command_that_is_not_in_the_image_is_refused(runtime: SandboxRuntime, tmp_path: Path) -> None:
    with pytest.raises(StartError, match='exec: "/bin/other"'):
        runtime.start(start(tmp_path, command=["/bin/other"]))


def test_an_image_is_known_with_and_without_its_digest(runtime: SandboxRuntime) -> None:
    assert runtime.knows(IMAGE)
    assert runtime.knows(f"{IMAGE}@sha256:abc")
    assert not runtime.knows("registry.example/other:v1")


def test_nothing_of_a_container_outlives_its_end(runtime: SandboxRuntime, tmp_path: Path) -> None:
    process = runtime.start(start(tmp_path))
    wait_until(lambda: "ready" in (tmp_path / "log").read_text(), what="the container", timeout=10)
    child = process.target
    process.stop(timeout=5)
    assert child
    assert subprocess.run(["kill", "-0", str(child)], capture_output=True, check=False).returncode != 0
