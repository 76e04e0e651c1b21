"""The config reloader makes a configuration for Prometheus and has it reloaded."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lab.standins.kubelet.config_reloader import configuration, main
from lab.standins.kubelet.substitution import MOUNTS

TEXT = "external: $(POD_NAME)\nrule_files: [/etc/prometheus/rules/x/*.yaml]\n"


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "prometheus.yaml.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    return path


def test_variables_and_paths_are_put_in(packed: Path) -> None:
    mounts = {"/etc/prometheus/rules/x": "/lab/rules"}
    assert configuration(packed, {"POD_NAME": "p-0"}, mounts) == (
        "external: p-0\nrule_files: [/lab/rules/*.yaml]\n"
    )


def test_a_variable_that_is_not_set_is_an_error(packed: Path) -> None:
    with pytest.raises(SystemExit, match='found reference to unset environment variable "POD_NAME"'):
        configuration(packed, {}, {})


def test_two_dollars_stay_two(tmp_path: Path) -> None:
    plain = tmp_path / "prometheus.yaml"
    plain.write_text("replacement: a$$b$(X)")
    assert configuration(plain, {"X": "c"}, {}) == "replacement: a$$bc"


def test_an_init_container_writes_once(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAME", "p-0")
    monkeypatch.setenv(MOUNTS, json.dumps({}))
    written = packed.with_name("prometheus.env.yaml")
    main(["--watch-interval=0", f"--config-file={packed}", f"--config-envsubst-file={written}"])
    assert "external: p-0" in written.read_text()
    assert written.stat().st_mode & 0o777 == 0o600


class Reloads(HTTPServer):
    """Counts reloads, and refuses the first."""

    count = 0


class Handler(BaseHTTPRequestHandler):
    server: Reloads

    def do_POST(self) -> None:
        self.server.count += 1
        self.send_response(500 if self.server.count == 1 else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def prometheus() -> Iterator[Reloads]:
    server = Reloads(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_reloads_until_prometheus_takes_it_and_again_after_a_change(
    packed: Path, prometheus: Reloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = packed.parent / "rules"
    rules.mkdir()
    (rules / "a.yaml").write_text("groups: []")

    class StopError(Exception):
        pass

    counts = []

    def pause(seconds: float) -> None:
        counts.append(prometheus.count)
        if len(counts) == 3:
            (rules / "a.yaml").write_text("groups: [] # changed")
        if len(counts) == 5:
            raise StopError

    monkeypatch.setenv("POD_NAME", "p-0")
    monkeypatch.setattr("time.sleep", pause)
    with pytest.raises(StopError):
        main(
            [
                f"--reload-url=http://127.0.0.1:{prometheus.server_port}/-/reload",
                f"--config-file={packed}",
                f"--config-envsubst-file={packed.parent / 'out.yaml'}",
                f"--watched-dir={rules}",
            ]
        )
    assert counts == [1, 2, 2, 3, 3]
