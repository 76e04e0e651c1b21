"""Stand-in for prometheus-config-reloader: a program of its own, which the kubelet runs beside Prometheus.

It unpacks the configuration, puts environment variables in, and asks Prometheus to reload whenever the
configuration or a rule file has changed. As Prometheus runs without a file system of its own, the mount paths
in the configuration become the places where the kubelet has put them.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.standins.kubelet.substitution import MOUNTS, localized

#: Seconds between two looks at the files; the real one is told by the kernel.
INTERVAL = 0.2
#: A dollar elsewhere is one: this is not how the kubelet replaces variables.
_VARIABLE = re.compile(r"\$\(([a-zA-Z_0-9]+)\)")


def main(arguments: Sequence[str]) -> None:
    """Run once (`--watch-interval=0`) or for ever."""
    options = _parser().parse_args(arguments)
    mounts = json.loads(os.environ.get(MOUNTS, "{}"))
    loaded = ""
    while True:
        seen = _fingerprint([options.config_file, *_files(options.watched_dir)])
        if seen != loaded:
            _write(options.config_envsubst_file, configuration(options.config_file, os.environ, mounts))
            if options.watch_interval == "0" or _reload(options.reload_url):
                loaded = seen
        if options.watch_interval == "0":
            return
        # This program does nothing else: the pause between two looks is its work, not a wait for anything.
        time.sleep(INTERVAL)


def configuration(source: Path, variables: Mapping[str, str], mounts: Mapping[str, str]) -> str:
    """The configuration as Prometheus shall read it. Raises SystemExit for a variable that is not set."""
    content = source.read_bytes()
    text = (gzip.decompress(content) if source.suffix == ".gz" else content).decode()
    unset = sorted(set(_VARIABLE.findall(text)) - variables.keys())
    if unset:
        raise SystemExit(f'found reference to unset environment variable "{unset[0]}"')
    return localized(_VARIABLE.sub(lambda match: variables[match[1]], text), mounts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="prometheus-config-reloader", allow_abbrev=False)
    parser.add_argument("--config-file", type=Path, required=True)
    parser.add_argument("--config-envsubst-file", type=Path, required=True)
    parser.add_argument("--watched-dir", type=Path, action="append", default=[])
    parser.add_argument("--watch-interval", default="3m")
    parser.add_argument("--reload-url", default="")
    parser.add_argument("--listen-address", help="accepted, not used: there is nothing to scrape")
    return parser


def _files(directories: Sequence[Path]) -> list[Path]:
    return [path for directory in directories for path in sorted(directory.glob("*")) if path.is_file()]


def _fingerprint(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def _reload(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30):
            print(f"reloaded {url}", flush=True)
            return True
    except urllib.error.HTTPError as error:
        print(f"{url} refused to reload: {error.read().decode(errors='replace').strip()}", flush=True)
    except OSError as error:
        print(f"cannot reload {url} yet: {error}", flush=True)
    return False


if __name__ == "__main__":
    main(sys.argv[1:])
