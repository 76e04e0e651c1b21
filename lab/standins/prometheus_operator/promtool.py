"""What Prometheus itself thinks of rules and scrape configurations."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import yaml

from lab.standins.api.objects import Object

_UNREADABLE = "parsing YAML file "


class Promtool:
    """Checks with the promtool at `path`; what was checked before is not checked again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str | None] = {}

    def rules(self, groups: Object) -> str | None:
        """What is wrong with a rule file, or None."""
        return self._check(["check", "rules", "--lint=none"], "rules.yaml", groups)

    def relabelings(self, rules: list[Object]) -> str | None:
        """What is wrong with relabelings, or None."""
        config = {"scrape_configs": [{"job_name": "checked", "relabel_configs": rules}]}
        command = ["check", "config", "--lint=none", "--syntax-only"]
        found = self._check(command, "prometheus.yaml", config)
        return found.removeprefix(_UNREADABLE) if found else None

    def _check(self, command: list[str], name: str, content: Object) -> str | None:
        text = yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False)
        key = f"{name}\n{text}"
        if key not in self._known:
            self._known[key] = self._run(command, name, text)
        return self._known[key]

    def _run(self, command: list[str], name: str, text: str) -> str | None:
        with tempfile.TemporaryDirectory(prefix="promtool-") as directory:
            path = Path(directory) / name
            path.write_text(text)
            result = subprocess.run(
                [self._path, *command, path], capture_output=True, text=True, timeout=30, check=False
            )
        if result.returncode == 0:
            return None
        lines = [line.strip().removeprefix("FAILED:").strip() for line in result.stderr.splitlines()]
        said = [line.replace(f"{path}: ", "") for line in lines if line]
        return "; ".join(said) or f"promtool ended with {result.returncode}"
